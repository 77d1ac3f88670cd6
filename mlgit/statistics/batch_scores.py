"""How far each batch of counts is from all others: Cramér-von Mises, chi-squared and the largest cell, column by column.

Counts of all columns lie side by side in one table, so that a thousand batches of a hundred columns take a few operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Cells that are expected to be rarer than so in a batch of average size are pooled for chi-squared (Cochran, 1954).
RAREST = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class CountTable:
    """Counts of batches: (n_batches, n_cells), where the cells of column j begin at `starts[j]`.

    `is_ordered` says of each column whether its cells have an order, as those of numbers do.
    """

    counts: Array
    starts: Array
    is_ordered: Array

    def totals(self, values: Array) -> Array:
        """Sums over the cells of each column: (n_batches, n_columns)."""
        found: Array = np.add.reduceat(values, self.starts, axis=-1)
        return found

    def spread(self, values: Array) -> Array:
        """A value for each column (in the last axis) as one for each of its cells."""
        return np.repeat(values, self.widths, axis=-1)

    @property
    def widths(self) -> Array:
        """How many cells each column has."""
        found: Array = np.diff(np.append(self.starts, self.counts.shape[1]))
        return found


@dataclass(frozen=True, slots=True, eq=False)
class BatchScores:
    """Three statistics of each batch beside the pool of others, (n_batches, n_columns) each.

    `cramer_von_mises` is 0 for columns without order. `largest_cell` is the greatest signed root of the Poisson deviance in
    absolute value, which is about normal however rare a cell is; levels that only the batch has are one cell.
    """

    cramer_von_mises: Array
    chi_squared: Array
    largest_cell: Array


def against_rest(table: CountTable) -> BatchScores:
    """Each batch beside the pool of all others."""
    return against(table, table.counts.sum(axis=0) - table.counts)


def against(table: CountTable, pool: Array) -> BatchScores:
    """Each batch beside its own pool: `pool` has the shape of the counts, or one row for all."""
    mine, theirs = table.counts.astype(float), np.broadcast_to(pool, table.counts.shape).astype(float)
    n_mine, n_theirs = table.totals(mine), table.totals(theirs)
    with np.errstate(divide="ignore", invalid="ignore"):
        cvm = _cramer_von_mises(table, mine, theirs, n_mine, n_theirs)
        chi2 = _chi_squared(table, mine, theirs, n_mine, n_theirs)
        cell = np.abs(signed_cells(table, pool))
        largest = np.maximum(np.maximum.reduceat(cell, table.starts, axis=1), _novelty(table, cell, theirs))
    nothing = (n_mine == 0) | (n_theirs == 0)
    return BatchScores(*(np.where(nothing | ~np.isfinite(each), 0.0, each) for each in (cvm, chi2, largest)))


def signed_cells(table: CountTable, pool: Array) -> Array:
    """The signed roots of the Poisson deviance of each cell, beside the share that the pool has in it: (n_batches, n_cells).

    That of two samples, for a large batch makes its pool no surer.
    """
    mine, theirs = table.counts.astype(float), np.broadcast_to(pool, table.counts.shape).astype(float)
    n_mine, n_theirs = table.totals(mine), table.totals(theirs)
    share = table.spread(n_mine / np.maximum(n_mine + n_theirs, 1.0))
    both = mine + theirs
    deviance = 2.0 * (_log_ratio(mine, both * share) + _log_ratio(theirs, both * (1.0 - share)))
    found: Array = np.sign(mine - both * share) * np.sqrt(np.maximum(deviance, 0.0))
    return found


def _novelty(table: CountTable, cell: Array, theirs: Array) -> Array:
    """The root of the deviance of all levels together that the pool has not.

    A window's levels that the reference lacks share one cell, for it has no others. Those that only one batch has must count
    in the same way, or every window of a column with ever new levels is further away than any batch. Where the pool has
    nothing deviance is linear in counts, so that of the cell they share is the sum of theirs.
    """
    is_new = (theirs == 0) & table.spread(~table.is_ordered)
    found: Array = np.sqrt(table.totals(np.where(is_new, cell**2, 0.0)))
    return found


def _log_ratio(counts: Array, expected: Array) -> Array:
    """counts * log(counts / expected), 0 for no counts."""
    ratio = np.divide(counts, expected, out=np.ones_like(counts), where=(counts > 0) & (expected > 0))
    return counts * np.log(ratio)


def _cramer_von_mises(table: CountTable, mine: Array, theirs: Array, n_mine: Array, n_theirs: Array) -> Array:
    """Anderson's two-sample statistic (1962), with the distribution functions at the upper ends of cells."""
    apart = mine / table.spread(n_mine) - theirs / table.spread(n_theirs)
    # the differences of a column add up to nothing, so the sum begins anew with each column by itself
    distance = np.cumsum(np.nan_to_num(apart), axis=1)
    total = n_mine + n_theirs
    found: Array = n_mine * n_theirs / total**2 * table.totals((mine + theirs) * distance**2)
    return np.where(table.is_ordered, found, 0.0)


def _chi_squared(table: CountTable, mine: Array, theirs: Array, n_mine: Array, n_theirs: Array) -> Array:
    """Pearson's statistic of the table with two rows, the batch and the pool; rare cells are one."""
    both = mine + theirs
    expected = table.spread(n_mine / (n_mine + n_theirs)) * both
    is_kept = table.counts.mean(axis=0) >= RAREST  # of all batches alike, so that none is preferred
    square = (mine - expected) ** 2 / expected
    kept = table.totals(np.where(is_kept & (expected > 0), square, 0.0))
    rare_mine, rare_expected = table.totals(np.where(is_kept, 0.0, mine)), table.totals(np.where(is_kept, 0.0, expected))
    is_much = table.totals(np.where(is_kept, 0.0, table.counts).mean(axis=0)) >= RAREST
    rare = np.where(is_much & (rare_expected > 0), (rare_mine - rare_expected) ** 2 / rare_expected, 0.0)
    found: Array = (kept + rare) * (n_mine + n_theirs) / n_theirs
    return found
