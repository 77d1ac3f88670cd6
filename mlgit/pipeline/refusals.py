"""Why a stage cannot begin, or cannot be recorded: said with its place in the pipeline file and what to type next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgit.errors import MlgitError
from mlgit.pipeline import params, status
from mlgit.pipeline.model import Parameters, Stage
from mlgit.pipeline.status import Observed, Reason


def refuse_without_command(stage: Stage) -> None:
    """Raise MlgitError for a stage that would have to run and has no command."""
    if not stage.cmd and not stage.is_source and not stage.is_idle:
        raise MlgitError(f"{stage.file}: stages.{stage.name}.cmd: empty, so there is nothing to run", "write the command")


def refuse_lost_data(stage: Stage, why: tuple[Reason, ...], *, damaged: Mapping[str, MlgitError]) -> None:
    """Raise MlgitError for tracked data that is neither here nor in the cache; `damaged` is what a remote has, by md5."""
    gone = [reason for reason in why if reason.kind == "out" and reason.new == status.MISSING]
    lost = [reason.path for reason in gone]
    if stage.is_source and not stage.exotic and lost:
        for error in (damaged[reason.old] for reason in gone if reason.old in damaged):
            raise MlgitError(f"{stage.file}: '{lost[0]}' cannot be fetched: {error.message}", error.hint)
        raise MlgitError(
            f"{stage.file}: '{lost[0]}' is neither here nor in the cache", "fetch it: `mlgit run --pull` or `dvc pull`"
        )


def refuse_moving(stage: Stage, before: Observed, after: Observed) -> None:
    """Raise MlgitError for an input that is no longer what it was when the command began: nobody knows what it read."""
    moved = [path for path, digest in before.deps.items() if after.deps[path] != digest]
    moved += [path for path, values in before.params.items() if not params.same(after.params[path], values)]
    if moved:
        raise MlgitError(
            f"'{moved[0]}' changed while stage '{stage.address}' ran, so its result is not recorded",
            "type `mlgit run` again; if the command itself changes the file, declare it as an output",
        )


def refuse_missing(stage: Stage, seen: Observed) -> None:
    """Raise MlgitError for an input or parameter that is not there."""
    for dep in stage.deps:
        if seen.deps[dep.path] is None:
            raise missing_file(stage, dep.path)
    for each in stage.params:
        refuse_missing_keys(stage, each, seen.params[each.path])


def missing_file(stage: Stage, path: str) -> MlgitError:
    """The error for an input that is not there."""
    return MlgitError(
        f"{stage.file}: stages.{stage.name}.deps: '{path}' does not exist",
        "make the file, fetch it with `dvc pull`, or correct the path",
    )


def refuse_missing_keys(stage: Stage, wanted: Parameters, values: Mapping[str, Any] | None) -> None:
    """Raise MlgitError for parameters that a file does not have, or that cannot be recorded."""
    where = f"{stage.file}: stages.{stage.name}.params"
    if values is None:
        raise MlgitError(f"{where}: '{wanted.path}' does not exist", f"make {wanted.path}, or correct the path")
    missing = [key for key in wanted.keys if key not in values]
    if missing:
        raise MlgitError(f"{where}: '{missing[0]}' is not in {wanted.path}", f"add it to {wanted.path}, or correct the name")
    params.refuse_unrecordable(values, file=wanted.path, where=where)
