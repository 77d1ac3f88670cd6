"""Which rows of a table are not in another one: what a version of data brought."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.monitoring import content_digest
from mlgit.monitoring.row_table import RowTable

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


def new_rows(now: RowTable, before: RowTable) -> Array:
    """The places of the rows that `before` has not, or fewer times, by the columns that both have."""
    shared = sorted(now.columns.keys() & before.columns.keys())
    if not shared:
        return np.arange(now.rows)
    mine, theirs = (
        content_digest.row_hashes({name: each.columns[name] for name in shared}, rows=each.rows) for each in (now, before)
    )
    return _beyond(mine, np.sort(theirs))


def _beyond(mine: Array, theirs: Array) -> Array:
    """The places of those that come more often than in the other column, which is sorted: the last ones of each."""
    order = np.argsort(mine, kind="stable")
    ordered = mine[order]
    first = np.searchsorted(ordered, ordered, side="left")
    rank = np.arange(len(ordered)) - first
    known = np.searchsorted(theirs, ordered, side="right") - np.searchsorted(theirs, ordered, side="left")
    found: Array = np.sort(order[rank >= known])
    return found
