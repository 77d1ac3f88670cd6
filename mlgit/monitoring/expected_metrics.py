"""Metrics of two classes from how many rows of each score are expected to be positive, and not from single labels.

Rows of one score and one prediction are a cell. What is expected is put into the formula of the metric, as NannyML does it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics import metrics

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# More different scores than this are put together with their neighbours.
_MOST_CELLS = 4096
# Where a metric can lie, unless between 0 and 1.
RANGES = {"log_loss": (0.0, metrics.LARGEST_LOG_LOSS), "mcc": (-1.0, 1.0), "cohen_kappa": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCells:
    """Cells in the order of their scores, shape (k,) each: `rows` with this `score`, and whether they are predicted positive
    (None where nobody knows).
    """

    score: Array
    rows: Array
    predicted: Array | None = None


def cells(scores: Array, predicted: Array | None) -> ScoreCells:
    """Rows as cells."""
    order = np.argsort(scores, kind="stable") if predicted is None else np.lexsort((predicted, scores))
    score, said = scores[order], None if predicted is None else predicted[order]
    is_new = np.diff(score, prepend=np.nan) != 0
    if said is not None:
        is_new |= np.diff(said.astype(np.int8), prepend=-1) != 0
    starts = np.flatnonzero(is_new)
    rows = np.diff(np.append(starts, len(score))).astype(float)
    found = ScoreCells(score[starts], rows, None if said is None else said[starts])
    return found if len(starts) <= _MOST_CELLS else _coarse(found)


def _coarse(given: ScoreCells) -> ScoreCells:
    """Neighbours together, those predicted alike: what a score does to a metric changes little between them."""
    half = _MOST_CELLS // 2
    place = np.minimum(((np.cumsum(given.rows) - given.rows / 2) / given.rows.sum() * half).astype(np.int64), half - 1)
    code = place * 2 if given.predicted is None else place * 2 + given.predicted
    known, inverse = np.unique(code, return_inverse=True)
    rows = np.bincount(inverse, weights=given.rows)
    score = np.bincount(inverse, weights=given.rows * given.score) / rows
    predicted = None if given.predicted is None else (known % 2).astype(bool)
    order = np.argsort(score, kind="stable")
    return ScoreCells(score[order], rows[order], None if predicted is None else predicted[order])


def values(given: ScoreCells, positives: Array, names: Collection[str]) -> dict[str, Array]:
    """These metrics for numbers of positive rows in each cell, shape (draws, k): (draws,) each, NaN where there is none.

    Names of metrics that cannot be had in this way are left out.
    """
    found = {}
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in sorted(set(names)):
            chosen = metrics.METRICS.get(name)
            function = None if chosen is None else _FUNCTIONS.get(name)
            if chosen is not None and chosen.kind == "confusion" and given.predicted is not None:
                found[name] = chosen.function(*_confusion(given, positives))
            elif function is not None and (name not in _OF_PROBABILITIES or _are_probabilities(given.score)):
                found[name] = function(given, positives)
    return found


def _are_probabilities(score: Array) -> bool:
    return bool(score.min() >= 0 and score.max() <= 1)


def _confusion(given: ScoreCells, positives: Array) -> tuple[Array, Array, Array]:
    """Hits, actual and predicted rows of the negative and the positive class, shape (draws, 2) each."""
    assert given.predicted is not None
    said = given.predicted.astype(float)
    n, actual = float(given.rows.sum()), positives.sum(axis=-1)
    predicted = float(given.rows @ said)
    right = positives @ said
    rest = (given.rows - positives) @ (1 - said)
    hits = np.stack([rest, right], axis=-1)
    return (
        hits,
        np.stack([n - actual, actual], axis=-1),
        np.broadcast_to(np.array([n - predicted, predicted]), hits.shape),
    )


def _brier(given: ScoreCells, positives: Array) -> Array:
    lost, kept = (1 - given.score) ** 2, given.score**2
    return np.asarray((positives @ lost + (given.rows - positives) @ kept) / given.rows.sum())


def _log_loss(given: ScoreCells, positives: Array) -> Array:
    least = math.exp(-metrics.LARGEST_LOG_LOSS)
    cut = np.clip(given.score, least, 1 - least)
    return np.asarray((positives @ -np.log(cut) + (given.rows - positives) @ -np.log1p(-cut)) / given.rows.sum())


def _by_score(given: ScoreCells, positives: Array) -> tuple[Array, Array]:
    """Positive rows and all others of each score, ascending, shape (draws, scores) each."""
    starts = np.flatnonzero(np.diff(given.score, prepend=np.nan) != 0)
    ones = np.add.reduceat(positives, starts, axis=-1)
    return ones, np.add.reduceat(given.rows, starts) - ones


def _roc_auc(given: ScoreCells, positives: Array) -> Array:
    ones, zeros = _by_score(given, positives)
    below = np.cumsum(zeros, axis=-1) - zeros / 2
    return np.asarray((ones * below).sum(axis=-1) / (ones.sum(axis=-1) * zeros.sum(axis=-1)))


def _average_precision(given: ScoreCells, positives: Array) -> Array:
    ones, zeros = (each[..., ::-1] for each in _by_score(given, positives))
    found, shown = np.cumsum(ones, axis=-1), np.cumsum(ones + zeros, axis=-1)
    return np.asarray((ones * found / shown).sum(axis=-1) / found[..., -1])


_FUNCTIONS: dict[str, Callable[[ScoreCells, Array], Array]] = {
    "brier": _brier,
    "log_loss": _log_loss,
    "roc_auc": _roc_auc,
    "average_precision": _average_precision,
}
_OF_PROBABILITIES = {"brier", "log_loss"}
