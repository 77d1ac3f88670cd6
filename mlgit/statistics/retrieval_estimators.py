"""Metrics of rankings by query: NDCG, MRR, MAP, precision and recall among the first k."""

from __future__ import annotations

from mlgit.statistics.estimate import Estimator

ESTIMATORS: tuple[Estimator, ...] = ()
