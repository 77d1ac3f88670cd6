"""The estimate of a metric of label and one column."""

from __future__ import annotations

from typing import Any

from mlgit.errors import MlgitError
from mlgit.statistics import influences, metrics
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.metrics import Metric
from mlgit.statistics.predictions import Predictions


def estimate(chosen: Metric, given: Predictions, *, positive: Any = None) -> Estimate:
    """The value of a metric, and the influence of each row. Raises MlgitError for what the metric cannot read."""
    if given.weight is not None:
        raise MlgitError(f"{chosen.name} of weighted rows is not computed")
    column = metrics.column_of(chosen, prediction=given.prediction, score=given.score)
    value = metrics.value(chosen, given.label, prediction=column, score=column, positive=positive)
    return Estimate(value, influences.of(chosen, given.label, column, positive=positive))
