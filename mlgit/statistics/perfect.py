"""Intervals of one model whose rows all say the same: no mistake at all, or nothing else. Nothing varies that could be drawn.

Of n rows none is otherwise, so with the confidence asked for no more than a share of 1 - tail ** (1 / n) of all rows is
(Clopper and Pearson 1934, Biometrika 26, 404). The ends are what such a share could do to the metric at worst and at best.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics import metrics, mover, paired, ranking
from mlgit.statistics.metrics import Metric
from mlgit.statistics.mover import LogitEstimate
from mlgit.statistics.resampling import Spread

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

METHOD = "bound of what was not seen"
_NOUGHT = 1e-12
# A loss of probabilities has a largest value; an error may be as large as the labels are apart.
_LARGEST = {"brier": 1.0, "log_loss": metrics.LARGEST_LOG_LOSS}


def is_perfect(chosen: Metric, label: Any, column: Any, *, positive: Any) -> bool:
    """Whether no row is wrong: no loss, or no pair of a row of each class in the wrong order."""
    if chosen.kind == "confusion":
        hits, actual, _ = metrics.counts(chosen, label, column, positive=positive)
        return bool(hits.sum() == actual.sum())
    if chosen.kind == "ranking":
        truth, score = metrics.ranked(label, column, positive=positive)
        return bool(score[truth == 1].min(initial=np.inf) > score[truth == 0].max(initial=-np.inf))
    return bool((metrics.terms(chosen, label, column, positive=positive)[:, 0] <= _NOUGHT).all())


def interval(
    chosen: Metric, label: Any, column: Any, *, positive: Any, groups: Array | None, confidence: float
) -> Spread | None:
    """The interval; None where nothing bounds what was not seen, as for errors of labels that are all the same."""
    units = len(label) if groups is None else int(groups.max()) + 1
    tail = (1 - confidence) / 2
    if chosen.kind == "ranking":
        truth, score = metrics.ranked(label, column, positive=positive)
        fewest, _ = ranking.rarest(truth, groups=groups)
        value = float(chosen.function(truth, score, None))
        return mover.one(LogitEstimate(value, 0.0, fewest), confidence=confidence, method=METHOD) if fewest else None
    share = 1 - tail ** (1 / units)
    if chosen.kind == "confusion":
        low, value, high = paired.reach(chosen, label, column, share, positive=positive)
    else:
        low, value, high = _of_losses(chosen, label, column, share, positive=positive)
    return Spread(low, high, METHOD) if low <= value <= high and low < high else None


def _of_losses(chosen: Metric, label: Any, column: Any, share: float, *, positive: Any) -> tuple[float, float, float]:
    terms = metrics.terms(chosen, label, column, positive=positive)
    largest = _LARGEST.get(chosen.name)
    if largest is None:
        apart = float(np.ptp(np.asarray(label, dtype=float)))
        largest = apart if chosen.name == "mae" else apart**2
    means = np.tile(terms.mean(axis=0), (3, 1))
    usual = means[0, 0]
    means[:, 0] = usual * (1 - share), usual, usual * (1 - share) + max(usual, largest) * share
    values = chosen.function(means)
    return float(values.min()), float(values[1]), float(values.max())
