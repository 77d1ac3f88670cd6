"""How far a column has moved from what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# An empty bin counts as this share, so that a value that was never seen before gives a large number and not infinity.
_LEAST_SHARE = 1e-4


def population_stability(baseline: Array, current: Array) -> float:
    """The population stability index of two arrays of counts per bin: the sum of (q - p) ln(q / p) over the bins.

    It is the symmetric divergence of Jeffreys 1946. Below 0.1 is commonly read as stable, above 0.2 as moved (Siddiqi 2006,
    Credit Risk Scorecards). Raises ValueError when a side has no rows.
    """
    old, new = np.asarray(baseline, dtype=float), np.asarray(current, dtype=float)
    if old.shape != new.shape or not old.sum() or not new.sum():
        raise ValueError("two equally long arrays of counts are needed, and rows on both sides")
    old, new = (np.maximum(each / each.sum(), _LEAST_SHARE) for each in (old, new))
    return float(((new - old) * np.log(new / old)).sum())


def binned(baseline: Any, current: Any, *, bins: int = 10) -> tuple[Array, Array]:
    """Counts of two numeric columns in bins that hold equally much of the baseline; the last bin counts missing values."""
    old, new = np.asarray(baseline, dtype=float), np.asarray(current, dtype=float)
    known = old[~np.isnan(old)]
    if not len(known):
        raise ValueError("the baseline has no values")
    edges = np.unique(np.quantile(known, np.linspace(0, 1, bins + 1)[1:-1]))
    old, new = (_counted(each, edges) for each in (old, new))
    return old, new


def _counted(values: Array, edges: Array) -> Array:
    place = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    return np.bincount(place, minlength=len(edges) + 2)
