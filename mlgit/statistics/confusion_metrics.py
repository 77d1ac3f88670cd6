"""Metrics of the confusion table, from hits, actual and predicted rows per class: counts or weights of shape (..., K).

Those of two classes read number 1 as the positive one. An undefined value is NaN, except that means over classes count 0 for a
class without a value of its own, and that Matthews' coefficient of a model that says one class only is 0, as in scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


def accuracy(hits: Array, actual: Array, _: Array) -> Array:
    """The share of rows that are right; recall weighted by the rows of each class is the same."""
    return share(hits.sum(axis=-1), actual.sum(axis=-1))


def balanced_accuracy(hits: Array, actual: Array, _: Array) -> Array:
    """The mean recall of the classes that labels have."""
    return _mean_where(share(hits, actual), actual > 0)


def precision(hits: Array, _: Array, predicted: Array) -> Array:
    """The share of rows that are positive, of those predicted so."""
    return share(hits[..., 1], predicted[..., 1])


def recall(hits: Array, actual: Array, _: Array) -> Array:
    """The share of positive rows that are predicted so."""
    return share(hits[..., 1], actual[..., 1])


def specificity(hits: Array, actual: Array, _: Array) -> Array:
    """The share of negative rows that are predicted so."""
    return share(hits[..., 0], actual[..., 0])


def f_beta(hits: Array, actual: Array, predicted: Array, *, beta: float = 1.0) -> Array:
    """The harmonic mean of precision and recall, in which recall weighs beta times as much."""
    weight = beta**2
    return share((1 + weight) * hits[..., 1], weight * actual[..., 1] + predicted[..., 1])


def precision_macro(hits: Array, actual: Array, predicted: Array) -> Array:
    """The mean precision of the classes there are."""
    return _macro(hits, predicted, actual + predicted)


def recall_macro(hits: Array, actual: Array, predicted: Array) -> Array:
    """The mean recall of the classes there are, also in predictions only."""
    return _macro(hits, actual, actual + predicted)


def f1_macro(hits: Array, actual: Array, predicted: Array) -> Array:
    """The mean F1 of the classes there are."""
    return _macro(2 * hits, actual + predicted, actual + predicted)


def precision_weighted(hits: Array, actual: Array, predicted: Array) -> Array:
    """The mean precision of classes, each by its actual rows."""
    return _by_rows(hits, predicted, actual)


def f1_weighted(hits: Array, actual: Array, predicted: Array) -> Array:
    """The mean F1 of classes, each by its actual rows."""
    return _by_rows(2 * hits, actual + predicted, actual)


def mcc(hits: Array, actual: Array, predicted: Array) -> Array:
    """Matthews 1975, for K classes Gorodkin 2004; 0 where a model says one class only, as in scikit-learn."""
    hits, actual, predicted = (each.astype(float) for each in (hits, actual, predicted))
    together = hits.sum(axis=-1) * actual.sum(axis=-1) - (actual * predicted).sum(axis=-1)
    spread = unlike(actual, actual) * unlike(predicted, predicted)
    return np.where(spread <= 0, 0.0, together / np.sqrt(np.maximum(spread, 1e-300)))


def cohen_kappa(hits: Array, actual: Array, predicted: Array) -> Array:
    """Cohen 1960: agreement beyond chance; NaN where labels and predictions are all of one class."""
    hits, actual, predicted = (each.astype(float) for each in (hits, actual, predicted))
    together = hits.sum(axis=-1) * actual.sum(axis=-1) - (actual * predicted).sum(axis=-1)
    return share(together, unlike(actual, predicted))


def unlike(one: Array, other: Array) -> Array:
    """The weight of pairs of a row from each of two tables that differ in class, shape (...,).

    Every term is at least 0, so that it is exactly 0 for a single class, whatever the weights.
    """
    return np.asarray((one * (other.sum(axis=-1, keepdims=True) - other)).sum(axis=-1))


def of_class(value: Array, actual: Array) -> Array:
    """A metric of one class against the rest; NaN where no row has that class, for then it says nothing."""
    return np.where(actual[..., 1] > 0, value, np.nan)


def share(part: Array, whole: Array) -> Array:
    """part / whole, NaN where there is no whole."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.true_divide(part, whole)


def _macro(part: Array, whole: Array, seen: Array) -> Array:
    return _mean_where(np.nan_to_num(share(part, whole), posinf=0.0), seen > 0)


def _by_rows(part: Array, whole: Array, actual: Array) -> Array:
    each = np.nan_to_num(share(part, whole), posinf=0.0)
    return share((each * actual).sum(axis=-1), actual.sum(axis=-1))


def _mean_where(values: Array, chosen: Array) -> Array:
    return share(np.where(chosen, values, 0.0).sum(axis=-1), chosen.sum(axis=-1))
