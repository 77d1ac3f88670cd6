"""The table of built-in metrics that are made by estimators; the others are in `metrics`."""

from __future__ import annotations

from mlgit.statistics import (
    calibration_estimators,
    cost_estimators,
    probability_estimators,
    quantile_estimators,
    ranking_estimators,
    regression_estimators,
    repeat_estimators,
    retrieval_estimators,
)
from mlgit.statistics.estimate import Estimator

ESTIMATORS: tuple[Estimator, ...] = (
    *retrieval_estimators.ESTIMATORS,
    *repeat_estimators.ESTIMATORS,
    *probability_estimators.ESTIMATORS,
    *ranking_estimators.ESTIMATORS,
    *calibration_estimators.ESTIMATORS,
    *regression_estimators.ESTIMATORS,
    *quantile_estimators.ESTIMATORS,
    *cost_estimators.ESTIMATORS,
)


def named(name: str) -> tuple[Estimator, ...]:
    """The estimators of a metric by name, those that read more columns first; () where there is none."""
    return tuple(each for each in ESTIMATORS if each.name == name)
