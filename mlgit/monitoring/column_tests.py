"""Drift where there are too few batches to rank: a test of each column, rows against rows, corrected for how many there are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.monitoring.batch_table import Columns
from mlgit.monitoring.drift import DriftFinding
from mlgit.monitoring.sketch import WindowCounts
from mlgit.statistics import distributions, multiple

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Cells in which a window is expected to have fewer rows are put together (Cochran 1954, Biometrics 10, 417).
_RAREST = 5.0


def judge(columns: Columns, window: WindowCounts, *, alpha: float, n_batches: int) -> DriftFinding:
    """A window beside all rows of its reference: Pearson's test of two rows for the values of each column, and one for whether
    they are missing; the least p-value by Holm counts. Right where rows may be exchanged, which days forbid.
    """
    labels, statistics = [], []
    for cells, reference in columns:
        mine = window.columns.get(cells.label)
        if mine is None or cells.kind == "vector":
            continue
        values, missing = reference.counts.sum(axis=0), int(reference.missing.sum())
        known, lost = mine.counts.sum(axis=0), int(mine.missing.sum())
        labels += [cells.label, f"{cells.label}: missing"]
        statistics += [_pearson(known, values), _pearson(*np.array([[known.sum(), lost], [values.sum(), missing]]))]
    if not labels:
        return DriftFinding("cannot_tell", reason="the window has no column of the reference that can be tested")
    pvalues = multiple.holm([distributions.chi_squared_tail(*each) if each[1] else 1.0 for each in statistics])
    least = min(pvalues)
    return DriftFinding(
        "watch" if least <= alpha else "quiet",
        least,
        None,
        "holm",
        n_batches=n_batches,
        labels=labels,
        scores=[max(value - freedom, 0.0) / math.sqrt(2.0 * freedom) if freedom else 0.0 for value, freedom in statistics],
        pvalues=dict(zip(labels[::2], map(min, pvalues[::2], pvalues[1::2]), strict=True)),
    )


def _pearson(mine: Array, theirs: Array) -> tuple[float, int]:
    """Chi-squared of a table with two rows, and its degrees of freedom; rare cells are one."""
    both = np.stack([mine, theirs]).astype(float)
    if not both.sum(axis=1).all():
        return 0.0, 0
    expected = both.sum(axis=0) * both[0].sum() / both.sum()
    is_rare = expected < _RAREST
    table = np.concatenate([both[:, ~is_rare], both[:, is_rare].sum(axis=1, keepdims=True)], axis=1)
    table = table[:, table.sum(axis=0) > 0]
    wanted = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - wanted) ** 2 / wanted).sum()), table.shape[1] - 1
