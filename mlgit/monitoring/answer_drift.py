"""Drift of what a model answers: a window's predictions and scores beside those of the windows before it.

Batches of training have no answers, for the model had not seen them when it was trained; so windows that were quiet or accepted
are the reference, once there are enough of them. Until then answers are only described, beside those for the test data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.monitoring import batch_table, drift, effects, sketching
from mlgit.monitoring.batch_table import Columns
from mlgit.monitoring.drift import DriftFinding, DriftReference
from mlgit.monitoring.sketch import Cells, ColumnCounts, WindowCounts
from mlgit.monitoring.sketching import WatchedColumn
from mlgit.monitoring.verdict import PREDICTION, SCORE, ColumnDrift


@dataclass(frozen=True, slots=True, eq=False)
class AnswerDrift:
    """What was found about the answers of a window; `finding` is None where there are too few windows to tell."""

    finding: DriftFinding | None = None
    columns: tuple[ColumnDrift, ...] = ()


def columns_of(prediction: Any, score: Any, *, rows: int) -> Columns:
    """The cells of the answers for the test data, with how many fall into each; none where nothing was recorded."""
    given = {PREDICTION: prediction, SCORE: score}
    table = {name: values for name, values in given.items() if values is not None and len(values) == rows}
    watched = [
        WatchedColumn(name, "number" if name == SCORE or _is_amount(values) else "category") for name, values in table.items()
    ]
    return sketching.counted(watched, [table]) if rows else []


def _is_amount(values: Any) -> bool:
    """Whether predictions are amounts, not classes: some are no whole numbers."""
    found = np.asarray(values)
    return bool(found.dtype.kind == "f" and (found[np.isfinite(found)] % 1 != 0).any())


def judge(
    columns: Columns, admitted: Sequence[WindowCounts], window: WindowCounts, *, alpha: float, digest: str
) -> AnswerDrift:
    """The answers of a window beside those of windows that were admitted."""
    known = [(cells, released) for cells, released in columns if cells.label in window.columns]
    if not known:
        return AnswerDrift()
    labels = {cells.label for cells, _ in known}
    before = [each for each in admitted if labels <= each.columns.keys() and batch_table.fits(known, each)]
    if len(before) < drift.LEAST_BATCHES:
        return AnswerDrift(None, effects.described(known, window, scores={}, importance={}))
    batches = [(cells, _joined(cells, before)) for cells, _ in known]
    found = drift.judge(DriftReference(batches), (), window, alpha=alpha, digest=digest)
    scores = dict(zip(found.labels, found.scores, strict=True))
    return AnswerDrift(found, effects.described(batches, window, scores=scores, importance={}))


def _joined(cells: Cells, windows: Sequence[WindowCounts]) -> ColumnCounts:
    parts = [each.columns[cells.label] for each in windows]
    counts, missing = np.concatenate([each.counts for each in parts]), np.concatenate([each.missing for each in parts])
    if cells.kind != "number":
        return ColumnCounts(counts, missing)
    sums, squares = ([getattr(each, name) for each in parts] for name in ("sums", "squares"))
    return ColumnCounts(counts, missing, np.concatenate(sums), np.concatenate(squares))
