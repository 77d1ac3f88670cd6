"""Rows in time order, in which what comes soon after tells part of what came before: whole blocks of rows are drawn.

The circular block bootstrap (Politis and Romano 1992) of the influence of each row on the difference. Its variance is known
without a draw, so that it is the limit of any number of them; the interval takes it with Student's t, for there are no more
independent pieces than blocks. The length of a block is that of Politis and White 2004, Econom. Rev. 23, 53, as
corrected by Patton, Politis and White 2009, Econom. Rev. 28, 372; but it is at least the cube root of the number of rows, for
weak memory is not seen in few rows, and is there. Where few blocks carry the variance, that is widened (`leverage`): each
square is divided once by the share of the others, for blocks are more alike than rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics import leverage
from mlgit.statistics.distributions import student_cdf, student_quantile
from mlgit.statistics.resampling import Spread, nothing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# With fewer blocks their variance says nothing.
FEWEST_BLOCKS = 10


def length(series: Array) -> float:
    """The length of blocks that suits a series, shape (n,), at least 1."""
    size = len(series)
    centred = series - series.mean()
    if size < 4 or not float(centred @ centred) > 0:
        return 1.0
    run = max(5, math.ceil(math.log10(size)))
    most = min(math.ceil(math.sqrt(size)) + run, size - 1)
    lags = autocovariances(centred, min(most + run, size - 1))
    reach = _reach(np.abs(lags[1:] / lags[0]) >= 2 * math.sqrt(math.log10(size) / size), run=run)
    reach = min(2 * reach, most)
    if not reach:
        return 1.0
    away = np.arange(1, reach + 1)
    window = np.minimum(1.0, 2 * (1 - away / reach))
    spread = lags[0] + 2 * float(window @ lags[1 : reach + 1])
    slope = 2 * float((window * away) @ lags[1 : reach + 1])
    if not spread > 0:
        return 1.0
    found = (1.5 * (slope / spread) ** 2 * size) ** (1 / 3)
    return float(min(max(1.0, found), math.ceil(min(3 * math.sqrt(size), size / 3))))


def whole_length(series: Array) -> int:
    """The length of blocks in whole rows: what suits the series, and no less than what weak memory asks for."""
    size = len(series)
    return max(math.ceil(length(series)), min(math.ceil(math.cbrt(size)), size // FEWEST_BLOCKS))


def _reach(is_large: Array, *, run: int) -> int:
    """The lag after which so many in a row are small, else the last large one."""
    for lag in range(len(is_large) - run + 1):
        if not is_large[lag : lag + run].any():
            return lag
    large = np.flatnonzero(is_large)
    return int(large[-1]) + 1 if len(large) else 0


def autocovariances(centred: Array, lags: int) -> Array:
    """Those of a series with mean 0, from lag 0 to `lags`."""
    size = len(centred)
    return np.array([float(centred[lag:] @ centred[: size - lag]) / size for lag in range(lags + 1)])


def variance(influence: Array, block: int) -> float:
    """The variance of the sum of influences (n,), which sum to 0, over circular blocks of this many rows."""
    total = np.concatenate([[0.0], np.cumsum(np.concatenate([influence, influence[: block - 1]]))])
    sums = total[block:] - total[:-block]
    return float(sums @ sums) / block


def _long_run(centred: Array, block: int) -> float:
    """The variance without what blocks of this length miss, in proportion to 1 / length: Politis and Romano 1995."""
    whole, half = variance(centred, block), block // 2
    if not half:
        return whole
    return max(whole, whole + (whole - variance(centred, half)) * half / (block - half))


def _widening(centred: Array, number: int) -> float:
    """By what the variance is too small as few of so many blocks carry it."""
    ends = np.linspace(0, len(centred), number + 1).astype(int)
    squares = np.add.reduceat(centred, ends[:-1]) ** 2
    total = float(squares.sum())
    return float(leverage.widened(squares, times=1).sum()) / total if total > 0 else 1.0


def interval(value: float, influence: Array, *, confidence: float) -> Spread:
    """The interval of a statistic whose rows, in time order, have these influences on it (value changes by their sum)."""
    method = "block bootstrap"
    size, centred = len(influence), influence - influence.mean()
    block = whole_length(centred)
    number = size / block
    if number < FEWEST_BLOCKS:
        needed = math.ceil((FEWEST_BLOCKS * block) ** 1.5 / math.sqrt(size))
        told = (
            f"{size} rows are {int(number)} blocks of {block} rows that hang together, at least {FEWEST_BLOCKS} blocks needed"
        )
        return nothing(f"{told}: about {max(needed, FEWEST_BLOCKS * block)} rows", method=method)
    spread = math.sqrt(_long_run(centred, block) * _widening(centred, int(number)))
    if not spread > 0:
        return nothing("every row has the same weight in the result", method=method)
    freedom = number - 1 if block == 1 else max(4.0, number / 2 - 1)
    width = student_quantile((1 + confidence) / 2, freedom) * spread

    def below(least: float) -> float:
        return student_cdf((least - value) / spread, freedom)

    return Spread(value - width, value + width, f"{method}, blocks of {block} rows", below)
