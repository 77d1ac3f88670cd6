"""The smallest change that a window would show: what "quiet" leaves open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.monitoring.batch_table import BatchTable
from mlgit.monitoring.verdict import SmallestShift
from mlgit.statistics.batch_scores import CountTable, against
from mlgit.statistics.batch_test import Combined, column_scores

if TYPE_CHECKING:
    from mlgit.monitoring.sketch import Cells
    from mlgit.statistics.rows import Array

POWER = 0.8
_MEANS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
_SHARES = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)


def smallest(batches: BatchTable, found: Combined, *, threshold: float, deviations: dict[str, float]) -> SmallestShift:
    """The changes of one column that reach `threshold`, a batch's score, in four of five batches; of the median column.

    Each batch of the reference, which is all but the last, is changed in turn as a window might be, with what it has of chance
    and of its day. `deviations` are those of numbers, by column.
    """
    table = CountTable(batches.table.counts[:-1], batches.table.starts, batches.table.is_ordered)
    pool = table.counts.sum(axis=0) - table.counts
    needed = threshold * found.ends.scale[0] + found.ends.middle[0]
    cells = [each for each in batches.cells for _ in range(2)]
    numbers = [n for n, each in enumerate(cells) if n % 2 == 0 and deviations.get(each.label) and len(each.edges) > 3]
    levels = [n for n, each in enumerate(cells) if n % 2 == 0 and each.kind == "category" and each.n_cells > 1]

    means, shares = (_Search(_MEANS, numbers), _Search(_SHARES, levels))
    while not (means.is_done and shares.is_done):
        counts = table.counts.astype(float)
        for n in means.asked:
            _move(counts, table, cells[n], n, _moved(np.array(cells[n].edges), means.size * deviations[cells[n].label]))
        for n in shares.asked:
            _flow(counts, table, cells[n], n, shares.size)
        scores = column_scores(against(CountTable(counts, table.starts, table.is_ordered), pool), found.kinds)
        seen = (scores >= needed).mean(axis=0) >= POWER
        means, shares = means.after(seen), shares.after(seen)
    return SmallestShift(means.found, shares.found)


@dataclass(frozen=True, slots=True)
class _Search:
    """The smallest size that most of some columns show: it is not below `low`, and `high` is known to do."""

    sizes: tuple[float, ...]
    columns: list[int]
    low: int = 0
    high: int = -1

    @property
    def end(self) -> int:
        return len(self.sizes) if self.high < 0 else self.high

    @property
    def is_done(self) -> bool:
        return not self.columns or self.low >= self.end

    @property
    def asked(self) -> list[int]:
        return [] if self.is_done else self.columns

    @property
    def size(self) -> float:
        return self.sizes[(self.low + self.end) // 2]

    def after(self, seen: Array) -> _Search:
        if self.is_done:
            return self
        middle = (self.low + self.end) // 2
        is_enough = 2 * int(seen[self.columns].sum()) > len(self.columns)
        return replace(self, high=middle) if is_enough else replace(self, low=middle + 1)

    @property
    def found(self) -> float | None:
        return self.sizes[self.low] if self.columns and self.low < len(self.sizes) else None


def _move(counts: Array, table: CountTable, cells: Cells, column: int, shares: Array) -> None:
    """Move what is in the cells of a column as `shares` say."""
    begin = int(table.starts[column])
    counts[:, begin : begin + cells.n_cells] = counts[:, begin : begin + cells.n_cells] @ shares


def _flow(counts: Array, table: CountTable, cells: Cells, column: int, share: float) -> None:
    """Move a share of a column's rows to its rarest level."""
    begin = int(table.starts[column])
    mine = counts[:, begin : begin + cells.n_cells]
    rarest = begin if cells.n_hashed else begin + max(cells.n_cells - 2, 0)
    total = mine.sum(axis=1)
    mine *= 1.0 - share
    counts[:, rarest] += share * total


def _moved(edges: Array, by: float) -> Array:
    """What share of each cell lies in which cell after all values grew by an amount, as if they lay evenly in it."""
    lower = np.concatenate([[2 * edges[0] - edges[1]], edges])
    upper = np.concatenate([edges, [2 * edges[-1] - edges[-2]]])
    inner = np.concatenate([[-np.inf], edges, [np.inf]])
    reach = np.clip(inner[None, :], (lower + by)[:, None], (upper + by)[:, None])
    width = np.maximum(upper - lower, 1e-300)[:, None]
    found: Array = np.diff(reach, axis=1) / width
    return found
