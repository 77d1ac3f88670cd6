"""A range of numbers that a search draws from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

# Drawn fractions are given so many digits of the range that they lie in: more would only be in the way of whoever reads them.
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Numbers from `low` to `high`, both of them in it: whole ones where both ends are, those of a grid where there is a step.

    With `is_log` each power of ten is as likely as the next.
    """

    low: float
    high: float
    is_log: bool = False
    step: float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether all of its numbers are whole ones."""
        return isinstance(self.low, int) and isinstance(self.high, int) and isinstance(self.step, int | None)

    @property
    def size(self) -> int | None:
        """How many numbers there are; None where any fraction is one."""
        if self.step is not None:
            return int((_exact(self.high) - _exact(self.low)) / _exact(self.step)) + 1
        return int(self.high - self.low) + 1 if self.is_whole else None

    def value(self, index: int) -> float:
        """One of the numbers of a range that has a size, from the lowest; 0.1 + 2 steps of 0.1 is 0.3."""
        found = _exact(self.low) + index * _exact(self.step or 1)
        return int(found) if self.is_whole else float(found)

    def index(self, value: Any) -> int | None:
        """Which of the numbers one is, from the lowest; None where it is none of them, or the range has no size."""
        size = self.size
        if size is None or not is_number(value) or not self.low <= value <= self.high:
            return None
        place = round((_exact(value) - _exact(self.low)) / _exact(self.step or 1))
        return place if place < size and self.value(place) == value else None

    def draw(self, share: Fraction) -> float:
        """The number below which such a share (from 0, less than 1) of all draws lies."""
        size = self.size
        if not self.is_log:
            return self.value(int(share * size)) if size is not None else self.rounded(self._between(float(share)))
        if not self.is_whole:
            return self.rounded(math.exp(_mixed(math.log(self.low), math.log(self.high), float(share))))
        # each whole number has the room from half below it to half above it
        found = math.exp(_mixed(math.log(self.low - 0.5), math.log(self.high + 0.5), float(share)))
        return int(min(max(round(found), self.low), self.high))

    def _between(self, share: float) -> float:
        return _mixed(self.low, self.high, share)

    def rounded(self, value: float) -> float:
        """A drawn fraction as it is written down: with six digits of the range, or of itself where that is logarithmic."""
        size = abs(value) if self.is_log else self.high - self.low
        if size > 0:
            value = round(value, _DIGITS - 1 - math.floor(math.log10(size)))
        return min(max(value, self.low), self.high)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number, and not true or false."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _mixed(low: float, high: float, share: float) -> float:
    return low * (1 - share) + high * share


def _exact(number: float) -> Fraction:
    """The decimal number that is shown, which is what was typed."""
    return Fraction(repr(number))
