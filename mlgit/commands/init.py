"""Brings mlgit into a Git repository that is there."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mlgit.adapters.dvc import settings
from mlgit.adapters.git import git
from mlgit.adapters.system import installation
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.render.text import few
from mlgit.revision import collect, recorded_paths
from mlgit.revision.revisions import Revisions
from mlgit.scaffold import adopt, answers, draft, library, scripts, surroundings
from mlgit.scaffold.adopt import Adopted, Draft, Place
from mlgit.scaffold.ci_jobs import JobSetup
from mlgit.scaffold.draft import Known
from mlgit.scaffold.manifest import Value
from mlgit.scaffold.surroundings import OtherCi
from mlgit.tables import formats

_COMPUTED = "project_folder"
_MOST_SCRIPT = 1 << 20
_NO_PIPELINE = (
    "declare in dvc.yaml what is to be run, and the file in which it leaves its metrics, such as:",
    "  stages: {train: {cmd: python train.py, deps: [train.py], metrics: [{metrics.json: {cache: false}}]}}",
)


@dataclass(frozen=True, slots=True)
class InitResult:
    """What was done, or with `dry_run` would be, what to know, and what to type next (a line behind `#` is for people).

    `other_ci` are files of other CI, with a job to copy into each.
    """

    done: Adopted
    following: tuple[str, ...]
    notes: tuple[str, ...] = ()
    other_ci: tuple[OtherCi, ...] = ()
    dry_run: bool = False

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "folder": str(self.done.place.folder),
            "dry_run": self.dry_run,
            "started_dvc": self.done.started_dvc,
            "written": list(self.done.written),
            "left": list(self.done.left),
            "notes": list(self.notes),
            "jobs": [{"file": each.path, "lines": list(each.lines)} for each in self.other_ci],
            "next": list(self.following),
        }


@dataclass(frozen=True, slots=True)
class _Found:
    """What the project says: for the draft, and whether its results are there."""

    known: Known
    has_pipeline: bool = False
    is_stale: bool = False
    lacking: tuple[str, ...] = ()


def init(folder: Path | str = ".", *, assignments: Sequence[str] = (), dry_run: bool = False) -> InitResult:
    """Start DVC in a folder of a Git repository where there is none, and write what mlgit needs beside it.

    No file that is there is changed, but a drafted mlgit.yaml that nobody has touched is filled in when more can be read.
    `assignments` are `NAME=VALUE` answers to the questions of the part that is written.
    """
    place = adopt.find(Path(folder))
    part = library.part(library.ADOPTION)
    given = answers.parse_assignments(assignments, part.manifest)
    if _COMPUTED in given:
        raise MlgitError(f"--set {_COMPUTED}: it is the folder given", "type `mlgit init DIR`")
    required = surroundings.requirements(place.folder, wanted=str(given.get("requirements", "")))
    presumed = _checked({**adopt.presumed(place), "requirements": required.path})
    facts = {"mlgit_source": installation.source().requirement}
    complete = answers.resolve(part.manifest, given={**presumed, **given}, facts=facts)
    check = f".github/workflows/{complete['prefix']}check.yml"
    job = JobSetup(place.prefix.rstrip("/") or ".", required.path, str(complete["python_version"]))
    others = surroundings.other_ci(place.git_root, check=check, job=job)
    pipeline = "" if (place.folder / "dvc.yaml").exists() else _pipeline(place)
    if not pipeline and place.folder == place.git_root and not (place.folder / ".dvc").exists():
        _refuse_monorepo(place)
    own = {required.path: required.content, **({"dvc.yaml": pipeline} if pipeline else {})}
    found = _Found(Known(name=_name(place)), has_pipeline=bool(pipeline), is_stale=True)

    def drafted() -> Draft:
        nonlocal found
        found = _look(place)
        return _draft(found.known)

    done = adopt.adopt(place, part=part, answers=complete, own=own, draft=drafted, dry_run=dry_run)
    found = replace(found, has_pipeline=found.has_pipeline or bool(pipeline), is_stale=found.is_stale or bool(pipeline))
    is_new = f"{place.prefix}{adopt.CONFIG}" in done.written
    is_draft = is_new or _holds(place.folder / adopt.CONFIG, draft.draft(found.known))
    following = tuple(_following(done, found, is_draft=is_draft, drafted=bool(pipeline)))
    return InitResult(done, following, (*required.notes, *(each.note for each in others)), others, dry_run)


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def _checked(presumed: Mapping[str, Value]) -> dict[str, Value]:
    """The presumed answers, refused where a workflow cannot hold them."""
    manifest = library.part(library.ADOPTION).manifest
    questions = {question.name: question for question in manifest.questions}
    try:
        return {name: answers.checked(questions[name], value, name="mlgit init") for name, value in presumed.items()}
    except MlgitError as error:
        raise MlgitError(error.message, "the workflows cannot hold such a name: rename it, as with `git mv OLD NEW`") from error


def _name(place: Place) -> str:
    """What a model is called where no artifact says it: the folder's name, as a tag can hold it."""
    name = re.sub(r"[^a-z0-9]+", "-", place.folder.name.lower()).strip("-")
    return name if name and name[0].isalpha() else f"model-{name}".strip("-")


def _pipeline(place: Place) -> str:
    """A dvc.yaml for the scripts of a project without one."""
    listed = git.run(place.folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard").text.split("\0")
    there = {path for path in listed if path and (place.folder / path).is_file()}
    tracked = {path for path in git.run(place.folder, "ls-files", "-z").text.split("\0") if path}
    likely, others = scripts.candidates(there)
    for paths in (likely, [*likely, *others]):
        small = [path for path in paths if (place.folder / path).stat().st_size <= _MOST_SCRIPT]
        found = [scripts.read(path, (place.folder / path).read_text("utf-8", errors="replace")) for path in small]
        if text := scripts.pipeline([each for each in found if each], there=there, tracked=tracked):
            return text
    return ""


def _refuse_monorepo(place: Place) -> None:
    """Raise MlgitError where scripts that could be a pipeline are in folders below: each is a project of its own, and none can
    be begun inside another."""
    listed = git.run(place.folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard").text.split("\0")
    if any(path.endswith(("dvc.yaml", ".dvc")) for path in listed):
        return
    parents = sorted({path.rpartition("/")[0] for path in listed if path.endswith(".py") and 1 <= path.count("/") <= 3})
    found = [each for each in parents if _pipeline(Place(place.folder / each, place.git_root))]
    if found:
        told = f"no script here leaves a model or metrics, and in {few(found)} some do"
        raise MlgitError(f"{place.folder}: {told}", f"make each a project: `mlgit init {shlex.quote(found[0])}`")


def _look(place: Place) -> _Found:
    """What the project says about itself already."""
    with Revisions(Project(place.folder, place.git_root)) as revisions:
        workspace = revisions.workspace
        snapshot = collect.collect(workspace)
        listed = {path: workspace.files.sections(path) for path in recorded_paths.pipeline_files(workspace.pipeline)}
        declared = recorded_paths.metric_files(workspace.pipeline, listed)
        artifacts = workspace.artifacts.values()
        stages = [stage for stage in workspace.pipeline.graph.stages if not stage.is_source]
        made = {out.target for stage in stages for out in stage.outs}
        read = [dep for each in snapshot.stages.values() for dep in each.deps if dep not in made]
        tracked = [path for path, data in snapshot.data.items() if data.kind == "data"]
    models = tuple(each.local for each in artifacts if _is_model(each.type, each.path))
    others = tuple(f"{each.local} ({each.type or each.path})" for each in artifacts if each.local not in models)
    known = Known(
        artifacts=models,
        metrics={path: tuple(values) for path, values in snapshot.metrics.items()},
        tables={path: data.shape.columns for path, data in snapshot.data.items() if data.kind == "out" and data.shape},
        name=_name(place),
        others=others,
        data=tuple(sorted({path for path in (*tracked, *read) if recorded_paths.is_inside(path) and formats.of(path)})),
    )
    lacking = tuple(p for p in declared if not any(file == p or file.startswith(f"{p}/") for file in snapshot.metrics))
    return _Found(known, has_pipeline=bool(stages), is_stale=bool(snapshot.stale), lacking=lacking)


def _is_model(kind: str, path: str) -> bool:
    """Whether an artifact is a model that lies in the project: no data set, and no path in a cloud (`s3:/...`, normed)."""
    is_url = re.match(r"[a-z][a-z0-9+.-]*:/", path, re.IGNORECASE)
    return (not kind or "model" in kind.lower()) and recorded_paths.is_inside(path) and not is_url


def _draft(known: Known) -> Draft:
    less = [Known(name=known.name), replace(known, metrics={}, tables={}), replace(known, tables={})]
    less += [replace(each, data=()) for each in less]
    return Draft(draft.draft(known), tuple(draft.draft(each).encode() for each in less))


def _following(done: Adopted, found: _Found, *, is_draft: bool, drafted: bool) -> list[str]:
    """What to type until a branch is judged; what only people can do stands behind a `#`."""
    place = done.place
    there = os.path.relpath(place.folder)
    steps = [] if there == "." else [f"cd {shlex.quote(there)}"]
    has_metrics = any(found.known.metrics.values())
    if not found.has_pipeline:
        steps += [f"# {line}" for line in _NO_PIPELINE]
    elif drafted:
        steps.append("# look over dvc.yaml, which was drafted from the files that the scripts name")
    elif is_draft and not has_metrics and not found.lacking:
        steps.append("# name the file that holds the metrics under `metrics:` in dvc.yaml; then")
    if found.lacking and found.has_pipeline and not drafted and settings.default_remote(place.folder / ".dvc"):
        steps += ["# where the remote cannot be reached, `mlgit run` makes anew what is missing", "dvc pull"]
        steps += ["mlgit run"] if found.is_stale else []
    elif found.is_stale or found.lacking or not found.has_pipeline:
        steps.append("mlgit run")
    if is_draft and not has_metrics:
        steps.append("mlgit init")
    elif is_draft and not draft.rules_in(found.known):
        steps.append("# in mlgit.yaml, say which file is `metrics:` of each model, and write a rule under `gates:`; then")
    for path, file in draft.contracts(found.known).items() if is_draft else ():
        steps.append(f"# to say what {path} must be: mlgit data infer {shlex.quote(path)} -o {shlex.quote(file)}")
    return [*steps, "git add --all && git commit -m 'Bring in mlgit'", "git switch --create first-change", "mlgit gate"]
