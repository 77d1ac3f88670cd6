"""Says which stages of the pipeline are stale, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit.adapters.dvc import settings
from mlgit.commands.noop_cache import remember
from mlgit.commands.open_project import open_project
from mlgit.commands.reasons import reason_row
from mlgit.pipeline.graph import select
from mlgit.pipeline.model import Stage
from mlgit.pipeline.status import MISSING, Reason


@dataclass(frozen=True, slots=True)
class StageStatus:
    """A stage, and why it is stale; no reason where it is not."""

    stage: Stage
    reasons: tuple[Reason, ...] = ()

    @property
    def state(self) -> str:
        """The word for it: stale, frozen or up-to-date."""
        if self.reasons:
            return "stale"
        return "frozen" if self.stage.frozen else "up-to-date"

    @property
    def is_missing(self) -> bool:
        """Whether something recorded is not here, as in a fresh clone."""
        return any(reason.kind == "out" and reason.new == MISSING for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class StatusResult:
    """The stages that were looked at, in running order; `has_remote`: what is missing may be in a DVC remote."""

    stages: tuple[StageStatus, ...]
    has_remote: bool = False

    @property
    def stale(self) -> tuple[StageStatus, ...]:
        """The stages that are stale."""
        return tuple(each for each in self.stages if each.reasons)

    @property
    def exit_code(self) -> int:
        """Yes where nothing is stale."""
        return errors.EXIT_NO if self.stale else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        rows = [
            {"name": each.stage.address, "status": each.state, "reasons": list(map(reason_row, each.reasons))}
            for each in self.stages
        ]
        return {"schema": 1, "up_to_date": not self.stale, "stages": rows}


def status(targets: Sequence[str] = ()) -> StatusResult:
    """Which of the targets (none: of all stages of the project) and of what they need are stale, and why."""
    opened = open_project()
    graph = opened.pipeline.graph
    chosen = graph.closure(select(graph, targets, here=opened.here, root=str(opened.project.root)))
    rows = [StageStatus(graph.stages[number], opened.ledger.reasons(graph.stages[number])) for number in sorted(chosen)]
    opened.ledger.close()
    if len(rows) == len(graph.stages):
        remember(opened, all_current=not any(each.reasons for each in rows))
    has_remote = opened.pipeline.names_remotes or settings.default_remote(opened.project.dvc_folder) is not None
    return StatusResult(tuple(rows), has_remote)
