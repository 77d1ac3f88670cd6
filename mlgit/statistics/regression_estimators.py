"""Errors of predicted numbers and of predicted quantiles, and what wrong predictions cost."""

from __future__ import annotations

from mlgit.statistics.estimate import Estimator

ESTIMATORS: tuple[Estimator, ...] = ()
