"""Two recipes by cross-validation: the metric of each fold, and a t-test that heeds how much folds have in common.

Folds are trained on mostly the same rows, so their values vary less than those of new data would. Nadeau and Bengio (2003,
Mach. Learn. 52, 239) add to 1/K, by which the variance of K values is divided, the rows tested over those trained on: 1/(K-1).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.render.text import count
from mlgit.statistics.distributions import student_cdf, student_quantile
from mlgit.statistics.resampling import Spread, nothing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# With fewer, the test has hardly a degree of freedom.
FEWEST_FOLDS = 5
_ROUNDING = 1e-12


def difference(baseline: Array, current: Array, *, confidence: float) -> Spread:
    """current - baseline, from the values of both in the same folds, shape (K,)."""
    return _interval(current - baseline, max(np.abs(baseline).max(), np.abs(current).max()), confidence, "no fold differs")


def interval(values: Array, *, confidence: float) -> Spread:
    """The mean of the values of K folds, shape (K,)."""
    return _interval(values, np.abs(values).max(), confidence, "")


def corrected_error(values: Array, *, test_to_train: float) -> float:
    """The standard error of the mean of values from overlapping training sets, where so many rows are tested for each that is
    trained on."""
    return math.sqrt((1 / len(values) + test_to_train) * float(np.var(values, ddof=1)))


def _interval(values: Array, size: float, confidence: float, same: str) -> Spread:
    number = len(values)
    if number < FEWEST_FOLDS:
        return nothing(f"{count(number, 'fold')}, at least {FEWEST_FOLDS} needed")
    if not np.isfinite(values).all():
        return nothing("the metric is undefined in some fold")
    if same and np.abs(values).max() <= _ROUNDING * size:
        return Spread(0.0, 0.0, same, lambda least: float(least >= 0))
    value, error = float(values.mean()), corrected_error(values, test_to_train=1 / (number - 1))
    if error <= _ROUNDING * size:
        return nothing("every fold gives the same value")
    width = student_quantile((1 + confidence) / 2, number - 1) * error

    def below(least: float) -> float:
        return student_cdf((least - value) / error, number - 1)

    return Spread(value - width, value + width, f"corrected t of {number} folds", below)
