"""Rows from the highest score down, with weights: what metrics of a threshold and of all thresholds are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics import metrics
from mlgit.statistics.delong import Components
from mlgit.statistics.metrics import Ties
from mlgit.statistics.predictions import Predictions, weights_of

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


# With fewer positive rows, no method known keeps its promise near the ends of the scale.
FEWEST_POSITIVES = 20


@dataclass(frozen=True, slots=True, eq=False)
class RankedRows:
    """`is_positive` and `weight` of each row, and the place of its score from the highest down, `run`, shape (n,) each.

    Down to the end of each run of equal scores there are `found` of the positive and `shown` of all weight, and `number` rows,
    shape (r,) each.
    """

    is_positive: Array
    weight: Array
    run: Array
    found: Array
    shown: Array
    number: Array

    @property
    def size(self) -> int:
        """How many rows there are."""
        return len(self.run)

    @property
    def positives(self) -> int:
        """How many rows are positive."""
        return int(self.is_positive.sum())

    def reach(self, counted: Array) -> float:
        """How far one of the rows that are counted, by these weights (n,), moves a share of them, in shares of all rows."""
        return self.size * float(counted @ counted) / float(counted.sum()) ** 2

    @property
    def precision(self) -> Array:
        """The share of positives among the weight down to each score, shape (r,)."""
        return np.asarray(self.found / self.shown)


def ranked_rows(is_positive: Array, tied: Ties, weight: Array | None) -> RankedRows:
    """Rows by score."""
    order, last = tied.descending
    size = len(order)
    positive = is_positive[order]
    if weight is None:
        weight = np.ones(size)
        found, shown = np.cumsum(positive)[last].astype(float), (last + 1).astype(float)
    else:
        scale = weight[order]
        found, shown = np.cumsum(scale * positive)[last], np.cumsum(scale)[last]
    run = np.empty(size, dtype=np.int64)
    run[order] = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    return RankedRows(is_positive, weight, run, found, shown, last + 1)


def of_score(given: Predictions, positive: Any) -> RankedRows:
    """Rows by the score of the positive class."""
    truth, _ = metrics.ranked(given.label, given.score, positive=positive)
    return ranked_rows(truth, metrics.tied(given.score), weights_of(given))


def average_precision(ranked: RankedRows) -> Components:
    """The average precision, and its derivative by the weight of each row times that weight; NaN without positive rows.

    With F and S the positive and all weight down to a score, and p the positive weight at it, the average precision is
    the sum of p F / S over scores, by all of F; a row changes its own term and all those below it.
    """
    found, shown = ranked.found, ranked.shown
    if not ranked.positives:
        return Components(float("nan"), np.full(ranked.size, np.nan))
    here = np.diff(found, prepend=0)
    average = float((here * found / shown).sum() / found[-1])
    gained = np.cumsum((here / shown)[::-1])[::-1]
    lost = np.cumsum((here * found / shown**2)[::-1])[::-1]
    each = ranked.is_positive * (found / shown + gained - average)[ranked.run] - lost[ranked.run]
    return Components(average, ranked.weight * each / found[-1])
