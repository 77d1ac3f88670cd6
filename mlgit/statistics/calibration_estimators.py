"""How far probabilities can be taken at their word: calibration error and slope."""

from __future__ import annotations

from mlgit.statistics.estimate import Estimator

ESTIMATORS: tuple[Estimator, ...] = ()
