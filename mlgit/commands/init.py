"""Brings mlgit into a Git repository that is there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import __version__
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.revision import collect
from mlgit.revision.revisions import Revisions
from mlgit.scaffold import adopt, answers, library
from mlgit.scaffold.adopt import Adopted, Place
from mlgit.scaffold.draft import Known, draft
from mlgit.scaffold.manifest import Value

_COMPUTED = "project_folder"


@dataclass(frozen=True, slots=True)
class InitResult:
    """What was done, or with `dry_run` would be, and what is left to people."""

    done: Adopted
    following: tuple[str, ...]
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
            "next": list(self.following),
        }


def init(folder: Path | str = ".", *, assignments: Sequence[str] = (), dry_run: bool = False) -> InitResult:
    """Start DVC in a folder of a Git repository where there is none, and write what mlgit needs beside it.

    No file that is there is changed. `assignments` are `NAME=VALUE` answers to the questions of the part that is written.
    """
    place = adopt.find(Path(folder))
    part = library.part("review")
    given = answers.parse_assignments(assignments, part.manifest)
    if _COMPUTED in given:
        raise MlgitError(f"--set {_COMPUTED}: it is the folder given", "type `mlgit init DIR`")
    presumed = _checked(adopt.presumed(place))
    complete = answers.resolve(part.manifest, given={**presumed, **given}, facts={})
    requirement = f"mlgit=={__version__}"
    done = adopt.adopt(
        place, part=part, answers=complete, requirement=requirement, draft=lambda: draft(_known(place)), dry_run=dry_run
    )
    return InitResult(done, tuple(_following(done, complete, requirement)), dry_run)


def _checked(presumed: Mapping[str, Value]) -> dict[str, Value]:
    """The presumed answers, refused where a workflow cannot hold them."""
    manifest = library.part("review").manifest
    questions = {question.name: question for question in manifest.questions}
    return {name: answers.checked(questions[name], value, name="mlgit init") for name, value in presumed.items()}


def _known(place: Place) -> Known:
    """What the project says about itself already."""
    with Revisions(Project(place.folder, place.git_root)) as revisions:
        workspace = revisions.workspace
        snapshot = collect.collect(workspace)
    return Known(
        artifacts=tuple(each.local for each in workspace.artifacts.values()),
        metrics={path: tuple(values) for path, values in snapshot.metrics.items()},
        tables={path: data.shape.columns for path, data in snapshot.data.items() if data.kind == "out" and data.shape},
    )


def _following(done: Adopted, complete: Mapping[str, Value], requirement: str) -> list[str]:
    """What is left to people, as commands and as lines to write."""
    place = done.place
    requirements = place.folder / str(complete["requirements"])
    lists_mlgit = requirements.is_file() and re.search(r"(?im)^[^#\n]*\bmlgit\b", files.read_text(requirements))
    there = os.path.relpath(place.folder)
    steps = [] if there == "." else [f"cd {there}"]
    if requirements.is_file() and not lists_mlgit:
        steps.append(f"add the line `{requirement}` to {complete['requirements']}, from which the workflows install")
    if f"{place.prefix}{adopt.CONFIG}" in done.written:
        steps.append("fill in mlgit.yaml: the lines behind a `#`")
    if not (place.folder / "dvc.yaml").exists():
        steps.append("declare the stages in dvc.yaml")
    return [*steps, "mlgit status", "git add --all && git commit -m 'Bring in mlgit'"]
