"""Why a result differs: what was changed by people on the way to it, walking from the stage that makes it to its sources.

What a stage upstream has made is no cause, for it has causes itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlgit.diff.diff import Change, Diff, Difference, StageChange, command_text
from mlgit.pipeline.lineage import Makers
from mlgit.pipeline.model import Dependency, Output, Stage
from mlgit.revision import recorded_paths
from mlgit.revision.snapshot import StageSnapshot

CauseKind = Literal["parameter", "data", "code", "command", "stage"]
_ORDER: dict[CauseKind, int] = {"parameter": 0, "data": 1, "code": 2, "command": 3, "stage": 4}


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that differs upstream of a result: a parameter or command with its values, data or code by path, or a
    whole stage (`name` is then that of the stage).

    `stage` is the one that reads it.
    """

    kind: CauseKind
    stage: str
    name: str
    change: Change
    old: Any = None
    new: Any = None


def causes(diff: Diff) -> dict[str, tuple[Cause, ...]]:
    """For each metrics file that a stage makes and that differs, what differs on the way to it; parameters come first.

    A file without any cause differs by chance, or by something that is not declared.
    """
    files = dict.fromkeys(row.file for row in diff.metrics if row.verdict != "same")
    sides = [_makers(side.stages) for side in (diff.head, diff.base)]
    made = {out for side in (diff.head, diff.base) for step in side.stages.values() for out in step.outs}
    changes = {change.address: change for change in diff.stages}
    found = {}
    for file in files:
        upstream = dict.fromkeys(stage.address for makers in sides for stage in makers.upstream([file]))
        if upstream:
            rows = [cause for address in upstream for cause in _of_stage(diff, changes[address], made)]
            found[file] = tuple(sorted(rows, key=lambda each: _ORDER[each.kind]))
    return found


def _makers(stages: Mapping[str, StageSnapshot]) -> Makers:
    return Makers([_stage(address, step) for address, step in stages.items()])


def _stage(address: str, step: StageSnapshot) -> Stage:
    deps = tuple(Dependency(path, path) for path in step.deps)
    return Stage(address, "dvc.yaml", cmd=step.cmd, deps=deps, outs=tuple(Output(path, path) for path in step.outs))


def _of_stage(diff: Diff, change: StageChange, made: set[str]) -> Iterator[Cause]:
    if change.change in ("added", "removed"):
        yield Cause("stage", change.address, change.address, change.change)
    before, now = diff.base.stages.get(change.address), diff.head.stages.get(change.address)
    if before is None or now is None:
        return
    for each in change.differences:
        if each.kind == "parameter":
            old, new = before.params.get(each.name), now.params.get(each.name)
            yield Cause("parameter", change.address, each.name, each.change, old, new)
        elif each.kind == "command":
            yield Cause("command", change.address, "", "changed", command_text(before), command_text(now))
        elif each.kind == "dependency" and not _is_made(each, made):
            yield Cause(_kind(diff, each.name, now, before), change.address, each.name, each.change)


def _is_made(each: Difference, made: set[str]) -> bool:
    """Whether a stage makes the dependency, what holds it, or a part of it."""
    path = each.name
    above = (path[:end] for end, char in enumerate(path) if char == "/")
    return path in made or any(folder in made for folder in above) or any(out.startswith(f"{path}/") for out in made)


def _kind(diff: Diff, path: str, now: StageSnapshot, before: StageSnapshot) -> CauseKind:
    """Programs, what pins their environment, and folders in Git are code; what DVC tracks, and every other file, is data."""
    if path in diff.head.data or path in diff.base.data:
        return "data"
    digest = now.deps.get(path) or before.deps.get(path)
    is_code = recorded_paths.is_program(path) or recorded_paths.pins(path)
    return "code" if is_code or (digest is not None and digest.is_folder) else "data"
