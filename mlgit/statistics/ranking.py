"""Average precision: its bootstrap by weights, and with many rows by the infinitesimal jackknife.

Infinitesimal jackknife: Jaeckel 1972; Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mlgit.statistics import metrics
from mlgit.statistics.distributions import normal_cdf, normal_quantile
from mlgit.statistics.resampling import Spread, bca, nothing, skewness

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Above this, draws take seconds and say what the jackknife says.
MOST_ROWS = 500
_BLOCK = 2_000_000


def average_precision(
    is_positive: Array,
    *scores: Array,
    groups: Array | None = None,
    confidence: float,
    resamples: int,
    seed: int,
) -> Spread:
    """The interval of the average precision of one score, or of the difference second - first of two."""
    member = np.arange(len(is_positive)) if groups is None else groups
    influences = [influence(is_positive, score) for score in scores]
    total = influences[-1] - influences[0] if len(scores) == 2 else influences[0]
    summed = np.bincount(member, weights=total)
    value = float(_values(is_positive, scores, np.ones(len(is_positive))))
    if not np.isfinite(value):
        return nothing("average_precision is undefined without positive rows")
    if len(is_positive) > MOST_ROWS:
        return _normal(value, summed, confidence=confidence)
    generator, number = np.random.default_rng(seed), len(summed)
    drawn, block = [], max(1, _BLOCK // len(is_positive))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        chosen = generator.integers(0, number, size=(size, number)) + np.arange(size)[:, None] * number
        weights = np.bincount(chosen.ravel(), minlength=size * number).reshape(size, number)
        drawn.append(_values(is_positive, scores, weights[:, member].astype(float)))
    acceleration = skewness(summed, np.ones(number))
    return bca(np.concatenate(drawn), value, acceleration=acceleration, confidence=confidence)


def _values(is_positive: Array, scores: tuple[Array, ...], weights: Array) -> Array:
    function = metrics.metric("average_precision").function
    found = [function(is_positive, score, weights) for score in scores]
    return found[-1] - found[0] if len(scores) == 2 else found[0]


def influence(is_positive: Array, score: Array) -> Array:
    """The derivative of the average precision by the weight of each row, shape (n,); it sums to 0.

    With F and S the positive and all rows down to a score, and p the positive rows at it, the average precision is
    the mean of p F / S over scores; a row changes its own term and all those below it.
    """
    order, last = metrics.ties(-score)
    found, shown = np.cumsum(is_positive[order])[last], last + 1
    here = np.diff(found, prepend=0)
    if not found[-1]:
        return np.full(len(score), np.nan)
    average = (here * found / shown).sum() / found[-1]
    gained = np.cumsum((here / shown)[::-1])[::-1]
    lost = np.cumsum((here * found / shown**2)[::-1])[::-1]
    run = np.repeat(np.arange(len(last)), np.diff(last, prepend=-1))
    positive = is_positive[order]
    sorted_ = (positive * ((found / shown)[run] + gained[run] - average) - lost[run]) / found[-1]
    result = np.empty(len(score))
    result[order] = sorted_
    return result


def _normal(value: float, summed: Array, *, confidence: float) -> Spread:
    deviation = float(np.sqrt((summed**2).sum()))
    method = "infinitesimal jackknife"
    if deviation <= 0:
        return nothing("every row has the same weight in the result", method=method)
    width = normal_quantile((1 + confidence) / 2) * deviation

    def below(least: float) -> float:
        return float(normal_cdf((least - value) / deviation))

    return Spread(value - width, value + width, method, below)
