"""The normal and the fair binomial distribution, from Python's own functions: one number at a time needs no library that takes
half a second to import."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_NORMAL = NormalDist()
_EXACT = 1000


def normal_cdf(x: float) -> float:
    """The chance that a standard normal value is at most x, exact far into both tails."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def normal_cdfs(xs: Array) -> Array:
    """The same for each of an array's values."""
    return np.array([normal_cdf(float(x)) for x in xs])


def normal_quantile(p: float) -> float:
    """The value that a standard normal one is below with chance p (Wichura 1988, Applied Statistics 37, 477); infinite at the
    ends."""
    if p <= 0 or p >= 1:
        return math.copysign(math.inf, p - 0.5) if 0 <= p <= 1 else math.nan
    return _NORMAL.inv_cdf(p)


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), for any x."""
    away = math.exp(-abs(x))
    return (1 if x >= 0 else away) / (1 + away)


def coin_cdf(k: int, n: int) -> float:
    """The chance of at most k heads in n throws of a fair coin."""
    if n <= _EXACT:
        return float(sum(math.comb(n, i) for i in range(k + 1)) / 2**n)
    i = np.arange(1, k + 1, dtype=float)
    logs = np.concatenate([[0.0], np.cumsum(np.log((n - i + 1) / i))]) - n * math.log(2)
    return min(1.0, float(np.exp(logs).sum()))
