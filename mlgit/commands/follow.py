"""Which stages of a run are followed, by the names and patterns of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from mlgit.errors import MlgitError
from mlgit.pipeline.model import Stage
from mlgit.pipeline.scheduler import Plan
from mlgit.schema import near_miss

ALL = "*"


def followed(plan: Plan, patterns: Sequence[str]) -> frozenset[int]:
    """The numbers of the stages that patterns (`train`, `sub/dvc.yaml:train`, `train@*`) name among those of a plan.

    Raises MlgitError for one that names no stage, or only such as this run does not look at.
    """
    found: set[int] = set()
    for pattern in patterns:
        named = {number for number, stage in enumerate(plan.graph.stages) if stage.cmd and _matches(stage, pattern)}
        if pattern == ALL:
            found |= named & plan.chosen
            continue
        if not named:
            known = [name for stage in plan.graph.stages if stage.cmd for name in (stage.name, stage.address)]
            raise MlgitError(f"--follow: no stage '{pattern}'" + near_miss(pattern, known), "`mlgit dag` shows all stages")
        if not named & plan.chosen:
            raise MlgitError(
                f"--follow: '{pattern}' is not part of this run", "make it a target too, or run without targets: `mlgit run`"
            )
        found |= named & plan.chosen
    return frozenset(found)


def _matches(stage: Stage, pattern: str) -> bool:
    group = stage.name.rpartition("@")[0]
    return pattern == group or any(each == pattern or fnmatchcase(each, pattern) for each in (stage.name, stage.address))
