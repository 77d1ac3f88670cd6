"""Drift where nothing tells batches: rows of the window beside rows of the pinned data, drawn from both at random."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.monitoring import cells as cutting
from mlgit.monitoring.drift import DriftFinding, decided
from mlgit.monitoring.sketch import Cells
from mlgit.statistics import batch_test, row_permutation

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# More rows make the answer no better, and a thousand draws of them slow.
MOST_WINDOW, MOST_REFERENCE = 10_000, 50_000


def judge(
    cells: Sequence[Cells],
    reference: Sequence[Mapping[str, Any]],
    window: Mapping[str, Any],
    *,
    rows: int,
    alpha: float,
    digest: str,
) -> DriftFinding:
    """A window of so many rows beside those of its reference, one table a batch, in the cells of a sketch."""
    watched = [each for each in cells if each.name in window and each.kind != "vector"]
    if not watched:
        return DriftFinding("cannot_tell", reason="the window has no column of the reference")
    seed = int(hashlib.sha256(digest.encode()).hexdigest()[:12], 16)
    rng = np.random.default_rng(seed)
    watched = [cutting.with_levels_of(each, window[each.name]) for each in watched]
    before = np.concatenate([_placed(watched, each, rows=_length(each, watched)) for each in reference])
    now = _placed(watched, window, rows=rows)
    before, now = _sampled(before, MOST_REFERENCE, rng), _sampled(now, MOST_WINDOW, rng)
    if len(before) < len(now):
        why = f"{len(now)} rows beside {len(before)} of the reference: no window of so many can be drawn from it"
        return DriftFinding("cannot_tell", reason=why)
    widths = np.array([each.n_cells + 1 for each in watched])
    is_ordered = np.array([each.kind in ("number", "text") for each in watched])
    both = np.concatenate([before, now])
    scores = row_permutation.permuted(both, n_window=len(now), widths=widths, is_ordered=is_ordered, seed=seed)
    found = decided(scores, alpha=alpha, is_local=False)
    uniform = seed / 16**12
    return DriftFinding(
        "watch" if found.pvalue <= alpha else "quiet",
        found.pvalue,
        batch_test.smoothed_pvalue(scores.score, uniform=uniform),
        "permutation",
        found.is_extrapolated,
        1,
        None,
        [each.label for each in watched],
        scores.columns[-1].tolist(),
    )


def _length(table: Mapping[str, Any], watched: Sequence[Cells]) -> int:
    return len(table[watched[0].name])


def _placed(watched: Sequence[Cells], table: Mapping[str, Any], *, rows: int) -> Array:
    """In which cell each value is, (n_rows, n_columns); what is missing is in one more, the last."""
    found = np.empty((rows, len(watched)), dtype=np.int64)
    for column, cells in enumerate(watched):
        placed, _ = cutting.place(cells, table[cells.name])
        found[:, column] = np.where(placed == cutting.MISSING, cells.n_cells, placed)
    return found


def _sampled(rows: Array, most: int, rng: Any) -> Array:
    return rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), size=most, replace=False))]
