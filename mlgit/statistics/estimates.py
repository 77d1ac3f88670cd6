"""The estimate of a built-in metric: by the first estimator that finds its columns, else as one of label and a column."""

from __future__ import annotations

from typing import Any

from mlgit.errors import MlgitError
from mlgit.statistics import classic_estimates, estimators, metrics
from mlgit.statistics.estimate import Estimate, Need
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions


def estimate(measure: Measure, given: Predictions, *, positive: Any = None) -> Estimate:
    """The value of a metric of one model, and the influence of each row.

    Raises MlgitError for a metric that is not known, columns that are not there, and what the metric cannot read in them.
    """
    known = estimators.named(measure.name)
    for each in known:
        if all(_is_there(given, need) for need in each.needs):
            return each.estimate(given, measure, positive)
    if measure.name in metrics.METRICS or measure.name in metrics.TAKES:
        return classic_estimates.estimate(metrics.of(measure), given, positive=positive)
    if not known:
        metrics.metric(measure.name)  # which says what is known
    absent = [need for need in known[-1].needs if not _is_there(given, need)]
    raise MlgitError(f"{measure.name} needs {' and '.join(absent)}", f"declare it: models.NAME.{absent[0]} in mlgit.yaml")


def _is_there(given: Predictions, need: Need) -> bool:
    found = getattr(given, need)
    return bool(found) if need in ("scores", "quantiles", "costs") else found is not None
