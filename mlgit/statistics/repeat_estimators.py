"""Several tries of one case: pass@k and pass^k."""

from __future__ import annotations

from mlgit.statistics.estimate import Estimator

ESTIMATORS: tuple[Estimator, ...] = ()
