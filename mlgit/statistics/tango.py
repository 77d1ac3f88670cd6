"""The difference of two paired shares with its score interval: Tango 1998, Stat. Med. 17, 891.

It keeps its level where few or no rows tell the models apart, where the usual interval shrinks to nothing.
"""

from __future__ import annotations

import math

from mlgit.statistics.distributions import normal_cdf, normal_quantile


def score(fixed: int, broken: int, number: int, *, delta: float) -> float:
    """The score statistic (standard normal) of the hypothesis that current - baseline is `delta`, of `number` rows.

    `fixed` rows only the current model has right, `broken` only the baseline.
    """
    gap = fixed - broken - number * delta
    linear = -fixed - broken + (2 * number - fixed + broken) * delta
    constant = -broken * delta * (1 - delta)
    root = math.sqrt(max(0.0, linear**2 - 8 * number * constant))
    # the share of broken rows that is most likely under the hypothesis; the second form where the first would cancel
    share = (root - linear) / (4 * number) if linear <= 0 else -2 * constant / (root + linear)
    variance = number * (2 * share + delta * (1 - delta))
    return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap) if gap else 0.0


def noninferiority(fixed: int, broken: int, number: int, *, margin: float) -> tuple[float, float]:
    """Z and one-sided p-value of the hypothesis that the current model is worse by `margin` or more."""
    found = score(fixed, broken, number, delta=-margin)
    return found, float(normal_cdf(-found))


def interval(fixed: int, broken: int, number: int, *, confidence: float) -> tuple[float, float]:
    """The differences between -1 and 1 that the score test does not reject."""
    place = normal_quantile((1 + confidence) / 2)
    middle = (fixed - broken) / number
    return (
        _crossing(fixed, broken, number, -1.0, middle, place),
        _crossing(fixed, broken, number, middle, 1.0, -place),
    )


def _crossing(fixed: int, broken: int, number: int, low: float, high: float, place: float) -> float:
    """Where the statistic, which falls as delta grows, passes `place`."""
    for _ in range(100):
        delta = (low + high) / 2
        low, high = (delta, high) if score(fixed, broken, number, delta=delta) > place else (low, delta)
    return (low + high) / 2
