"""Intervals of ROC AUC and average precision, without resampling: from the influence of each row, on the logit scale.

ROC AUC: DeLong. Average precision: the infinitesimal jackknife (Jaeckel 1972; Efron 1982, The Jackknife, the Bootstrap and
Other Resampling Plans, chapter 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.render.text import count
from mlgit.statistics import delong, leverage, metrics, mover, ranked_rows, rows
from mlgit.statistics.delong import Components
from mlgit.statistics.mover import LogitEstimate
from mlgit.statistics.resampling import Spread, nothing

if TYPE_CHECKING:
    from mlgit.statistics.metrics import Metric, Ties
    from mlgit.statistics.rows import Array

# With fewer rows of a class, no method known keeps its promise near the ends of the scale.
FEWEST_OF_A_CLASS = 20


def interval(
    name: str, is_positive: Array, *found: Components, groups: Array | None = None, confidence: float, noun: str = "row"
) -> Spread:
    """The interval of the metric of one score, or of the difference second - first of two on the same rows."""
    method = _METHODS[name][1]
    units, told = rarest(is_positive, groups=groups, noun=noun)
    if units < FEWEST_OF_A_CLASS:
        return nothing(f"{told}, at least {FEWEST_OF_A_CLASS} needed", method=method)
    parts = [moved(is_positive, each.influence, groups) for each in found]
    estimates = [
        LogitEstimate(each.value, float(leverage.widened(one**2).sum()), units) for each, one in zip(found, parts, strict=True)
    ]
    if len(estimates) == 1:
        return mover.one(estimates[0], confidence=confidence, method=f"{method}, logit scale")
    squares = float(parts[0] @ parts[0]) * float(parts[1] @ parts[1])
    shared = float(parts[0] @ parts[1]) / math.sqrt(squares) if squares > 0 else 0.0
    return mover.difference(*estimates, correlation=shared, confidence=confidence, method=f"{method}, logit scale, MOVER")


def unseen(is_positive: Array, *, groups: Array | None = None, confidence: float, noun: str = "row") -> Spread:
    """The interval of a difference that no row shows: of k rows of the rarer class none has moved, with chance
    (1 - share) ** k where that share of its rows does, each of which moves the metric by 1 / k at most."""
    units, told = rarest(is_positive, groups=groups, noun=noun)
    if units < FEWEST_OF_A_CLASS:
        return nothing(f"{told}, at least {FEWEST_OF_A_CLASS} needed", method="no rank differs")
    share = 1 - ((1 - confidence) / 2) ** (1 / units)

    def below(least: float) -> float:
        tail = min(0.5, max(0.0, 1 - abs(least)) ** units)
        return tail if least < 0 else 1 - tail

    return Spread(-share, share, "no rank differs", below)


def components(
    chosen: Metric, label: Any, score: Any, *, positive: Any = None, weights: Array | None = None
) -> tuple[Array, Components]:
    """Which rows are positive; the metric of a score, and the influence of each row on it."""
    truth, _ = metrics.ranked(label, score, positive=positive)
    make = _METHODS[chosen.name][0]
    if weights is not None:
        return truth, make(truth, metrics.tied(score), weights)
    key = "components", chosen.name, positive
    found: Components = rows.once(key, lambda: make(truth, metrics.tied(score), None), score, label)
    return truth, found


def rarest(is_positive: Array, *, groups: Array | None = None, noun: str = "row") -> tuple[int, str]:
    """How many rows (or clusters) the class has that has fewer, and in words."""
    sizes = [len(np.unique(groups[chosen])) if groups is not None else int(chosen.sum()) for chosen in _classes(is_positive)]
    fewest, kind = min(zip(sizes, ("positive", "negative"), strict=True))
    return fewest, f"{count(fewest, noun)} with {kind} rows" if groups is not None else count(fewest, f"{kind} row")


def noted(found: Spread, is_positive: Array, *, groups: Array | None, noun: str) -> Spread:
    """An interval of a loss of probabilities, with a note where a class is rare."""
    fewest, told = rarest(is_positive, groups=groups, noun=noun)
    notes = [found.note, f"only {told}" if fewest < FEWEST_OF_A_CLASS else ""]
    return replace(found, note="; ".join(filter(None, notes)))


def _classes(is_positive: Array) -> tuple[Array, Array]:
    return is_positive == 1, is_positive == 0


def moved(is_positive: Array, each: Array, groups: Array | None = None) -> Array:
    """What each row or cluster adds to the metric, so that the squares sum to an unbiased variance."""
    if groups is not None:
        summed = leverage.summed(each, groups)
        return summed * math.sqrt(len(summed) / (len(summed) - 1))
    ones, zeros = (int(chosen.sum()) for chosen in _classes(is_positive))
    return np.asarray(each * np.where(is_positive == 1, math.sqrt(ones / (ones - 1)), math.sqrt(zeros / (zeros - 1))))


def _area(is_positive: Array, tied: Ties, weights: Array | None) -> Components:
    return delong.components(is_positive, tied) if weights is None else delong.weighted_components(is_positive, tied, weights)


def _precision(is_positive: Array, tied: Ties, weights: Array | None) -> Components:
    return ranked_rows.average_precision(ranked_rows.ranked_rows(is_positive, tied, weights))


_METHODS: dict[str, tuple[Callable[[Array, Ties, Array | None], Components], str]] = {
    "roc_auc": (_area, "DeLong"),
    "average_precision": (_precision, "infinitesimal jackknife"),
}
