"""Rows of a window beside rows of a reference, where nothing tells batches: by drawing windows from both at random."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics.batch_scores import CountTable, against
from mlgit.statistics.batch_test import Combined, combine

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

N_DRAWS = 999


def permuted(cells: Array, *, n_window: int, widths: Array, is_ordered: Array, seed: int) -> Combined:
    """The scores of N_DRAWS draws of `n_window` rows from all, and behind them that of the last `n_window` rows.

    `cells` is (n_rows, n_columns): in which of its `widths` cells each value is. Exact where rows may be exchanged, so effects
    of days are invisible to it.
    """
    n_rows, _ = cells.shape
    starts = np.concatenate([[0], np.cumsum(widths)[:-1]])
    total = int(widths.sum())
    flat = cells + starts
    rng = np.random.default_rng(seed)
    counts = np.empty((N_DRAWS + 1, total), dtype=np.int64)
    for draw in range(N_DRAWS):
        chosen = rng.choice(n_rows, size=n_window, replace=False, shuffle=False)
        counts[draw] = np.bincount(flat[chosen].ravel(), minlength=total)
    counts[-1] = np.bincount(flat[n_rows - n_window :].ravel(), minlength=total)
    table = CountTable(counts, starts, is_ordered)
    pool = np.bincount(flat.ravel(), minlength=total)
    return combine(against(table, pool - counts))
