"""The plots of a card: which there are follows from the metrics, and the rows are those that the metrics are computed from."""

from __future__ import annotations

from collections.abc import Mapping

from mlgit import lazy_numpy as np
from mlgit.cards import curves, plots
from mlgit.errors import MlgitError
from mlgit.evaluation.model_results import ModelResults
from mlgit.evaluation.row_columns import predictions_of, rows_of
from mlgit.statistics import metrics, rows
from mlgit.statistics.predictions import Predictions

# The metrics that tell which kind of task it is.
CLASSIFICATION = {name for name, metric in metrics.METRICS.items() if metric.kind in ("confusion", "ranking")}
CLASSIFICATION |= {"brier", "log_loss"}
REGRESSION = {"mae", "mape", "mse", "r2", "rmse"}

# Every plot there can be.
PLOTS = ("roc", "calibration", "confusion", "residuals")
_MOST_CLASSES = 12

Drawn = dict[str, tuple[str, str]]


def draw(results: ModelResults) -> Drawn:
    """SVG texts with their captions, by name; none without predictions, or for columns that the plots cannot be made of."""
    table, model = results.table, results.model
    if table is None or not rows_of(table) or model.label not in table:
        return {}
    names = {name.rpartition(".")[2] for name in results.recorded}
    found = predictions_of(model, table, None)
    if names & CLASSIFICATION and not names & REGRESSION:
        return _classification(found, results)
    return _regression(found) if names & REGRESSION and not names & CLASSIFICATION else {}


def _classification(found: Predictions, results: ModelResults) -> Drawn:
    drawn: Drawn = {}
    try:
        truth, score = metrics.ranked(found.label, found.score, positive=results.model.positive)
    except (MlgitError, TypeError):  # no scores, or no class is the positive one: the metrics say which
        truth = score = np.empty(0)
    points = curves.roc(truth.astype(bool).tolist(), score.tolist())
    if points:
        drawn["roc"] = plots.roc(points, area=_area(results.recorded)), "ROC curve"
        if ((score >= 0) & (score <= 1)).all():
            bins = curves.calibration(truth.astype(bool).tolist(), score.tolist())
            drawn["calibration"] = plots.calibration(bins), "Calibration: share of positives by mean score"
    if found.prediction is not None:
        classes, counts = curves.confusion(_texts(found.label), _texts(found.prediction))
        if len(classes) <= _MOST_CLASSES:
            drawn["confusion"] = plots.confusion(classes, counts), "Confusion matrix"
    return drawn


def _texts(column: object) -> list[str]:
    return [str(each) for each in np.asarray(column).tolist()]


def _area(recorded: Mapping[str, float]) -> float | None:
    return next((value for name, value in recorded.items() if name.rpartition(".")[2] == "roc_auc"), None)


def _regression(found: Predictions) -> Drawn:
    try:
        truth, said = rows.numbers(found.label, what="label"), rows.numbers(found.prediction, what="prediction")
    except (MlgitError, TypeError):
        return {}
    return {
        "residuals": (plots.residuals(curves.residuals(truth.tolist(), said.tolist())), "Residuals: truth minus prediction")
    }
