"""Tables into counts: of the batches of a reference, which makes a sketch, and of a window beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.monitoring import cells as cutting
from mlgit.monitoring import vectors
from mlgit.monitoring.sketch import Cells, ColumnCounts, ColumnKind, WindowCounts

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# So many levels that the reference has not are named; all are counted.
_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class WatchedColumn:
    """A column that is watched; values of one that `is_classified` are written down nowhere."""

    name: str
    kind: ColumnKind
    is_classified: bool = False


def counted(columns: Iterable[WatchedColumn], batches: Sequence[Mapping[str, Any]]) -> list[tuple[Cells, ColumnCounts]]:
    """The cells of each column, cut by all batches together, and how many values of each batch fall into them."""
    found = []
    for column in columns:
        parts = [np.asarray(batch[column.name]) for batch in batches]
        sizes = [len(each) for each in parts]
        batch_of = np.repeat(np.arange(len(parts)), sizes)
        values = _joined(parts)
        for cells, measured in _cut(column, values):
            found.append((cells, _counts(cells, measured, values, batch_of=batch_of, n_batches=len(parts))))
    return found


def _joined(parts: Sequence[Array]) -> Array:
    if len({each.dtype.kind for each in parts}) > 1:
        parts = [each.astype(object) for each in parts]
    found: Array = np.concatenate(parts) if parts else np.zeros(0)
    return found


def _cut(column: WatchedColumn, values: Array) -> list[tuple[Cells, Any]]:
    """The cells of a column, with what falls into them."""
    if column.kind == "number":
        return [(cutting.of_numbers(column.name, values, is_classified=column.is_classified), None)]
    if column.kind == "text":
        return list(cutting.of_texts(column.name, values, is_classified=column.is_classified))
    if column.kind == "vector":
        return [(vectors.cells(column.name, values, is_classified=column.is_classified), None)]
    return [(cutting.of_levels(column.name, values, is_classified=column.is_classified), None)]


def _counts(cells: Cells, measured: Array | None, values: Array, *, batch_of: Array, n_batches: int) -> ColumnCounts:
    if cells.kind == "vector":
        return vectors.counts(cells, values, batch_of=batch_of, n_batches=n_batches)
    if cells.kind == "category":
        placed, _ = cutting.place(cells, values)
        return _of_places(cells, placed, batch_of=batch_of, n_batches=n_batches)
    known = cutting.numbers(values) if measured is None else measured
    placed = cutting.place_numbers(cells, known)
    found = _of_places(cells, placed, batch_of=batch_of, n_batches=n_batches)
    sums, squares = _moments(cutting.off_center(cells, known, placed), batch_of=batch_of, n_batches=n_batches)
    return ColumnCounts(found.counts, found.missing, sums, squares)


def _of_places(cells: Cells, placed: Array, *, batch_of: Array, n_batches: int) -> ColumnCounts:
    width = cells.n_cells + 1
    flat = batch_of * width + placed + 1  # what is missing comes first
    counts = np.bincount(flat, minlength=n_batches * width).reshape(n_batches, width)
    return ColumnCounts(counts[:, 1:], counts[:, 0])


def _moments(apart: Array, *, batch_of: Array, n_batches: int) -> tuple[Array, Array]:
    sums = np.bincount(batch_of, weights=apart, minlength=n_batches)
    return sums, np.bincount(batch_of, weights=apart**2, minlength=n_batches)


def window_counts(columns: Iterable[Cells], table: Mapping[str, Any], *, rows: int) -> WindowCounts:
    """A window in the cells of a sketch; columns that it lacks are named."""
    found: dict[str, ColumnCounts] = {}
    unknown: dict[str, list[tuple[str, int]]] = {}
    lacking: list[str] = []
    batch_of = np.zeros(rows, dtype=np.int64)
    for cells in columns:
        if cells.name not in table:
            lacking += [cells.name] if cells.name not in lacking else []
            continue
        values = table[cells.name]
        if cells.kind == "vector":
            found[cells.label] = vectors.counts(cells, values, batch_of=batch_of, n_batches=1)
            continue
        measured = cutting.measure(cells, values)
        placed, strange = cutting.place(cells, values, measured=measured)
        counts = _of_places(cells, placed, batch_of=batch_of, n_batches=1)
        if measured is not None:
            apart = cutting.off_center(cells, measured, placed)
            counts = ColumnCounts(counts.counts, counts.missing, *_moments(apart, batch_of=batch_of, n_batches=1))
        found[cells.label] = counts
        if strange:
            unknown[cells.label] = strange[:_MOST_NAMED]
    return WindowCounts(rows, found, unknown, tuple(lacking))
