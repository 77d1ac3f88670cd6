"""Metrics that are shares of rows or of queries and nothing else, each of which is in or not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics import bootstrap
from mlgit.statistics.resampling import Spread

if TYPE_CHECKING:
    from mlgit.statistics.estimate import Estimate
    from mlgit.statistics.influence_intervals import RowStructure
    from mlgit.statistics.rows import Array


def counted(found: Estimate, rows: RowStructure) -> Array | None:
    """Which of the pieces that count are in; None for what is no share, or of rows with weights or clusters.

    That all values are 0 or 1 is not enough: a cost may be 50 in a row that was not seen.
    """
    if found.sums is None or found.sums.features.shape[1] != 2 or found.reach != 1:
        return None
    if rows.weights is not None or rows.order is not None:
        return None
    part, whole = found.sums.features.T
    is_there = whole > 0
    if not np.array_equal(whole, is_there) or not ((part == 0) | (part == whole)).all() or not is_there.any():
        return None
    if rows.groups is not None and np.bincount(rows.groups, weights=whole).max() > 1:
        return None
    return np.asarray(part[is_there] > 0)


def of_one(inside: Array, *, confidence: float) -> Spread:
    """The interval of one model's share."""
    return Spread(*bootstrap.wilson(int(inside.sum()), len(inside), confidence=confidence), "Wilson score")
