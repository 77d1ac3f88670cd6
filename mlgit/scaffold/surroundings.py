"""What a repository has already that mlgit has to live with: how its requirements are installed, and who else runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlgit.adapters.system import files
from mlgit.scaffold import ci_jobs
from mlgit.scaffold.ci_jobs import JobSetup

_EMPTY = "# What the code of the stages imports, one package a line.\n"
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


def requirements(folder: Path, *, wanted: str = "") -> Requirements:
    """How the workflows install what the project in `folder` requires; mlgit is installed apart from it.

    No file that is there is changed. `wanted` is the file that the user named.
    """
    listed = wanted or next((path for path in (_USUAL, *_NESTED) if (folder / path).is_file()), "")
    if listed:
        return Requirements(listed, _EMPTY)
    locked = next((path for path in _PINNED if (folder / path).is_file()), "")
    conda = next((path for path in _CONDA if (folder / path).is_file()), "")
    notes: tuple[str, ...] = ()
    if locked:
        notes = (f"the workflows do not read {locked}: `{_PINNED[locked]}` writes what it pins to the file that they read",)
    elif conda:
        notes = (f"pip cannot install from {conda}: list in {_USUAL} what the stages need",)
    return Requirements(_USUAL, _package(folder) or _EMPTY, notes)


def _package(folder: Path) -> str:
    """The line that installs the project itself, where its files say that it can be built."""
    project = folder / "pyproject.toml"
    text = files.decode(project.read_bytes(), name="pyproject.toml") if project.is_file() else ""
    is_package = re.search(r"(?m)^\[(?:project|build-system)\]", text) and not re.search(r"(?m)^package-mode *= *false", text)
    return "-e .\n" if is_package or (folder / "setup.py").is_file() else ""


@dataclass(frozen=True, slots=True)
class OtherCi:
    """Who else runs something in this repository: its file, what to do about it, and lines to copy into it."""

    path: str
    note: str
    lines: tuple[str, ...]


def other_ci(git_root: Path, *, check: str, job: JobSetup) -> tuple[OtherCi, ...]:
    """What runs in this repository already; `check` is the workflow that mlgit writes beside it, and `job` what it needs."""
    found = {
        path: f"{path} stays as it is; mlgit's workflows are for GitHub. Where {path} runs, a job with `mlgit ci run` reviews"
        for path in _OTHER_CI
        if (git_root / path).is_file() and not _knows_mlgit(git_root / path)
    }
    folder = git_root / ".github/workflows"
    for each in sorted(folder.glob("*.y*ml")) if folder.is_dir() else ():
        if each.is_file() and not _knows_mlgit(each) and _RUNS_ALSO.search(each.read_text("utf-8", errors="replace")):
            name = each.relative_to(git_root).as_posix()
            found[name] = (
                f"{name} stays as it is and runs beside {check}: take out of it what `mlgit ci run` does (run, compare)"
            )
    return tuple(OtherCi(path, note, ci_jobs.lines(path, job)) for path, note in found.items())


def _knows_mlgit(path: Path) -> bool:
    return "mlgit" in path.read_text("utf-8", errors="replace")
