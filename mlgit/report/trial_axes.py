"""Axes for what trials have: numbers on a scale, even or by powers of ten, and words side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.experiments import table_text
from mlgit.experiments.comparison import ComparedTrials
from mlgit.experiments.trial import Trial
from mlgit.experiments.trial_columns import TrialColumn
from mlgit.report.numbers import value

# Of more words than this nobody can tell lines apart.
_MOST_WORDS = 12
_WIDE = 50.0  # numbers above zero that reach over so large a ratio stand by powers of ten


@dataclass(frozen=True, slots=True)
class TrialAxis:
    """An axis of a column: places from 0 to 1 for numbers, or for `words`."""

    column: TrialColumn
    low: float = 0.0
    high: float = 1.0
    is_by_powers: bool = False
    words: tuple[str, ...] = ()

    def place(self, trial: Trial) -> float | None:
        """Where a trial stands, None where it has no value."""
        is_there, found = self.column.value(trial)
        if not is_there:
            return None
        if self.words:
            word = table_text.cell((True, found))
            return (self.words.index(word) + 0.5) / len(self.words) if word in self.words else None
        return self.place_of(number) if (number := as_number(found)) is not None else None

    def place_of(self, number: float) -> float:
        """Where a number stands."""
        if self.is_by_powers:
            return (math.log10(number) - math.log10(self.low)) / (math.log10(self.high) - math.log10(self.low))
        return (number / 2 - self.low / 2) / (self.high / 2 - self.low / 2)

    def marks(self) -> list[tuple[float, str]]:
        """Places with what stands beside them."""
        if self.words:
            return [((at + 0.5) / len(self.words), word) for at, word in enumerate(self.words)]
        ticks = self._powers() if self.is_by_powers else steps(self.low, self.high)
        return [(self.place_of(tick), shown(tick)) for tick in ticks]

    def _powers(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        every = max(1, (last - first) // 6 + 1)
        found = [10.0**power for power in range(first, last + 1, every)]
        return found or [self.low, self.high]


def axis(column: TrialColumn, trials: Iterable[Trial]) -> TrialAxis | None:
    """The axis of a column; None where there is nothing to tell apart, or too much."""
    found = [value for is_there, value in (column.value(each) for each in trials) if is_there]
    numbers = [number for number in map(as_number, found) if number is not None]
    if numbers and len(numbers) == sum(each == each for each in found):
        low, high = min(numbers), max(numbers)
        if high / 2 - low / 2 == 0 or not math.isfinite(high - low):
            return None
        return TrialAxis(column, low, high, is_by_powers=low > 0 and high / low >= _WIDE)
    words = sorted({table_text.cell((True, each)) for each in found})
    return TrialAxis(column, words=tuple(words)) if 2 <= len(words) <= _MOST_WORDS else None


def axes(found: ComparedTrials, *, most: int) -> list[TrialAxis]:
    """The axes of the parameters that differ, then of the metrics, what trials are ordered by last: `most` of them."""
    rows = [row.trial for row in found.rows]
    columns = [each for each in found.columns if each != found.sorted_by]
    params = [each for each in columns if each.kind == "param"]
    metrics = [each for each in columns if each.kind == "metric"]
    last = [found.sorted_by] if found.sorted_by and found.sorted_by.kind != "fact" else metrics[:1]
    rest = [each for each in metrics if each not in last]
    made = [each for each in (axis(column, rows) for column in (*params, *rest)) if each]
    return [*made[: most - len(last)], *(each for each in (axis(column, rows) for column in last) if each)]


def as_number(found: Any) -> float | None:
    """A value as a finite number, None for what is none."""
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def spread(trials: Sequence[Trial], most: int) -> list[Trial]:
    """So many trials for a drawing: half of them the first, since those are best, half spread evenly over the others."""
    if len(trials) <= most:
        return list(trials)
    head, rest = list(trials[: most // 2]), trials[most // 2 :]
    left = most - len(head)
    step = (len(rest) - 1) / max(1, left - 1)
    return head + [rest[round(at * step)] for at in range(left)]


def steps(low: float, high: float) -> list[float]:
    """Round numbers from one end of a scale to the other."""
    step = _nice(high / 5 - low / 5)
    first = math.ceil(low / step - 1e-9)
    return [number for each in range(first, first + 12) if (number := each * step) <= high + step * 1e-9]


def _nice(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step)) if step > 0 else 1.0
    return next((each * power for each in (1, 2, 5, 10) if each * power >= step * (1 - 1e-9) > 0), step or 1.0)


def shown(tick: float) -> str:
    """A number beside an axis."""
    return value(0.0 if abs(tick) < 1e-12 else float(f"{tick:.10g}"))
