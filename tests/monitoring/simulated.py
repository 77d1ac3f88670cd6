"""Simulated batches as counts: what a sketch would hold of 20 columns, without making the rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.monitoring.sketch import Batches, Cells, ColumnCounts, Sketch, WindowCounts
from mlgit.statistics.distributions import normal_cdfs, normal_quantile
from tests.kit.late import Module

np = Module("numpy")

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
    labels = list(batches[0].columns)
    columns = []
    for cells in _cells():
        if cells.label in labels:
            parts = [each.columns[cells.label] for each in batches]
            moments = [
                np.concatenate([getattr(part, name) for part in parts]) if cells.kind == "number" else None
                for name in ("sums", "squares")
            ]
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
    moved = shift or Shift()
    columns: dict[str, ColumnCounts] = {}
    for place in range(N_NUMBERS):
        own = moved if place == 0 else Shift()
        middle = mean + own.mean + (rng.normal(0.0, day) if day else 0.0)
        gone = int(rng.binomial(n_rows, own.missing)) if own.missing else 0
        ends = normal_cdfs((np.array(_EDGES) - middle) / own.deviation)
        counts = rng.multinomial(n_rows - gone, np.diff(np.concatenate([[0.0], ends, [1.0]])))
        columns[f"x{place}"] = ColumnCounts(
            counts[None], np.array([gone]), np.array([middle * n_rows]), np.array([n_rows * 1.0])
        )
    for place, number in enumerate(LEVELS):
        weights = 1.0 / np.arange(1, number + 1)
        weights = weights * np.exp(rng.normal(0.0, day, number)) if day else weights
        weights = weights / weights.sum()
        if number == moved.n_levels:
            weights = weights * (1.0 - moved.share)
            weights[-1] += moved.share
        counts = np.append(rng.multinomial(n_rows, weights), 0)
        columns[f"c{place}"] = ColumnCounts(counts[None], np.array([0]))
    return WindowCounts(n_rows, columns)


def batches(
    rng: Any, number: int, n_rows: int, *, day: float = 0.0, means: Callable[[int], float] = lambda _: 0.0
) -> list[WindowCounts]:
    """Batches that follow one another."""
    return [batch(rng, n_rows, day=day, mean=means(place)) for place in range(number)]


def autoregressive(rng: Any, number: int, *, weight: float, deviation: float) -> list[float]:
    """Means that remember the one before them."""
    steps = rng.normal(size=number)
    found = [float(steps[0])]
    for step in itertools.islice(steps, 1, None):
        found.append(weight * found[-1] + (1.0 - weight**2) ** 0.5 * float(step))
    return [deviation * each for each in found]
