"""Metrics of label and one column (`metrics`) as estimates: value and influence of each row, which counts by its weight.

Weights are what scikit-learn calls sample_weight. Of the confusion table and of rankings, influences come by formula; of means,
by the slope of what is made of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics import confusion, features, metrics, ranked_rows, ranking, rows, undefined
from mlgit.statistics.confusion_influence import RANGES, Influence, influence
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.metrics import Metric
from mlgit.statistics.predictions import Predictions, weights_of

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array, Classes

_OF_LOSSES = {"r2": (-math.inf, 1.0), "brier": (0.0, 1.0), "quadratic_kappa": RANGES["quadratic_kappa"]}
_ROUNDING = 1e-13
_STEP = 1e-5
# A table of more classes than this is not filled in: rows are looked up one by one.
_MOST_CELLS = 250_000


def estimate(chosen: Metric, given: Predictions, *, positive: Any = None) -> Estimate:
    """A classic metric of one model, its rows weighed as `given.weight` says.

    For a metric of one class (`Measure.of_class`) that class is passed as `positive`.

    Raises MlgitError for a column that is not there, missing values, columns of different lengths, and weights not above 0.
    """
    label = rows.held(given.label)
    column = rows.held(metrics.column_of(chosen, prediction=given.prediction, score=given.score))
    weights = weights_of(given)
    if weights is not None:
        rows.same_length(label, column, weights)
        weights = weights / weights.max()
    with np.errstate(divide="ignore", invalid="ignore"):
        if chosen.kind == "confusion":
            return _of_table(chosen, label, column, weights, positive)
        if chosen.kind == "ranking":
            return _of_ranking(chosen, label, column, weights, positive)
        return _of_means(chosen, label, column, weights, positive)


def _of_table(chosen: Metric, label: Any, column: Any, weights: Array | None, positive: Any) -> Estimate:
    found = rows.classes(label, column)
    found = rows.against_rest(found, positive=positive) if chosen.binary else found
    table = _table(found, weights)
    value = float(chosen.function(*table))
    least, most = RANGES.get(chosen.name, (0.0, 1.0))
    is_counted = confusion.counted(chosen, found.label, found.predictions[0])
    n_counted, noun = int(is_counted.sum()), confusion.counted_noun(chosen, positive=positive)
    if value != value:
        nothing, why = np.zeros(len(found.label)), undefined.why(chosen, label, column, positive=positive)
        return Estimate(value, nothing, n_counted=n_counted, counted=noun, why=why, least=least, most=most)
    each = _of_rows(influence(chosen.name, *table, beta=chosen.beta), found)
    note = confusion.missing_rows(chosen, found.label, positive=positive)
    return Estimate(
        value,
        each if weights is None else each * weights,
        seen=_seen(chosen, found, column)[:, None],
        n_counted=n_counted,
        counted=noun,
        note=note,
        may_pass=not note,
        least=least,
        most=most,
    )


def _seen(chosen: Metric, found: Classes, column: Any) -> Array:
    """What a metric sees of the prediction of each row: the class, or whether it is the positive one, where that matters."""
    if not chosen.binary:
        return np.asarray(column)
    matters = {"recall": 1, "specificity": 0}.get(chosen.name)
    return np.asarray(found.predictions[0] if matters is None else found.predictions[0] * (found.label == matters))


def _table(found: Classes, weights: Array | None) -> tuple[Array, Array, Array]:
    """Hits, actual and predicted rows of each class, or their weight, shape (K,)."""
    size, label, said = len(found.names), found.label, found.predictions[0]
    if size**2 <= len(label):
        table = np.bincount(label * size + said, weights=weights, minlength=size**2).reshape(size, size)
        return np.diagonal(table), table.sum(axis=1), table.sum(axis=0)
    is_right = label == said
    hits = np.bincount(label[is_right], weights=None if weights is None else weights[is_right], minlength=size)
    return hits, np.bincount(label, weights=weights, minlength=size), np.bincount(said, weights=weights, minlength=size)


def _of_rows(found: Influence, seen: Classes) -> Array:
    """The influence of each row: that of its cell of the table."""
    label, said, size = seen.label, seen.predictions[0], len(found.label)
    if size**2 <= min(len(label), _MOST_CELLS):
        actual, predicted = np.indices((size, size))
        cells = found.of(actual, predicted)[0]
        each = cells.ravel()[label * size + said]
    else:
        each = found.of(label, said)[0]
    # where all rows say the same, what is left is rounding
    scale = sum(float(np.abs(part).max()) for part in (found.label, found.prediction, found.hit))
    return each if float(np.abs(each).max()) > _ROUNDING * scale else np.zeros(len(label))


def _of_ranking(chosen: Metric, label: Any, column: Any, weights: Array | None, positive: Any) -> Estimate:
    value = metrics.value(chosen, label, score=column, positive=positive)
    truth, _ = metrics.ranked(label, column, positive=positive)
    if value != value:
        why = undefined.why(chosen, label, column, positive=positive)
        return Estimate(value, np.zeros(len(truth)), why=why, least=0.0, most=1.0)
    _, found = ranking.components(chosen, label, column, positive=positive, weights=weights)
    seen = ranked_rows.ranked_rows(truth, metrics.tied(column), None).run
    fewest, told = ranking.rarest(truth)
    note = f"{told}, at least {ranking.FEWEST_OF_A_CLASS} needed" if fewest < ranking.FEWEST_OF_A_CLASS else ""
    return Estimate(
        value if weights is None else found.value,
        found.influence,
        seen=seen[:, None],
        note=note,
        may_pass=not note,
        least=0.0,
        most=1.0,
        rare=_rare(truth, weights),
    )


def _rare(truth: Array, weights: Array | None) -> Array:
    """How far each row of the rarer class could move a ranking."""
    scale = np.ones(len(truth)) if weights is None else weights
    sides = [np.where(truth == side, scale, 0.0) for side in (0, 1)]
    rarer = min(sides, key=lambda each: float(each.sum()))
    return np.asarray(rarer / rarer.sum())


def _of_means(chosen: Metric, label: Any, column: Any, weights: Array | None, positive: Any) -> Estimate:
    sums = features.weighed(chosen, label, column, positive=positive, weights=weights)
    columns, weight = sums.features.T[:-1], sums.features[:, -1]
    means = columns.sum(axis=1) / weight.sum()
    value = float(chosen.function(means))
    if weights is None:  # to the last bit
        value = metrics.value(chosen, label, prediction=column, score=column, positive=positive)
    least, most = _OF_LOSSES.get(chosen.name, (0.0, math.inf))
    if value != value:
        why = undefined.why(chosen, label, column, positive=positive)
        return Estimate(value, np.zeros(sums.size), why=why, least=least, most=most)
    note = ""
    if chosen.needs == "score":
        fewest, told = ranking.rarest(metrics.ranked(label, column, positive=positive)[0])
        note = f"only {told}" if fewest < ranking.FEWEST_OF_A_CLASS else ""
    return Estimate(value, _of_slopes(chosen, columns, weight, means), sums=sums, note=note, least=least, most=most)


def _of_slopes(chosen: Metric, columns: Array, weight: Array, means: Array) -> Array:
    """The influence of each row on a function of means, by its slopes there; `columns` (m, n) are weighed."""
    spread = np.array([math.sqrt(float(np.square(each).sum()) / len(each)) for each in columns]) / weight.mean()
    ends = chosen.function(np.stack([means + np.diag(_STEP * spread), means - np.diag(_STEP * spread)]))
    slopes = np.where(spread > 0, np.true_divide(ends[0] - ends[1], 2 * _STEP * spread), 0.0)
    each = weight * -float((slopes * means).sum())
    for slope, column in zip(slopes.tolist(), columns, strict=True):
        each += slope * column
    # where all rows say the same, what is left is rounding
    scale = float((np.abs(slopes) * spread).sum()) * weight.mean()
    return np.asarray(each / weight.sum() if np.abs(each).max() > _ROUNDING * scale else np.zeros(len(weight)))
