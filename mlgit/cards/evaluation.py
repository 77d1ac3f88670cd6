"""What the predictions say of a model: intervals of its metrics, slices and plots."""

from __future__ import annotations

from mlgit.cards import curves, plots
from mlgit.cards.material import Evaluation, Measured
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

_MOST_CLASSES = 12
# The truths that mean yes, in small letters, with their opposites.
_YES = {"1": "0", "1.0": "0.0", "true": "false", "yes": "no"}


def without_predictions(facts: Facts) -> Evaluation:
    """The metrics as the metrics file has them."""
    return Evaluation(tuple(Measured(name, value) for name, value in sorted(facts.metrics.items())))


def evaluate(facts: Facts, predictions: Predictions) -> Evaluation:
    """Metrics, slices and plots of these predictions."""
    drawn = _plots(facts, predictions)
    return Evaluation(
        metrics=without_predictions(facts).metrics,
        rows=len(predictions),
        plots={name: picture for name, (picture, _) in drawn.items()},
        captions={name: caption for name, (_, caption) in drawn.items()},
    )


def positives(predictions: Predictions) -> list[bool] | None:
    """Which rows are positive; None where the truth is not one of yes and no, 1 and 0, true and false."""
    seen = {label.lower() for label in predictions.label}
    for yes, no in _YES.items():
        if seen and seen <= {yes, no}:
            return [label.lower() == yes for label in predictions.label]
    return None


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
    truth = positives(predictions)
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
