"""Two recipes by cross-validation: the metric of each fold, and a t-test that heeds how much folds have in common.

Folds are trained on mostly the same rows, so their values vary less than those of new data would. Nadeau and Bengio (2003,
Mach. Learn. 52, 239) add to 1/K, by which the variance of K values is divided, the rows tested over those trained on: 1/(K-1).
Of folds that are not alike in size it is that of the largest, which leaves the fewest to train on.
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


def difference(baseline: Array, current: Array, *, confidence: float, test_to_train: float | None = None) -> Spread:
    """current - baseline, from the values of both in the same folds, shape (K,)."""
    size = max(np.abs(baseline).max(), np.abs(current).max())
    return _interval(current - baseline, size, confidence, test_to_train, "no fold differs")


def interval(values: Array, *, confidence: float, test_to_train: float | None = None) -> Spread:
    """The mean of the values of K folds, shape (K,)."""
    return _interval(values, np.abs(values).max(), confidence, test_to_train, "")


def largest_share(numbers: Array) -> float | None:
    """The rows of the largest fold over those of all others, from the number of the fold of each row; None for a single one."""
    most = int(np.bincount(numbers).max(initial=0))
    return most / (len(numbers) - most) if most < len(numbers) else None


def corrected_error(values: Array, *, test_to_train: float) -> float:
    """The standard error of the mean of values from overlapping training sets, where so many rows are tested for each that is
    trained on."""
    return math.sqrt((1 / len(values) + test_to_train) * float(np.var(values, ddof=1)))


def _interval(values: Array, size: float, confidence: float, test_to_train: float | None, same: str) -> Spread:
    number = len(values)
    if number < FEWEST_FOLDS:
        return nothing(f"{count(number, 'fold')}, at least {FEWEST_FOLDS} needed")
    if not np.isfinite(values).all():
        return nothing("the metric is undefined in some fold")
    if same and np.abs(values).max() <= _ROUNDING * size:
        return Spread(0.0, 0.0, same, lambda least: float(least >= 0))
    ratio = 1 / (number - 1) if test_to_train is None else test_to_train
    value, error = float(values.mean()), corrected_error(values, test_to_train=ratio)
    if error <= _ROUNDING * size:
        return nothing("every fold gives the same value")
    width = student_quantile((1 + confidence) / 2, number - 1) * error

    def below(least: float) -> float:
        return student_cdf((least - value) / error, number - 1)

    return Spread(value - width, value + width, f"corrected t of {number} folds", below)
