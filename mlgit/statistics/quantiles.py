"""Quantiles of rows: their interval by ranks, exact whatever the distribution, and the influence of each row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics.distributions import normal_quantile
from mlgit.statistics.resampling import Spread, nothing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

METHOD = "order statistics"
# Up to here the binomial distribution is summed up; above, the normal one is as good.
_EXACT = 20_000
_WOODRUFF = 0.95


def interval(values: Array, share: float, *, confidence: float) -> Spread:
    """The interval of the value that a share of all rows lies below: its ends are rows, by rank, so that it holds the truth
    with at least this confidence (Hahn and Meeker 1991, section 5.2).
    """
    ordered = np.sort(values)
    low, high = ranks(len(ordered), share, confidence=confidence)
    if low < 1 or high > len(ordered):
        return nothing(f"{len(ordered)} rows are too few to bound p{share * 100:g}", method=METHOD)
    return Spread(float(ordered[low - 1]), float(ordered[high - 1]), METHOD)


def ranks(size: int, share: float, *, confidence: float) -> tuple[int, int]:
    """The ranks, from 1, of the rows at both ends; 0 and size + 1 where there is no such row."""
    tail = (1 - confidence) / 2
    if size > _EXACT:
        away = -normal_quantile(tail) * math.sqrt(size * share * (1 - share))
        return math.floor(size * share - away), math.ceil(size * share + away) + 1
    below = np.cumsum(_chances(size, share))
    low = int(np.searchsorted(below, tail * (1 + 1e-12), side="right"))
    high = int(np.searchsorted(below, 1 - tail * (1 + 1e-12), side="left")) + 1
    return low, high


def _chances(size: int, share: float) -> Array:
    """The binomial distribution, shape (size + 1,)."""
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])
    number = np.arange(size + 1)
    ways = logs[size] - logs - logs[::-1]
    return np.asarray(np.exp(ways + number * math.log(share) + (size - number) * math.log1p(-share)))


def of(values: Array, share: float, weights: Array | None = None) -> float:
    """The value that a share of the rows lies below: numpy's; with weights, the first up to which that much of them lies, or,
    where it lies exactly up to there, the middle between that and the next, as scikit-learn has it."""
    if weights is None:
        return float(np.quantile(values, share))
    order = np.argsort(values, kind="stable")
    reached, last = np.cumsum(weights[order]), len(values) - 1
    wanted, close = share * reached[-1], 1e-12 * reached[-1]
    place = min(int(np.searchsorted(reached, wanted - close)), last)
    following = min(place + 1, last) if reached[place] <= wanted + close else place
    return float(values[order[place]] / 2 + values[order[following]] / 2)


def influences(values: Array, share: float, weights: Array | None = None) -> Array:
    """How far each row moves a quantile, with the density that the rows around it tell; 0 where all of those are equal."""
    if not len(values):
        return np.zeros(0)
    place = of(values, share, weights)
    below = np.where(values <= place, 1.0, 0.0)
    weight = np.ones(len(values)) if weights is None else weights
    each = weight * (float(weight @ below) / float(weight.sum()) - below)
    size = math.sqrt(float((each**2).sum()))
    width = _width(values, share) if weights is None else _width_of_weighted(values, share, weights)
    spread = width / (2 * normal_quantile((1 + _WOODRUFF) / 2))
    return np.asarray(each * (spread / size if size > 0 else 0.0))


def _width(values: Array, share: float) -> float:
    ordered = np.sort(values)
    low, high = ranks(len(ordered), share, confidence=_WOODRUFF)
    low, high = max(low, 1), min(high, len(ordered))
    return float(ordered[high - 1] - ordered[low - 1])


def _width_of_weighted(values: Array, share: float, weights: Array) -> float:
    """Between the quantiles of the shares that the share of weight below the place may be (Woodruff 1952)."""
    place = of(values, share, weights)
    error = math.sqrt(float(((weights * ((values <= place) - share)) ** 2).sum())) / float(weights.sum())
    away = normal_quantile((1 + _WOODRUFF) / 2) * error
    least = float(weights.min() / weights.sum())
    ends = [of(values, min(max(each, least), 1.0), weights) for each in (share - away, share + away)]
    return ends[1] - ends[0]
