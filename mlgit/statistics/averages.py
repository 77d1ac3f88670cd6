"""Estimates that are weighted means of rows, or ratios of their sums: the form that most metrics have."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.resampling import Sums

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_Made = Callable[[Predictions, Measure, Any], Estimate]
# What is left of terms that are all the same, beside their size.
_ROUNDING = 1e-12
TOO_LARGE = "the numbers are too large to add up"


def unwarned(made: _Made) -> _Made:
    """The same without numpy's warnings: of numbers that are too large, the result tells."""

    @functools.wraps(made)
    def estimate(given: Predictions, measure: Measure, positive: Any) -> Estimate:
        with np.errstate(all="ignore"):
            return made(given, measure, positive)

    return estimate


def mean(
    terms: Array, *, weight: Array | None = None, note: str = "", least: float = -math.inf, most: float = math.inf
) -> Estimate:
    """The mean of what each row has, shape (n,)."""
    return ratio(terms, np.ones(len(terms)), weight=weight, note=note, least=least, most=most)


def bounded(found: Estimate, *, said: Array, reach: float = 1.0, graded: bool = False) -> Estimate:
    """A mean of what is no further apart than `reach` in any two rows, and what the model says of them."""
    return replace(found, said=said, reach=reach, graded=graded)


def ratio(
    part: Array,
    whole: Array,
    *,
    weight: Array | None = None,
    undefined: str = "the sum to divide by is 0",
    note: str = "",
    least: float = -math.inf,
    most: float = math.inf,
) -> Estimate:
    """The sum of one term of each row by that of another, shape (n,) each; `undefined` is said where the other sum is 0."""
    scale = np.ones(len(part)) if weight is None else weight
    sums = np.column_stack([part * scale, whole * scale])
    above, below = (float(each) for each in sums.sum(axis=0))
    value = above / below if below else math.nan
    away = part - value * whole
    squares = float((away * scale / below) @ (away * scale / below)) if below else math.nan
    if not math.isfinite(value) or not math.isfinite(squares):
        return unknown(len(part), undefined if below == 0 else TOO_LARGE, note=note)
    if float(np.abs(away).max()) <= _ROUNDING * float(np.abs(part).max()):
        away = np.zeros(len(part))
    return Estimate(value, away * scale / below, Sums(sums, np.ones(len(part)), _ratio), note=note, least=least, most=most)


def unknown(size: int, why: str, *, note: str = "") -> Estimate:
    """A metric of so many rows that is undefined, and why."""
    return Estimate(math.nan, np.zeros(size), why=why, note=note)


def _ratio(sums: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.true_divide(sums[..., 0], sums[..., 1])
