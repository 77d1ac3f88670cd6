"""Metrics of the probabilities of many classes: log loss, Brier score, top-k accuracy, one-vs-rest AUC."""

from __future__ import annotations

from mlgit.statistics.estimate import Estimator

ESTIMATORS: tuple[Estimator, ...] = ()
