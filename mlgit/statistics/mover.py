"""Intervals of values between 0 and 1 on the logit scale, and of the difference of two that hang together.

An interval of each value is as lopsided as it must be near 1; the difference takes its ends from theirs: MOVER, the method of
variance estimates recovery (Zou and Donner 2008, Stat. Med. 27, 1693; with correlation Zou 2007, Psychol. Methods 12, 399).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from mlgit.statistics.distributions import logistic, normal_cdf, normal_quantile
from mlgit.statistics.leverage import NOUGHT
from mlgit.statistics.resampling import Spread

_FARTHEST = 12.0
_STEPS = 60
# One row that was not seen, in the smaller class, at the wrong end: at a level of 90 % an end moves by a share of 1 / units.
_UNSEEN = 1 / math.log(10)


@dataclass(frozen=True, slots=True)
class LogitEstimate:
    """A value between 0 and 1 with its variance; `units` counts the rows (or clusters) of the class that has fewer."""

    value: float
    variance: float
    units: int

    @property
    def is_degenerate(self) -> bool:
        """Whether no row says anything of how far the value may be off, as where a score separates the classes."""
        return self.variance <= NOUGHT or not 0 < self.value < 1

    def end(self, place: float) -> float:
        """The end of the interval that lies `place` standard errors off, on the logit scale.

        Where that scale ends: of k pairs of a row of each class, none shared, all are in order with chance value ** k at
        most. Near there, an end is at least as far off as one row of the smaller class could bring it.
        """
        tail = normal_cdf(-abs(place))
        unseen: float = (tail if self.is_degenerate else (2 * tail) ** _UNSEEN) ** (1 / self.units)
        farthest = self.value * unseen if place < 0 else 1 - (1 - self.value) * unseen
        if self.is_degenerate:
            return farthest
        middle = math.log(self.value / (1 - self.value))
        found = logistic(middle + place * math.sqrt(self.variance) / (self.value * (1 - self.value)))
        return min(found, farthest) if place < 0 else max(found, farthest)


def one(found: LogitEstimate, *, confidence: float, method: str) -> Spread:
    """The interval of one value."""
    return _spread(found.end, confidence=confidence, method=method)


def difference(
    baseline: LogitEstimate, current: LogitEstimate, *, correlation: float, confidence: float, method: str
) -> Spread:
    """The interval of current - baseline."""
    shared = 0.0 if baseline.is_degenerate or current.is_degenerate else correlation

    def end(place: float) -> float:
        gained, lost = current.end(place) - current.value, baseline.end(-place) - baseline.value
        squares = gained**2 + lost**2 + 2 * shared * gained * lost
        return current.value - baseline.value + math.copysign(math.sqrt(max(squares, 0.0)), place)

    return _spread(end, confidence=confidence, method=method)


def _spread(end: Callable[[float], float], *, confidence: float, method: str) -> Spread:
    place = normal_quantile((1 + confidence) / 2)

    def below(least: float) -> float:
        low, high = -_FARTHEST, _FARTHEST
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if end(middle) < least else (low, middle)
        return normal_cdf(low)

    return Spread(end(-place), end(place), method, below)
