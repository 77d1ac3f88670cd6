"""Counts of a sketch and of windows as one table of batches, in the order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.monitoring import vectors
from mlgit.monitoring.sketch import Cells, ColumnCounts, WindowCounts
from mlgit.statistics.batch_scores import CountTable

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

Columns = Sequence[tuple[Cells, ColumnCounts]]


@dataclass(frozen=True, slots=True, eq=False)
class BatchTable:
    """Batches of a reference and windows after them, the last one being judged.

    `table` has two columns for each of `cells`: its values, and whether they are missing (two cells). `sums` are of each
    vector, (n_batches, n_components), with `sizes`; `means` are of each number whose sums are known, (n_batches,) by label.
    """

    cells: Sequence[Cells]
    table: CountTable
    sums: Sequence[tuple[Array, Array]] = ()
    means: Mapping[str, Array] = field(default_factory=dict)

    @property
    def labels(self) -> list[str]:
        """What the columns of scores are called: those of the table, then the vectors."""
        return [*self.table_labels, *(each.label for each in self.cells if each.kind == "vector")]

    @property
    def table_labels(self) -> list[str]:
        """What the columns of the table are called."""
        return [name for each in self.cells for name in (each.label, f"{each.label}: missing")]

    def vector_statistics(self) -> Array:
        """The statistics of vectors, (n_batches, n_vectors)."""
        found = [vectors.statistics(sums, sizes) for sums, sizes in self.sums]
        return np.stack(found, axis=1) if found else np.zeros((len(self.table.counts), 0))

    def chosen(self, batches: Array) -> BatchTable:
        """The same of some batches."""
        table = CountTable(self.table.counts[batches], self.table.starts, self.table.is_ordered)
        sums = [(each[batches], sizes[batches]) for each, sizes in self.sums]
        return BatchTable(self.cells, table, sums, {name: each[batches] for name, each in self.means.items()})


def assembled(columns: Columns, windows: Sequence[WindowCounts]) -> BatchTable:
    """The batches of a sketch, then windows, in all columns that every one of them has."""
    there = [(cells, counts) for cells, counts in columns if all(cells.label in each.columns for each in windows)]
    blocks: list[Array] = []
    sums: list[tuple[Array, Array]] = []
    means: dict[str, Array] = {}
    for cells, counts in there:
        parts = [counts, *(each.columns[cells.label] for each in windows)]
        values, missing = np.concatenate([each.counts for each in parts]), np.concatenate([each.missing for each in parts])
        if cells.kind == "vector":
            sums.append((np.concatenate([each.sums for each in parts if each.sums is not None]), values[:, 0]))
            values = np.zeros((len(values), 1), dtype=np.int64)  # how many there are says `missing`
            present = sums[-1][1]
        else:
            present = values.sum(axis=1)
            if cells.kind != "category" and all(each.sums is not None for each in parts):
                totals = np.concatenate([each.sums for each in parts if each.sums is not None])
                means[cells.label] = totals / np.maximum(present, 1)
        blocks += [values, np.stack([missing, present], axis=1)]
    n_batches = len(columns[0][1].missing) + len(windows) if columns else len(windows)
    placed = np.concatenate(blocks, axis=1) if blocks else np.zeros((n_batches, 0), dtype=np.int64)
    starts = np.cumsum([0, *(block.shape[1] for block in blocks)])[:-1]
    is_ordered = [is_number for cells, _ in there for is_number in (cells.kind in ("number", "text"), False)]
    table = CountTable(placed, starts, np.array(is_ordered, dtype=bool))
    return BatchTable([cells for cells, _ in there], table, sums, means)


def fits(columns: Columns, window: WindowCounts) -> bool:
    """Whether counts are those of the cells of this sketch, as far as there are any."""
    return all(
        (mine := window.columns.get(cells.label)) is None
        or (
            mine.counts.shape == (1, cells.n_cells)
            and (cells.kind != "vector" or (mine.sums is not None and counts.sums is not None))
            and (mine.sums is None or counts.sums is None or mine.sums.shape[1:] == counts.sums.shape[1:])
        )
        for cells, counts in columns
    )


def merged(columns: Columns, *, size: int) -> list[tuple[Cells, ColumnCounts]]:
    """Batches of a reference put together, `size` that follow one another to one; what is left over at the start goes."""
    return [(cells, _merged(counts, size)) for cells, counts in columns]


def _merged(counts: ColumnCounts, size: int) -> ColumnCounts:
    def together(values: Array) -> Array:
        left = len(values) % size
        found: Array = values[left:].reshape(-1, size, *values.shape[1:]).sum(axis=1)
        return found

    moments = [None if each is None else together(each) for each in (counts.sums, counts.squares)]
    return ColumnCounts(together(counts.counts), together(counts.missing), *moments)
