"""How well a model probably does where no label is known: estimated from its own scores, and blind to concept drift.

For two classes the confusion matrix that calibrated scores lead to expect (confidence-based performance estimation, as NannyML
has it), for amounts the errors that predictions of this size had on the test rows. Both see that today's rows are harder or
easier; neither sees that the same row means another truth today. An interval holds the value that labels will show for this
window: it counts what chance does to labels, and what it did to the curve.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.evaluation.model_results import Table
from mlgit.model_settings import Model
from mlgit.monitoring import expected_metrics
from mlgit.monitoring.sketch import Calibration
from mlgit.statistics import calibration as curves
from mlgit.statistics.bootstrap import Interval
from mlgit.statistics.calibration import StepCurve
from mlgit.statistics.distributions import normal_quantile
from mlgit.statistics.rows import is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# A metric with what draws around it give.
_Drawn = dict[str, tuple[float, "Array"]]

NOTE = "estimated, blind to concept drift"
# With fewer test rows a curve says nothing.
_FEWEST = 30
_MOST_STEPS = 256
_MOST_BINS = 20
_DRAWS = 500
_METHOD = "estimated"
_ERRORS = {"mae", "mse", "rmse"}


def calibration_of(model: Model, table: Table) -> Calibration | None:
    """How scores or predictions relate to the truth, by the predictions of the test rows; None where they do not tell.

    Of classes there must be two, one of them positive; of amounts some must be no whole number.
    """
    if model.label not in table:
        return None
    label, score, prediction = (table.get(name) for name in (model.label, model.score, model.prediction))
    if score is not None:
        return _of_classes(label, score, model.positive)
    return None if prediction is None else _of_amounts(label, prediction)


def _of_classes(label: Any, score: Any, positive: Any) -> Calibration | None:
    scores, known = _numbers(score)
    truth = np.asarray(label)
    if scores is None:
        return None
    known &= ~is_missing(truth)
    truth, scores = truth[known], scores[known]
    is_positive = _is(truth, positive)
    if is_positive is None or len(scores) < _FEWEST or is_positive.all() or not is_positive.any():
        return None
    curve = curves.coarse(curves.isotonic(scores, is_positive.astype(float)), _MOST_STEPS)
    return _kept("isotonic", curve, len(scores))


def _kept(kind: Any, curve: StepCurve, size: int, moments: Any = ()) -> Calibration:
    x, y, weights = (tuple(map(float, each)) for each in (curve.x, curve.y, curve.weights))
    return Calibration(kind, x, y, size, weights, tuple(moments))


def _is(values: Array, positive: Any) -> Array | None:
    """Which values are the positive class; None where that is not declared, and they are not 0 and 1."""
    if positive is None:
        if values.dtype.kind not in "biuf" and not set(map(type, values.tolist())) <= {bool, int, float}:
            return None
        found = values.astype(float)
        return np.asarray(found == 1) if bool(np.isin(found, (0.0, 1.0)).all()) else None
    return np.fromiter((each == positive for each in values.tolist()), dtype=bool, count=len(values))


def _numbers(values: Any) -> tuple[Array | None, Array]:
    """A column as floats, and which of them are finite; None where it holds something else."""
    given = np.asarray(values)
    try:
        found = given.astype(float)
    except (TypeError, ValueError):
        return None, np.zeros(len(given), dtype=bool)
    return found, np.isfinite(found)


def _of_amounts(label: Any, prediction: Any) -> Calibration | None:
    given, known = _numbers(prediction)
    truth, labelled = _numbers(label)
    if given is None or truth is None or not (given[known] % 1).any():
        return None
    known &= labelled
    given, truth = given[known], truth[known]
    if len(given) < _FEWEST:
        return None
    order = np.argsort(given, kind="stable")
    given, errors = given[order], np.abs(truth - given)[order]
    parts = max(1, min(_MOST_BINS, len(given) // _FEWEST))
    starts = np.unique(np.searchsorted(given, given[np.arange(parts) * len(given) // parts], side="left"))
    weights = np.diff(np.append(starts, len(given))).astype(float)
    means = [np.add.reduceat(errors**power, starts) / weights for power in (1, 2, 4)]
    moments = list(zip(means[1].tolist(), means[2].tolist(), strict=True))
    return _kept("residual", StepCurve(given[starts], means[0], weights), len(given), moments)


@dataclass(frozen=True, slots=True)
class EstimatedMetric:
    """An estimated metric with its interval (`shown`); `spread` is the standard deviation of draws around it."""

    shown: Interval
    spread: float = 0.0
    least: float = -math.inf
    most: float = math.inf

    def at(self, confidence_level: float) -> Interval:
        """The interval of another confidence, as far out as a normal distribution is: no draws tell of one in a thousand."""
        if self.shown.value is None or self.shown.low is None:
            return self.shown
        away = normal_quantile((1 + confidence_level) / 2) * self.spread
        low, high = max(self.least, self.shown.value - away), min(self.most, self.shown.value + away)
        return replace(self.shown, low=low, high=high, confidence_level=confidence_level)


def of_rows(
    calibration: Calibration,
    table: Mapping[str, Any],
    *,
    model: Model,
    names: Collection[str],
    seed: int,
    confidence_level: float = 0.95,
) -> tuple[dict[str, EstimatedMetric], tuple[str, ...]]:
    """Estimates of these metrics, as far as there are any, for rows with scores or predictions; and notes about them."""
    column = model.score if calibration.kind == "isotonic" else model.prediction
    if not calibration.x or column not in table:
        return {}, (f"nothing is estimated: rows have no column '{column}'",) if calibration.x else ()
    given, known = _numbers(table[column])
    if given is None or not known.any():
        return {}, (f"nothing is estimated: '{column}' holds no numbers",)
    notes = () if known.all() else (f"{int((~known).sum()):,} of {len(known):,} rows have no {column}, and are not estimated",)
    if calibration.kind == "isotonic":
        found = _classes(calibration, given[known], _predicted(table, model, known), names, seed)
    else:
        found = _amounts(calibration, given[known], names, seed)
    n = int(known.sum())
    return {
        name: each
        for name, (value, around) in found.items()
        if (each := _estimate(name, value, around, n, confidence_level)) is not None
    }, notes


def _estimate(name: str, value: float, around: Array, n: int, confidence: float) -> EstimatedMetric | None:
    """The value with the ends of draws around it, so far as they are from their own middle."""
    if not math.isfinite(value):
        return None
    known = around[np.isfinite(around)]
    if len(known) < 0.99 * len(around):
        why = "too few rows of a class are expected"
        return EstimatedMetric(Interval(name, value, None, None, confidence, n, _METHOD, why))
    away = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2]) - known.mean()
    least, most = expected_metrics.RANGES.get(name, (0.0, math.inf if name in _ERRORS else 1.0))
    low, high = max(least, value + float(away[0])), min(most, value + float(away[1]))
    return EstimatedMetric(Interval(name, value, low, high, confidence, n, _METHOD), float(known.std()), least, most)


def _curve(calibration: Calibration) -> StepCurve:
    steps = len(calibration.x)
    weights = calibration.weights or (max(calibration.n, 1) / steps,) * steps
    return StepCurve(np.array(calibration.x), np.array(calibration.y), np.array(weights))


def _careful(curve: StepCurve) -> StepCurve:
    """A curve of chances with half a row of each class more on every step (Jeffreys' prior): what isotonic regression makes of
    few rows is too sure, so that a model would be taken for better than it is.
    """
    chances = (curve.y * curve.weights + 0.5) / (curve.weights + 1)
    return StepCurve(curve.x, np.maximum.accumulate(chances), curve.weights)


def _predicted(table: Mapping[str, Any], model: Model, known: Array) -> Array | None:
    """Which rows are predicted to be positive; None where predictions are not of two classes."""
    if model.prediction not in table:
        return None
    values = np.asarray(table[model.prediction])[known]
    return None if is_missing(values).any() or len(set(values.tolist())) > 2 else _is(values, model.positive)


def _classes(calibration: Calibration, scores: Array, predicted: Array | None, names: Collection[str], seed: int) -> _Drawn:
    curve = _curve(calibration)
    given = expected_metrics.cells(scores, predicted)
    steps = curve.steps(given.score)
    sure, careful = ((each.y[steps] * given.rows)[None, :] for each in (curve, _careful(curve)))
    values = expected_metrics.values(given, careful, names)
    # half a row more where scores are extreme is a loss of its own
    values |= expected_metrics.values(given, sure, set(names) & {"log_loss"})
    drawn = curves.redrawn(curve, draws=_DRAWS, seed=seed)[:, steps]
    generator = np.random.default_rng([seed, 3])
    positives = generator.binomial(given.rows.astype(np.int64)[None, :], np.clip(drawn, 0.0, 1.0)).astype(float)
    around = expected_metrics.values(given, positives, names)
    return {name: (float(value[0]), around[name]) for name, value in values.items()}


def _amounts(calibration: Calibration, predictions: Array, names: Collection[str], seed: int) -> _Drawn:
    curve = _curve(calibration)
    counts = np.bincount(curve.steps(predictions), minlength=len(curve.x)).astype(float)
    squares, fourths = _moments(calibration)
    generator, found = np.random.default_rng([seed, 4]), _Drawn()
    for wanted, mean, square in ((("mae",), curve.y, squares), (("mse", "rmse"), squares, fourths)):
        variance = np.maximum(square - mean**2, 0.0)
        drawn = mean + generator.normal(size=(_DRAWS, len(mean))) * np.sqrt(variance / curve.weights)
        noise = generator.normal(size=_DRAWS) * math.sqrt(float(counts @ variance))
        around = np.maximum((drawn @ counts + noise) / counts.sum(), 0.0)
        value = float(mean @ counts) / float(counts.sum())
        for name in set(wanted) & set(names):
            root = np.sqrt if name == "rmse" else np.asarray
            found[name] = float(root(value)), root(around)
    return found


def _moments(calibration: Calibration) -> tuple[Array, Array]:
    """The means of squared errors and of their squares; those of normal errors where they were not kept."""
    if calibration.moments:
        squares, fourths = np.array(calibration.moments).T
        return squares, fourths
    squares = np.array(calibration.y) ** 2 * math.pi / 2
    return squares, 3 * squares**2
