"""Errors of predicted numbers, relative or not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.statistics import averages, quantiles, rows
from mlgit.statistics.estimate import Estimate, Estimator
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions, weights_of
from mlgit.statistics.resampling import Sums

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# scikit-learn divides by this where a label is 0.
_EPSILON = 2.0**-52
# A variance that is no more than this of the squares it is made from is rounding.
_ROUNDING = 1e-12


def _columns(given: Predictions) -> tuple[Array, Array, Array | None]:
    """Labels, predictions and weights, of one length."""
    truth, said = rows.numbers(given.label, what="label"), rows.numbers(given.prediction, what="prediction")
    weight = weights_of(given)
    rows.same_length(truth, said, *(() if weight is None else (weight,)))
    return truth, said, weight


def _errors(truth: Array, said: Array) -> Array:
    return np.asarray(np.abs(said - truth))


@averages.unwarned
def _mape(given: Predictions, _: Measure, __: Any) -> Estimate:
    """The mean of error / label, a share and no percentage; as scikit-learn's, it divides by 2.2e-16 where the label is 0."""
    truth, said, weight = _columns(given)
    noughts = int((truth == 0).sum())
    is_one = "is" if noughts == 1 else "are"
    told = f"{noughts:,} of {len(truth):,} labels {is_one} 0, where mape is as good as endless: wape and smape are not"
    note = told if noughts else ""
    terms = _errors(truth, said) / np.maximum(np.abs(truth), _EPSILON)
    return averages.mean(terms, weight=weight, note=note, least=0.0)


@averages.unwarned
def _smape(given: Predictions, _: Measure, __: Any) -> Estimate:
    """The mean of 2 |error| / (|label| + |prediction|), from 0 to 2; 0 where both are 0."""
    truth, said, weight = _columns(given)
    size = np.abs(truth) / 2 + np.abs(said) / 2
    terms = np.where(size > 0, 2 * (np.abs(said / 2 - truth / 2) / np.where(size > 0, size, 1.0)), 0.0)
    return averages.mean(terms, weight=weight, least=0.0, most=2.0)


@averages.unwarned
def _wape(given: Predictions, _: Measure, __: Any) -> Estimate:
    """The sum of all errors by the sum of all labels, both without their sign."""
    truth, said, weight = _columns(given)
    return averages.ratio(_errors(truth, said), np.abs(truth), weight=weight, undefined="all labels are 0", least=0.0)


@averages.unwarned
def _median_ae(given: Predictions, _: Measure, __: Any) -> Estimate:
    truth, said, weight = _columns(given)
    errors = _errors(truth, said)
    if not np.isfinite(errors).all():
        return averages.unknown(len(truth), averages.TOO_LARGE)
    return Estimate(
        quantiles.of(errors, 0.5, weight), quantiles.influences(errors, 0.5, weight), seen=errors[:, None], least=0.0
    )


@averages.unwarned
def _msle(given: Predictions, measure: Measure, _: Any) -> Estimate:
    truth, said, weight = _columns(given)
    for name, column in (("label", truth), ("prediction", said)):
        wrong = int((column < 0).sum())
        if wrong:
            told = f"{measure.name}: {wrong:,} of {len(column):,} {name}s are below 0, and logarithms are taken"
            raise MlgitError(told, "use mse or rmse, or smape for errors in proportion")
    return averages.mean((np.log1p(said) - np.log1p(truth)) ** 2, weight=weight, least=0.0)


@averages.unwarned
def _rmsle(given: Predictions, measure: Measure, positive: Any) -> Estimate:
    square = _msle(given, measure, positive)
    if not square.value > 0 or square.sums is None:
        return square
    value, inner = math.sqrt(square.value), square.sums
    root = Sums(inner.features, inner.counts, _root_of(inner.function))
    return replace(square, value=value, influence=square.influence / (2 * value), sums=root)


def _root_of(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    return lambda sums: np.sqrt(np.maximum(function(sums), 0.0))


@averages.unwarned
def _explained_variance(given: Predictions, _: Measure, __: Any) -> Estimate:
    """1 - variance of the errors / variance of the labels: unlike r2, what all predictions are off by does not count."""
    truth, said, weight = _columns(given)
    scale = np.ones(len(truth)) if weight is None else weight / weight.mean()
    label, error = (each - np.average(each, weights=scale) for each in (truth, truth - said))
    features = np.column_stack([np.ones(len(truth)), error, error**2, label, label**2]) * scale[:, None]
    spread, size = float(features[:, 4].mean()), float(np.average(truth**2, weights=scale))
    share = float(features[:, 2].mean()) / spread if spread > _ROUNDING * size else math.nan
    if spread <= _ROUNDING * size < math.inf:
        return averages.unknown(len(truth), "all labels are the same")
    if not math.isfinite(share * spread):
        return averages.unknown(len(truth), averages.TOO_LARGE)
    influence = (share * features[:, 4] - features[:, 2]) / (spread * len(truth))
    return Estimate(1 - share, influence, Sums(features, np.ones(len(truth)), _explained), most=1.0)


def _explained(sums: Array) -> Array:
    means = sums[..., 1:] / sums[..., :1]
    return np.asarray(1 - (means[..., 1] - means[..., 0] ** 2) / (means[..., 3] - means[..., 2] ** 2))


ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("mape", "lower", ("label", "prediction"), _mape),
    Estimator("smape", "lower", ("label", "prediction"), _smape),
    Estimator("wape", "lower", ("label", "prediction"), _wape),
    Estimator("median_ae", "lower", ("label", "prediction"), _median_ae),
    Estimator("msle", "lower", ("label", "prediction"), _msle),
    Estimator("rmsle", "lower", ("label", "prediction"), _rmsle),
    Estimator("explained_variance", "higher", ("label", "prediction"), _explained_variance),
)
