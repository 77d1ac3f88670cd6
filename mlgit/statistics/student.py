"""Intervals of means and of smooth functions of them, for rows of which some weigh far more than others: the bootstrap-t.

What is drawn is the distance from the sample in units of the draw's own standard error (Efron 1982; Hall 1988, Ann. Stat. 16,
927), of the statistic as a sum of influences. The interval is at least the normal one: where few rows differ, draws say little.
The rows with the most influence are drawn one by one, and the sum of the others as what it tends to; so a million rows cost no
more than a thousand.
"""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics import leverage
from mlgit.statistics.distributions import normal_cdf, normal_quantile
from mlgit.statistics.resampling import SAME, Spread, Sums, nothing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

METHOD = "bootstrap-t"
# So many rows are drawn one by one.
_DRAWN = 128
# A draw that has hardly any spread of its own is no further off than this.
_FARTHEST = 8.0
_STEP = 1e-4
_ROUNDING = 1e-9
_BLOCK = 2_000_000


def interval(sums: Sums, *, confidence: float, resamples: int, seed: int, noun: str = "row") -> Spread:
    """The interval of a statistic of sums whose cells are single rows (or clusters)."""
    if not np.isfinite(sums.value):
        return nothing("the metric is undefined for these rows", method=METHOD)
    each, size = influences(sums), sums.size
    variance = float((each**2).sum())
    if variance <= 0:
        return nothing(SAME, method=METHOD)
    drawn = np.sort(_draws(each / math.sqrt(variance), resamples=resamples, seed=seed))
    wide = math.sqrt(float(leverage.widened(each**2).sum()))
    stretch = math.sqrt(size / (size - 1))
    tail = (1 - confidence) / 2
    normal, rank = -normal_quantile(tail) * stretch, min(max(0, int(tail * (resamples + 1)) - 1), resamples - 1)
    low = sums.value - wide * max(float(drawn[-1 - rank]), normal)
    high = sums.value + wide * max(-float(drawn[rank]), normal)

    def below(least: float) -> float:
        place = (sums.value - least) / wide
        beyond = drawn >= place if place > 0 else drawn <= place
        chance = max(max(1.0, float(beyond.sum())) / (resamples + 1), normal_cdf(-abs(place) / stretch))
        return min(chance, 0.5) if place > 0 else max(1 - chance, 0.5)

    told, may_pass = leverage.doubt(each, noun=noun)
    return Spread(low, high, METHOD, below, draws=resamples, note=told, may_pass=may_pass)


def influences(sums: Sums) -> Array:
    """How far each row (or cluster) moves the statistic, shape (M,); they sum to 0, as it does not depend on scale."""
    totals, slopes = sums.totals, np.zeros(sums.features.shape[1])
    squares = np.array([float(column @ column) for column in sums.features.T])
    for place, square in enumerate(squares):
        step = _STEP * math.sqrt(square)
        if step > 0:
            moved = np.zeros(len(slopes))
            moved[place] = step
            slopes[place] = (sums.function(totals + moved) - sums.function(totals - moved)) / (2 * step)
    each = sums.features @ slopes
    # what is left where all rows say the same is the rounding of the slopes
    rounding = _ROUNDING * math.sqrt(float((slopes**2 * squares).max(initial=0.0)))
    return np.where(np.abs(each).max(initial=0.0) > rounding, each, 0.0)


def _draws(each: Array, *, resamples: int, seed: int) -> Array:
    """The studentized sums of draws in which every row comes as often as a Poisson number says, shape (resamples,)."""
    falling = _by_size(each)
    single, rest = falling[:_DRAWN], falling[_DRAWN:]
    columns = np.column_stack([single, single**2, np.ones(len(single))])
    weights, block = _weights(seed, resamples, len(single)), max(1, _BLOCK // len(single))
    sums = np.concatenate([weights[start : start + block].astype(float) @ columns for start in range(0, resamples, block)])
    if len(rest):
        sums += _of_many(rest, np.random.default_rng([seed, 1]).normal(size=(resamples, 3)))
    total, squares, number = sums.T
    spread = np.sqrt(np.maximum(squares - total**2 / np.maximum(number, 1.0), 0.0))
    known = spread > 0
    found = np.where(known, total / np.where(known, spread, 1.0), np.sign(total) * _FARTHEST)
    return np.asarray(np.clip(found, -_FARTHEST, _FARTHEST))


def _by_size(each: Array) -> Array:
    """The largest first, whatever their sign, and of two that differ in it the negative one: by one sort of the bits, in which
    floats of one sign lie in order, with the sign moved from the first place to the last."""
    bits = np.asarray(each, dtype=np.float64).view(np.uint64)
    keys = np.sort((bits << np.uint64(1)) | (bits >> np.uint64(63)))[::-1]
    return np.asarray(((keys >> np.uint64(1)) | (keys << np.uint64(63))).view(np.float64))


@functools.lru_cache(maxsize=2)
def _weights(seed: int, resamples: int, rows: int) -> Array:
    """How often each row comes in each draw: Poisson numbers of mean 1, by a table of 2**16 steps, much faster than numpy's
    own. They hang on the seed only, so that every metric of a comparison takes the same."""
    chances = np.exp(-1) / np.cumprod(np.concatenate([[1.0], np.arange(1.0, 9.0)]))
    table = np.searchsorted(np.cumsum(chances), (np.arange(2**16) + 0.5) / 2**16).astype(np.uint8)
    return np.asarray(table[np.random.default_rng(seed).integers(0, 2**16, size=(resamples, rows), dtype=np.uint16)])


def _of_many(rest: Array, normal: Array) -> Array:
    """Sums of values, squares and counts over many rows, normal in the limit, with their own means and covariances."""
    columns = np.column_stack([rest, rest**2, np.ones(len(rest))])
    most = float(np.abs(rest).max())
    scale = np.maximum([most, most**2, 1.0], 1e-300)
    columns /= scale
    sizes, axes = np.linalg.eigh(columns.T @ columns)
    drawn = normal @ (axes * np.sqrt(np.maximum(sizes, 0.0))).T
    return np.asarray((columns.sum(axis=0) + drawn) * scale)
