"""The smallest change that a window would show: what "quiet" leaves open."""

from __future__ import annotations

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

    def first(chosen: list[int], sizes: tuple[float, ...], *, is_mean: bool) -> float | None:
        if not chosen:
            return None
        reached: dict[int, float] = {}
        for size in sizes:
            changed = _changed(table, cells, chosen, size, deviations if is_mean else None)
            scores = column_scores(against(changed, pool), found.kinds)
            seen = (scores >= needed).mean(axis=0)
            reached |= {n: size for n in chosen if seen[n] >= POWER and n not in reached}
            if len(reached) == len(chosen):
                break
        sizes_found = sorted(reached.get(n, np.inf) for n in chosen)
        middle = sizes_found[len(sizes_found) // 2]
        return float(middle) if np.isfinite(middle) else None

    return SmallestShift(first(numbers, _MEANS, is_mean=True), first(levels, _SHARES, is_mean=False))


def _changed(
    table: CountTable, cells: list[Cells], chosen: list[int], size: float, deviations: dict[str, float] | None
) -> CountTable:
    """The batches with some columns changed, all of them alike."""
    counts = table.counts.astype(float)
    for n in chosen:
        begin = int(table.starts[n])
        end = begin + cells[n].n_cells
        mine = counts[:, begin:end]
        if deviations is not None:
            counts[:, begin:end] = mine @ _moved(np.array(cells[n].edges), size * deviations[cells[n].label])
        else:
            counts[:, begin:end] = mine * (1.0 - size)
            rare = begin + max(cells[n].n_cells - 2, 0) if not cells[n].n_hashed else begin
            counts[:, rare] += size * mine.sum(axis=1)
    return CountTable(counts, table.starts, table.is_ordered)


def _moved(edges: Array, by: float) -> Array:
    """What share of each cell lies in which cell after all values grew by an amount, as if they lay evenly in it."""
    lower = np.concatenate([[2 * edges[0] - edges[1]], edges])
    upper = np.concatenate([edges, [2 * edges[-1] - edges[-2]]])
    inner = np.concatenate([[-np.inf], edges, [np.inf]])
    reach = np.clip(inner[None, :], (lower + by)[:, None], (upper + by)[:, None])
    width = np.maximum(upper - lower, 1e-300)[:, None]
    found: Array = np.diff(reach, axis=1) / width
    return found
