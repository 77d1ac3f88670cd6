"""Why a metric has no value on rows, in words: a class that is not there, labels that are all the same."""

from __future__ import annotations

from typing import Any

from mlgit.statistics import confusion, metrics
from mlgit.statistics.metrics import Metric

WHY = "the metric is undefined for these rows"
_BECAUSE = {
    "recall": "no row is positive",
    "specificity": "no row is negative",
    "precision": "no row is predicted as positive",
    "f1": "no row is positive or predicted so",
    "f_beta": "no row is positive or predicted so",
    "cohen_kappa": "labels and predictions are all of one class",
    "quadratic_kappa": "labels and predictions are all the same",
    "roc_auc": "all labels are of one class",
    "average_precision": "no row is positive",
    "r2": "the labels are all the same",
}
_OF_CLASS = {"specificity": "every row has the class {}", "precision": "no row is predicted as {}"}


def why(chosen: Metric, label: Any, column: Any, *, positive: Any = None) -> str:
    """What is missing, for a metric whose value is NaN on these rows."""
    because = _BECAUSE.get(chosen.name, "")
    if chosen.of_class:
        _, actual, _ = metrics.counts(chosen, label, column, positive=positive)
        because = _OF_CLASS.get(chosen.name, "no row has the class {}") if actual[1] else "no row has the class {}"
        because = because.format(confusion.class_words(positive))
    return f"{WHY}: {because}" if because else WHY
