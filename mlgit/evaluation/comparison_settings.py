"""How the rows of a model are judged: what mlgit.yaml and a rule say of draws, of groups and of the error that is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit.evaluation.results import ALPHA
from mlgit.model_settings import Model
from mlgit.rules import Stats


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """How rows are judged; `cluster` is the column that names the group of each row, `order` the one with its time in a series;
    both are '' where rows are independent.
    """

    resamples: int = 9999
    seed: int = 0
    cluster: str = ""
    positive: Any = None
    alpha: float = ALPHA
    order: str = ""

    @property
    def confidence_level(self) -> float:
        """That of intervals: two-sided at 1 - 2 alpha, so that each end serves a claim with the error alpha."""
        return 1 - 2 * self.alpha


def settings(model: Model, stats: Stats, *, cluster: str | None = None) -> ComparisonSettings:
    """How the rows of a model are judged; `cluster` is what a rule says of their groups, None where it says nothing."""
    found, order = model.dependence(rule=cluster, default=stats.cluster)
    return ComparisonSettings(stats.resamples, stats.seed, found, model.positive, stats.alpha, order)
