"""What the predictions say of a model: intervals of its metrics, slices and plots."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlgit.cards import curves, plots
from mlgit.cards.material import Evaluation, Measured, Slice
from mlgit.cards.predictions import Predictions
from mlgit.errors import MlgitError
from mlgit.registry.facts import Facts
from mlgit.statistics import bootstrap, metrics

# The metrics that tell which kind of task it is; which plots there are follows from it.
CLASSIFICATION = {name for name, metric in metrics.METRICS.items() if metric.kind in ("confusion", "ranking")}
CLASSIFICATION |= {"brier", "log_loss"}
REGRESSION = {"mae", "mape", "mse", "r2", "rmse"}

# Every plot there can be.
PLOTS = ("roc", "calibration", "confusion", "residuals")

_MOST_CLASSES = 12
_MOST_VALUES = 50
# A metric that is rounded in its file still counts as the one computed here.
_ROUNDING = 1e-3
_SEED = 0
# The truths that mean yes, in small letters, with their opposites.
_YES = {"1": "0", "1.0": "0.0", "true": "false", "yes": "no"}


def without_predictions(facts: Facts) -> Evaluation:
    """The metrics as the metrics file has them."""
    return Evaluation(tuple(Measured(name, value) for name, value in sorted(facts.metrics.items())))


def evaluate(facts: Facts, predictions: Predictions) -> Evaluation:
    """Metrics, slices and plots of these predictions."""
    drawn = _plots(facts, predictions)
    return Evaluation(
        metrics=_measured(facts, predictions) if len(predictions) else without_predictions(facts).metrics,
        slices=_slices(facts, predictions),
        rows=len(predictions),
        plots={name: picture for name, (picture, _) in drawn.items()},
        captions={name: caption for name, (_, caption) in drawn.items()},
    )


def positives(words: Sequence[str]) -> list[bool] | None:
    """Which of these mean yes; None where they are not all of yes and no, 1 and 0, true and false."""
    seen = {word.lower() for word in words}
    for yes, no in _YES.items():
        if seen and seen <= {yes, no}:
            return [word.lower() == yes for word in words]
    return None


def _columns(predictions: Predictions, metric: str) -> dict[str, Any]:
    """The columns a metric reads: classes as numbers where they are numbers or mean yes and no, as text where they are not."""
    truth, said = positives(predictions.label), positives(predictions.prediction)
    label: Sequence[Any] = predictions.label
    prediction: Sequence[Any] = predictions.prediction
    if truth is not None and said is not None and metric not in REGRESSION:
        label, prediction = list(map(int, truth)), list(map(int, said))
    elif predictions.numbers is not None:
        label, prediction = predictions.numbers
    return {"label": label, "prediction": prediction, "score": predictions.score or None}


def _measured(facts: Facts, predictions: Predictions) -> tuple[Measured, ...]:
    """The metrics of the file, with an interval where the predictions give the same value."""
    found = []
    for name, value in sorted(facts.metrics.items()):
        kind = name.rpartition(".")[2]
        if kind not in metrics.METRICS:
            found.append(Measured(name, value))
            continue
        try:
            computed = bootstrap.interval(kind, **_columns(predictions, kind), seed=_SEED)
        except MlgitError as error:
            found.append(Measured(name, value, note=f"no interval: {error.message}"))
            continue
        if computed.value is not None and abs(value - computed.value) > _ROUNDING * max(1.0, abs(value)):
            found.append(Measured(name, value, note=f"no interval: the predictions give {computed.value:.6g}"))
        elif computed.low is None or computed.high is None:
            found.append(Measured(name, value, note=f"no interval: {computed.reason}"))
        else:
            found.append(Measured(name, value, computed.low, computed.high, method=computed.method))
    return tuple(found)


def _slices(facts: Facts, predictions: Predictions) -> tuple[Slice, ...]:
    kinds = [name for name in sorted({name.rpartition(".")[2] for name in facts.metrics}) if name in metrics.METRICS]
    found = []
    for column, values in predictions.slices.items():
        rows: dict[str, list[int]] = {}
        for number, value in enumerate(values):
            rows.setdefault(value, []).append(number)
        for value in sorted(rows, key=curves.order)[:_MOST_VALUES]:
            measured = {kind: _value(kind, _columns(predictions, kind), rows[value]) for kind in kinds}
            found.append(Slice(column, value, len(rows[value]), measured))
    return tuple(found)


def _value(metric: str, columns: Mapping[str, Any], rows: Sequence[int]) -> float | None:
    """A metric of some rows; None where it has no value for them."""
    chosen = {name: None if column is None else [column[row] for row in rows] for name, column in columns.items()}
    try:
        value = metrics.value(metric, **chosen)
    except MlgitError:
        return None
    return value if math.isfinite(value) else None


def _plots(facts: Facts, predictions: Predictions) -> dict[str, tuple[str, str]]:
    """Plots with their captions, by name."""
    names = {name.rpartition(".")[2] for name in facts.metrics}
    if not len(predictions):
        return {}
    if names & CLASSIFICATION and not names & REGRESSION:
        return _classification(facts, predictions)
    return _regression(predictions) if names & REGRESSION and not names & CLASSIFICATION else {}


def _classification(facts: Facts, predictions: Predictions) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    truth = positives(predictions.label)
    if truth and predictions.score:
        points = curves.roc(truth, predictions.score)
        if points:
            found["roc"] = plots.roc(points, area=_area(facts)), "ROC curve"
        if all(0 <= score <= 1 for score in predictions.score):
            bins = curves.calibration(truth, predictions.score)
            found["calibration"] = plots.calibration(bins), "Calibration: share of positives by mean score"
    classes, counts = curves.confusion(predictions.label, predictions.prediction)
    if len(classes) <= _MOST_CLASSES:
        found["confusion"] = plots.confusion(classes, counts), "Confusion matrix"
    return found


def _area(facts: Facts) -> float | None:
    return next((value for name, value in facts.metrics.items() if name.rpartition(".")[2] == "roc_auc"), None)


def _regression(predictions: Predictions) -> dict[str, tuple[str, str]]:
    numbers = predictions.numbers
    if numbers is None:
        return {}
    return {"residuals": (plots.residuals(curves.residuals(*numbers)), "Residuals: truth minus prediction")}
