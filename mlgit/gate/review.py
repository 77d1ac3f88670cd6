"""What a review found: the verdict on a change, and all that a reader needs to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlgit.evaluation.results import Flips, Leakage, MetricResult, TestedRows
from mlgit.gate.rule_result import RuleResult, Verdict
from mlgit.revision.refs import Baseline

if TYPE_CHECKING:
    from mlgit.tables.drift import TableDrift


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A gate rule or waiver that the current side declares otherwise than the baseline, whose rules judge."""

    id: str
    change: Literal["added", "removed", "changed"]
    before: str = ""
    now: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """The verdict and its grounds. `rules_from` names the revision whose rules judged."""

    verdict: Verdict
    judged: tuple[RuleResult, ...] = ()
    baseline: Baseline | None = None
    tested: tuple[TestedRows, ...] = ()
    leakage: tuple[Leakage, ...] = ()
    metrics: tuple[MetricResult, ...] = ()
    turned: tuple[Flips, ...] = ()
    data: tuple[TableDrift, ...] = ()
    rule_changes: tuple[RuleChange, ...] = ()
    rules_from: str = ""
    labels: tuple[str, ...] = ()
    resamples: int = 9999
    seed: int = 0
    notes: tuple[str, ...] = ()
