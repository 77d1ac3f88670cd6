"""Simulated batches as counts: what a sketch would hold of 20 columns, without making the rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.monitoring.sketch import Batches, Cells, ColumnCounts, Sketch, WindowCounts
from mlgit.statistics.distributions import normal_quantile
from tests.kit.late import Module

np = Module("numpy")
special = Module("scipy.special")

_N_CELLS = 32
LEVELS = (2, 3, 5, 5, 10, 20, 50, 200)
N_NUMBERS = 12
_EDGES = tuple(normal_quantile(place / _N_CELLS) for place in range(1, _N_CELLS))


@dataclass(frozen=True)
class Shift:
    """What differs in a batch: mean, deviation and gaps of the first number, and what moves to the rarest of so many levels."""

    mean: float = 0.0
    deviation: float = 1.0
    missing: float = 0.0
    n_levels: int = 0
    share: float = 0.0


def sketch(batches: Sequence[WindowCounts]) -> Sketch:
    """The sketch of batches that were drawn."""
    columns = []
    for cells in _cells():
        parts = [each.columns[cells.label] for each in batches]
        names = ("sums", "squares") if cells.kind == "number" else ()
        moments = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
        counts = np.concatenate([part.counts for part in parts])
        columns.append((cells, ColumnCounts(counts, np.concatenate([part.missing for part in parts]), *moments)))
    names = tuple(f"batch {number:04}" for number in range(len(batches)))
    return Sketch("m", Batches("column", "day(ts)", names, tuple(each.rows for each in batches)), columns)


def _cells() -> list[Cells]:
    numbers = [Cells(f"x{place}", "number", _EDGES) for place in range(N_NUMBERS)]
    levels = [
        Cells(f"c{place}", "category", levels=tuple(f"v{level}" for level in range(number)))
        for place, number in enumerate(LEVELS)
    ]
    return numbers + levels


def batch(rng: Any, n_rows: int, *, day: float = 0.0, mean: float = 0.0, shift: Shift | None = None) -> WindowCounts:
    """One batch: every number moved by `mean`, and each column by a normal effect of the day of deviation `day`."""
    return batches(rng, 1, n_rows, day=day, means=lambda _: mean, shift=shift)[0]


def batches(
    rng: Any,
    number: int,
    n_rows: int,
    *,
    day: float = 0.0,
    means: Callable[[int], float] = lambda _: 0.0,
    shift: Shift | None = None,
) -> list[WindowCounts]:
    """Batches that follow one another; all are shifted alike."""
    moved = shift or Shift()
    middles = np.array([means(place) for place in range(number)])
    columns = {f"x{place}": _number(rng, middles, n_rows, day, moved if not place else Shift()) for place in range(N_NUMBERS)}
    columns |= {f"c{place}": _category(rng, number, n_rows, levels, day, moved) for place, levels in enumerate(LEVELS)}
    return [WindowCounts(n_rows, {name: _at(each, place) for name, each in columns.items()}) for place in range(number)]


def _number(rng: Any, middles: Any, n_rows: int, day: float, moved: Shift) -> ColumnCounts:
    middle = middles + moved.mean + (rng.normal(0.0, day, len(middles)) if day else 0.0)
    gone = rng.binomial(n_rows, moved.missing, len(middles))
    ends = special.ndtr((np.array(_EDGES)[None] - middle[:, None]) / moved.deviation)
    shares = np.diff(np.concatenate([np.zeros((len(middle), 1)), ends, np.ones((len(middle), 1))], axis=1), axis=1)
    counts = rng.multinomial(n_rows - gone, shares)
    return ColumnCounts(counts, gone, middle * n_rows, (middle**2 + 1.0) * n_rows)


def _category(rng: Any, number: int, n_rows: int, levels: int, day: float, moved: Shift) -> ColumnCounts:
    weights = np.tile(1.0 / np.arange(1, levels + 1), (number, 1))
    weights = weights * np.exp(rng.normal(0.0, day, weights.shape)) if day else weights
    weights = weights / weights.sum(axis=1, keepdims=True)
    if levels == moved.n_levels:
        weights = weights * (1.0 - moved.share)
        weights[:, -1] += moved.share
    counts = rng.multinomial(n_rows, weights)
    return ColumnCounts(
        np.concatenate([counts, np.zeros((number, 1), dtype=np.int64)], axis=1), np.zeros(number, dtype=np.int64)
    )


def _at(column: ColumnCounts, place: int) -> ColumnCounts:
    moments = [None if each is None else each[place : place + 1] for each in (column.sums, column.squares)]
    return ColumnCounts(column.counts[place : place + 1], column.missing[place : place + 1], *moments)


def autoregressive(rng: Any, number: int, *, weight: float, deviation: float) -> list[float]:
    """Means that remember the one before them."""
    steps = rng.normal(size=number)
    found = [float(steps[0])]
    for step in itertools.islice(steps, 1, None):
        found.append(weight * found[-1] + (1.0 - weight**2) ** 0.5 * float(step))
    return [deviation * each for each in found]
