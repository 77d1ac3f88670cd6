"""Rows of one or two models as sums that can be resampled: joint counts of classes, terms of means, totals of clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import metrics, rows
from mlgit.statistics.metrics import Metric
from mlgit.statistics.resampling import Sums

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


def groups(clusters: Any, *, size: int) -> Array:
    """The number 0..G-1 of each row's cluster. Raises MlgitError for a missing name or another number of rows."""
    found = rows.classes(clusters).label
    if len(found) != size:
        raise MlgitError(f"{len(found)} clusters are named for {size} rows", "name the cluster of every row")
    return found


def one(chosen: Metric, label: Any, values: Any, *, positive: Any = None, groups: Array | None = None) -> Sums:
    """The sums a metric of one model is made from."""
    return _sums(chosen, label, (values,), positive=positive, groups=groups)


def two(chosen: Metric, label: Any, baseline: Any, current: Any, *, positive: Any = None, groups: Array | None = None) -> Sums:
    """The sums the difference current - baseline of a metric is made from, both models on the same rows."""
    return _sums(chosen, label, (baseline, current), positive=positive, groups=groups)


def _sums(chosen: Metric, label: Any, columns: tuple[Any, ...], *, positive: Any, groups: Array | None) -> Sums:
    if chosen.kind == "confusion":
        cell, table, function = _counted(chosen, label, columns, positive=positive)
        if groups is None:
            return Sums(table, np.bincount(cell), function)
        features = np.column_stack([np.bincount(groups, weights=column[cell]) for column in table.T])
        return Sums(features, np.ones(len(features)), function)
    terms = np.column_stack([metrics.terms(chosen, label, each, positive=positive) for each in columns])
    features = np.column_stack([terms, np.ones(len(terms))])
    if groups is not None:
        features = np.column_stack([np.bincount(groups, weights=column) for column in features.T])
    return Sums(features, np.ones(len(features)), _of_means(chosen, len(columns)))


def weighed(chosen: Metric, label: Any, values: Any, *, positive: Any = None, weights: Array | None = None) -> Sums:
    """The sums a metric that is made from means is made from, one line for each row, which counts by its weight."""
    terms = metrics.terms(chosen, label, values, positive=positive, weights=weights)
    size, width = terms.shape
    columns = np.empty((width + 1, size))  # column by column, as they are read
    columns[:width] = terms.T
    columns[width] = 1.0
    if weights is not None:
        columns *= weights
    return Sums(columns.T, np.ones(size), _of_means(chosen, 1))


def _of_means(chosen: Metric, models: int) -> Callable[[Array], Array]:
    def function(sums: Array) -> Array:
        means = sums[..., :-1] / sums[..., -1:]
        width = means.shape[-1] // models
        values = [chosen.function(means[..., start * width : (start + 1) * width]) for start in range(models)]
        return values[-1] - values[0] if models == 2 else values[0]

    return function


def _counted(
    chosen: Metric, label: Any, columns: tuple[Any, ...], *, positive: Any
) -> tuple[Array, Array, Callable[[Array], Array]]:
    """The joint cell of every row, what a row of each cell adds to the sums, and the metric of the sums."""
    found = rows.classes(label, *columns)
    found = rows.against_rest(found, positive=positive) if chosen.binary else found
    size = len(found.names)
    code = found.label
    for each in found.predictions:
        code = code * size + each
    seen, cell = rows.numbered(code)
    digits = [seen // size**place % size for place in range(len(columns), -1, -1)]
    hot = np.eye(size)
    actual, predicted = hot[digits[0]], [hot[each] for each in digits[1:]]
    parts = [actual, *(part for each in predicted for part in (actual * each, each))]
    return cell, np.concatenate(parts, axis=1), _of_counts(chosen, size, len(columns))


def _of_counts(chosen: Metric, size: int, models: int) -> Callable[[Array], Array]:
    def function(sums: Array) -> Array:
        actual = sums[..., :size]
        values = []
        for start in range(size, size * (1 + 2 * models), 2 * size):
            hits, predicted = sums[..., start : start + size], sums[..., start + size : start + 2 * size]
            values.append(chosen.function(hits, actual, predicted))
        return values[-1] - values[0] if models == 2 else values[0]

    return function
