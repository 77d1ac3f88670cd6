"""Metrics of one score that look at its highest rows: precision and recall at k, lift, recall at a precision."""

from __future__ import annotations

from mlgit.statistics.estimate import Estimator

ESTIMATORS: tuple[Estimator, ...] = ()
