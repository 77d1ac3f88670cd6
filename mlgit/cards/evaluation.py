"""What the predictions say of a model: intervals of its metrics, slices and plots."""

from __future__ import annotations

from collections.abc import Sequence

from mlgit.cards import curves, intervals, plots
from mlgit.cards.intervals import Columns
from mlgit.cards.material import Evaluation, Measured, Slice
from mlgit.cards.predictions import Predictions
from mlgit.registry.facts import Facts

# The metrics that tell which kind of task it is; which plots there are follows from it.
CLASSIFICATION = {
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier",
    "f1",
    "log_loss",
    "precision",
    "recall",
    "roc_auc",
}
REGRESSION = {"mae", "mape", "mse", "r2", "rmse"}

# Every plot there can be.
PLOTS = ("roc", "calibration", "confusion", "residuals")

_MOST_CLASSES = 12
_MOST_VALUES = 50
# A metric that is rounded in its file still counts as the one computed here.
_ROUNDING = 1e-3
# The truths that mean yes, in small letters, with their opposites.
_YES = {"1": "0", "1.0": "0.0", "true": "false", "yes": "no"}


def without_predictions(facts: Facts) -> Evaluation:
    """The metrics as the metrics file has them."""
    return Evaluation(tuple(Measured(name, value) for name, value in sorted(facts.metrics.items())))


def evaluate(facts: Facts, predictions: Predictions) -> Evaluation:
    """Metrics, slices and plots of these predictions."""
    drawn = _plots(facts, predictions)
    data = _columns(predictions)
    return Evaluation(
        metrics=_measured(facts, data),
        slices=_slices(facts, predictions, data),
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


def _columns(predictions: Predictions) -> Columns:
    truth, said = positives(predictions.label), positives(predictions.prediction)
    return intervals.columns(
        predictions.label,
        predictions.prediction,
        score=predictions.score,
        positive=(truth, said) if truth is not None and said is not None else None,
        numbers=predictions.numbers,
    )


def _measured(facts: Facts, data: Columns) -> tuple[Measured, ...]:
    """The metrics of the file, with an interval where the predictions give the same value."""
    kinds = {name: name.rpartition(".")[2] for name in sorted(facts.metrics)}
    bounds = intervals.bootstrap(sorted({*kinds.values()}), data)
    found = []
    for name, kind in kinds.items():
        value, computed = facts.metrics[name], intervals.point(kind, data)
        if computed is None or kind not in bounds:
            found.append(Measured(name, value))
        elif abs(value - computed) > _ROUNDING * max(1.0, abs(value)):
            found.append(Measured(name, value, note=f"no interval, for the predictions give {computed:.6g}"))
        else:
            found.append(Measured(name, value, *bounds[kind]))
    return tuple(found)


def _slices(facts: Facts, predictions: Predictions, data: Columns) -> tuple[Slice, ...]:
    kinds = [name for name in sorted({name.rpartition(".")[2] for name in facts.metrics}) if name in intervals.METRICS]
    found = []
    for column, values in predictions.slices.items():
        rows: dict[str, list[int]] = {}
        for number, value in enumerate(values):
            rows.setdefault(value, []).append(number)
        for value in sorted(rows, key=curves.order)[:_MOST_VALUES]:
            metrics = {kind: intervals.point(kind, data, rows=rows[value]) for kind in kinds}
            found.append(Slice(column, value, len(rows[value]), metrics))
    return tuple(found)


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
