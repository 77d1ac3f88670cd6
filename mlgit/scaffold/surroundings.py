"""What a repository has already that mlgit has to live with: how its requirements are installed, and who else runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.system import files

OWN_REQUIREMENTS = "requirements-mlgit.txt"
_USUAL = "requirements.txt"
_NESTED = ("src/requirements.txt", "requirements/base.txt", "requirements/prod.txt", "requirements/requirements.txt")
_PINNED = {
    "uv.lock": "uv export --frozen --no-emit-project --no-hashes --output-file requirements.txt",
    "poetry.lock": "poetry export --without-hashes --output requirements.txt",
    "pdm.lock": "pdm export --without-hashes --output requirements.txt",
    "Pipfile": "pipenv requirements > requirements.txt",
}
_CONDA = ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml", "conda-lock.yml", "pixi.toml")
_OTHER_CI = (
    *(".gitlab-ci.yml", "Jenkinsfile", "azure-pipelines.yml", "bitbucket-pipelines.yml", ".circleci/config.yml"),
    *(".travis.yml", ".drone.yml", ".woodpecker.yml", ".woodpecker.yaml", ".buildkite/pipeline.yml"),
)
_RUNS_ALSO = re.compile(
    r"\bdvc (?:repro|exp|pull|metrics|plots)\b|\bcml[ -]\w|setup-(?:dvc|cml)|python3? \S*train", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Requirements:
    """The file from which the workflows install, its content if mlgit has to write it, and what people should know."""

    path: str
    content: str = ""
    notes: tuple[str, ...] = ()


def requirements(folder: Path, *, mlgit: str, wanted: str = "") -> Requirements:
    """How the workflows install what the project in `folder` requires, and mlgit (`mlgit` is the line for pip).

    No file that is there is changed: where one lists the requirements without mlgit, another refers to it. `wanted` is
    the file that the user named.
    """
    if wanted:
        return Requirements(wanted, f"{mlgit}\n", _missing(folder, wanted, mlgit))
    own = folder / OWN_REQUIREMENTS
    listed = next((path for path in (_USUAL, *_NESTED) if (folder / path).is_file()), "")
    if listed and not own.is_file() and _lists(folder / listed, "mlgit"):
        return Requirements(listed)
    notes = _pins(folder, listed)
    if listed:
        return Requirements(OWN_REQUIREMENTS, f"{mlgit}\n-r {listed}\n", notes)
    locked = next((path for path in _PINNED if (folder / path).is_file()), "")
    conda = next((path for path in _CONDA if (folder / path).is_file()), "")
    if locked:
        why = f"the workflows do not read {locked}: `{_PINNED[locked]}` writes what it pins, then add `-r requirements.txt`"
        notes += (f"{why} to {OWN_REQUIREMENTS}",)
    elif conda:
        notes += (f"pip cannot install from {conda}: list in {OWN_REQUIREMENTS} what the stages need",)
    package = _package(folder)
    if package or locked or conda or own.is_file():
        return Requirements(OWN_REQUIREMENTS, f"{mlgit}\n{package}", notes)
    return Requirements(_USUAL, f"{mlgit}\n", notes)


def _package(folder: Path) -> str:
    """The line that installs the project itself, where its files say that it can be built."""
    project = folder / "pyproject.toml"
    text = files.decode(project.read_bytes(), name="pyproject.toml") if project.is_file() else ""
    is_package = re.search(r"(?m)^\[(?:project|build-system)\]", text) and not re.search(r"(?m)^package-mode *= *false", text)
    return "-e .\n" if is_package or (folder / "setup.py").is_file() else ""


def _lists(path: Path, name: str) -> bool:
    return bool(re.search(rf"(?im)^[^#\n]*\b{name}\b", path.read_text("utf-8", errors="replace")))


def _missing(folder: Path, wanted: str, mlgit: str) -> tuple[str, ...]:
    if not (folder / wanted).is_file() or _lists(folder / wanted, "mlgit"):
        return ()
    return (f"add the line `{mlgit}` to {wanted}, from which the workflows install",)


def _pins(folder: Path, listed: str) -> tuple[str, ...]:
    """Whether the project pins a DVC: pip installs one only, and mlgit needs the one it was tested with."""
    if not listed:
        return ()
    text = (folder / listed).read_text("utf-8", errors="replace")
    pinned = re.search(r"(?m)^dvc(?:\[[^\]\n]*\])? *(?:[<>=!~][^#;\n]*)?(?:==|<|~=)[^#;\n]*", text)
    if not pinned:
        return ()
    return (
        f"{listed} has `{pinned.group().strip()}`, and mlgit brings the DVC it works with: keep only the plugins (`dvc-s3`)",
    )


def other_ci(git_root: Path, *, check: str) -> tuple[str, ...]:
    """What runs in this repository already, each with what to do; `check` is the workflow that mlgit writes beside it."""
    notes = [
        f"{path} stays as it is; mlgit's workflows are for GitHub. Where {path} runs, a job with `mlgit ci run` reviews"
        for path in _OTHER_CI
        if (git_root / path).is_file()
    ]
    folder = git_root / ".github/workflows"
    for each in sorted(folder.glob("*.y*ml")) if folder.is_dir() else ():
        text = each.read_text("utf-8", errors="replace") if each.is_file() else ""
        if "mlgit" not in text and _RUNS_ALSO.search(text):
            name = each.relative_to(git_root)
            notes.append(
                f"{name} stays as it is and runs beside {check}: take out of it what `mlgit ci run` does (run, compare)"
            )
    return tuple(notes)
