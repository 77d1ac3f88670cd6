"""How much each row adds to a metric of the confusion table: its influence, by formula.

A metric is 'shares weighted over classes', as recall is hits among actual rows of one class and f1_macro the mean over classes
of hits among actual and predicted rows, or one of agreement beyond chance: mcc, cohen_kappa. The influence of a row is the
derivative of the metric along the weight of the row; the influences of all rows sum up to 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from mlgit import lazy_numpy as np
from mlgit.statistics.confusion_metrics import unlike

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True)
class _Share:
    """`hits` times the hits of a class, over `actual` times its rows and `predicted` times what is predicted as it."""

    hits: float
    actual: float
    predicted: float
    over: Literal["positive", "negative", "labelled", "seen", "rows"]


_SHARES = {
    "recall": _Share(1, 1, 0, "positive"),
    "specificity": _Share(1, 1, 0, "negative"),
    "precision": _Share(1, 0, 1, "positive"),
    "f1": _Share(2, 1, 1, "positive"),
    "accuracy": _Share(1, 1, 0, "rows"),
    "balanced_accuracy": _Share(1, 1, 0, "labelled"),
    "recall_macro": _Share(1, 1, 0, "seen"),
    "precision_macro": _Share(1, 0, 1, "seen"),
    "f1_macro": _Share(2, 1, 1, "seen"),
    "recall_weighted": _Share(1, 1, 0, "rows"),
    "precision_weighted": _Share(1, 0, 1, "rows"),
    "f1_weighted": _Share(2, 1, 1, "rows"),
}
# The values that a metric can have, unless those from 0 to 1.
RANGES = {"mcc": (-1.0, 1.0), "cohen_kappa": (-1.0, 1.0), "quadratic_kappa": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """A metric of one model as rows make it.

    A row of label a predicted as b adds `label[a] + prediction[b]`, and `hit[a]` where a is b. Were the metric higher by x, the
    row would add x times `label_share[a] + prediction_share[b]` less, its share in what the metric is divided by: of recall it
    adds hit - share * value. All have shape (..., K).
    """

    value: Array
    label: Array
    prediction: Array
    hit: Array
    label_share: Array
    prediction_share: Array

    def of(self, actual: Array, said: Array) -> tuple[Array, Array]:
        """What rows of these labels and predictions add, and their share, shape (..., M) each."""
        added = self.label[..., actual] + self.prediction[..., said] + np.where(actual == said, self.hit[..., actual], 0.0)
        return added, self.label_share[..., actual] + self.prediction_share[..., said]


def influence(name: str, hits: Array, actual: Array, predicted: Array, *, beta: float = 1.0) -> Influence:
    """The influence of rows on a metric, from counts per class of shape (..., K); NaN where the metric is undefined.

    `beta` is that of f_beta. Counts may be sums of weights: then the influence is that of a row of weight 1.
    """
    hits, actual, predicted = (np.asarray(each, dtype=float) for each in (hits, actual, predicted))
    with np.errstate(divide="ignore", invalid="ignore"):
        if name == "mcc":
            return _of_mcc(hits, actual, predicted)
        if name == "cohen_kappa":
            return _of_kappa(hits, actual, predicted)
        weight = beta**2
        kind = _Share(1 + weight, weight, 1, "positive") if name == "f_beta" else _SHARES[name]
        return _of_shares(kind, hits, actual, predicted)


def _of_shares(kind: _Share, hits: Array, actual: Array, predicted: Array) -> Influence:
    whole = kind.actual * actual + kind.predicted * predicted
    weight = _weights(kind.over, actual, predicted)
    has_whole = whole > 0
    # a class without a whole counts 0 in a mean, and makes a share of one class undefined
    nothing = np.nan if kind.over in ("positive", "negative") else 0.0
    share = np.where(has_whole, kind.hits * hits / whole, np.where(weight > 0, nothing, 0.0))
    value = (weight * share).sum(axis=-1)
    each = np.where(has_whole, weight / whole, 0.0)
    label, prediction = -kind.actual * each * share, -kind.predicted * each * share
    if kind.over == "rows":  # the weights are shares of rows themselves
        label = label + (share - value[..., None]) / actual.sum(axis=-1)[..., None]
    total = (each * whole).sum(axis=-1)[..., None]
    return Influence(value, label, prediction, kind.hits * each, kind.actual * each / total, kind.predicted * each / total)


def _weights(over: str, actual: Array, predicted: Array) -> Array:
    """What a class weighs, shape (..., K)."""
    if over in ("positive", "negative"):
        chosen = np.zeros(actual.shape)
        chosen[..., 1 if over == "positive" else 0] = 1
        return chosen
    weight = {"rows": actual, "labelled": actual > 0, "seen": actual + predicted > 0}[over]
    return np.asarray(np.true_divide(weight, weight.sum(axis=-1, keepdims=True)))


def _of_mcc(hits: Array, actual: Array, predicted: Array) -> Influence:
    """Matthews' coefficient, the correlation of label and prediction: together / root of two spreads."""
    total, right = actual.sum(axis=-1)[..., None], hits.sum(axis=-1)[..., None]
    together = right * total - (actual * predicted).sum(axis=-1)[..., None]
    of_labels, of_predictions = (unlike(each, each)[..., None] for each in (actual, predicted))
    is_known = (of_labels > 0) & (of_predictions > 0)
    root = np.where(is_known, np.sqrt(of_labels * of_predictions), np.inf)
    value = together / root
    # a row of label a and prediction b changes `together` by right - predicted[a] - actual[b], and total more where a is b
    label = (right - predicted) / root - np.where(is_known, value * (total - actual) / of_labels, 0.0)
    prediction = -actual / root - np.where(is_known, value * (total - predicted) / of_predictions, 0.0)
    even = np.broadcast_to(1 / total, actual.shape)
    return Influence(
        value[..., 0], label, prediction, np.broadcast_to(total / root, actual.shape), even, np.zeros(actual.shape)
    )


def _of_kappa(hits: Array, actual: Array, predicted: Array) -> Influence:
    """Cohen's kappa: agreement of label and prediction beyond chance, over what is left above chance."""
    total, right = actual.sum(axis=-1)[..., None], hits.sum(axis=-1)[..., None]
    together = right * total - (actual * predicted).sum(axis=-1)[..., None]
    whole = unlike(actual, predicted)[..., None]
    value = together / whole
    # a row of label a and prediction b changes `whole` by 2 total - predicted[a] - actual[b]
    of_label, of_prediction = (total - predicted) / whole, (total - actual) / whole
    label, prediction = (right - predicted) / whole - value * of_label, -actual / whole - value * of_prediction
    hit = np.broadcast_to(total / whole, actual.shape)
    return Influence(value[..., 0], label, prediction, hit, of_label / 2, of_prediction / 2)
