"""The normal, the fair binomial and Student's distribution, from Python's own functions: one number at a time needs no library
that takes half a second to import."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from statistics import NormalDist

    from mlgit.statistics.rows import Array

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
    return _normal().inv_cdf(p)


@cache
def _normal() -> NormalDist:
    from statistics import NormalDist

    return NormalDist()


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


def student_cdf(x: float, freedom: float) -> float:
    """The chance that a value of Student's t, of any number of degrees of freedom, is at most x."""
    if math.isinf(x):
        return float(x > 0)
    if x * x < 1:  # else the chance of being near 0 would be lost beside that of being far away
        return 0.5 + math.copysign(_beta(x * x / (freedom + x * x), 0.5, freedom / 2) / 2, x)
    tail = _beta(freedom / (freedom + x * x), freedom / 2, 0.5) / 2
    return tail if x < 0 else 1 - tail


def student_quantile(p: float, freedom: float) -> float:
    """The value that one of Student's t is below with chance p; infinite at the ends."""
    if p <= 0 or p >= 1:
        return normal_quantile(p)
    if p < 0.5:
        return -student_quantile(1 - p, freedom)
    low, high = 0.0, 2.0
    while student_cdf(high, freedom) < p:
        low, high = high, 2 * high
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < p else (low, middle)
    return (low + high) / 2


def chi_squared_tail(x: float, freedom: float) -> float:
    """The chance that a value of chi-squared with so many degrees of freedom is more than x, exact far into the tail."""
    if x <= 0:
        return 1.0
    if math.isinf(x):
        return 0.0
    a, half = freedom / 2, x / 2
    start = math.exp(-half + a * math.log(half) - math.lgamma(a))
    if half < a + 1:
        return 1.0 - start * _lower_gamma(half, a)
    return start * _upper_gamma(half, a)


def _lower_gamma(x: float, a: float) -> float:
    """The series of the lower incomplete gamma function (DLMF 8.11.4), without its first factor."""
    term = total = 1 / a
    step = a
    while term > total * 1e-17:
        step += 1
        term *= x / step
        total += term
    return total


def _upper_gamma(x: float, a: float) -> float:
    """The continued fraction of the upper one (DLMF 8.9.2) with Lentz's method, without its first factor."""
    b = x + 1 - a
    c, d = 1e300, 1 / b
    total = d
    for i in range(1, 100_000):
        b += 2
        d = 1 / (b - i * (i - a) * d)
        c = b - i * (i - a) / c
        total *= d * c
        if abs(d * c - 1) < 1e-16:
            break
    return total


def _beta(x: float, a: float, b: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (DLMF 8.17.22) with Lentz's method."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - _beta(1 - x, b, a)
    log = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    least = 1e-300
    upper, lower, found = 1.0, 1 / max(1 - (a + b) * x / (a + 1), least), 1 / max(1 - (a + b) * x / (a + 1), least)
    for m in range(1, 1000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            lower = 1 / (1 + step * lower or least)
            upper = 1 + step / upper or least
            found *= upper * lower
        if abs(upper * lower - 1) < 1e-15:
            break
    return math.exp(log) * found / a
