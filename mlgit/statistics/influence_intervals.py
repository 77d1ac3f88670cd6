"""The interval of a value of which nothing is known but the influence of each row on it.

Rows that count alike, or clusters of them: the bootstrap-t, which holds for skewed influences too. Rows of a series: blocks.
Weighted rows: the sum of squares, with Student's t by how many rows (or clusters) of equal weight they are worth (Kish 1965,
Survey Sampling, section 11.7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.render.text import count
from mlgit.statistics import blocks, leverage, resampling, student
from mlgit.statistics.distributions import student_cdf, student_quantile
from mlgit.statistics.resampling import FEWEST_ROWS, Spread, Sums, nothing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class RowStructure:
    """How rows hang together: `groups` numbers the cluster of each from 0, `order` are the places of the rows of a series, from
    the first in time to the last, `weights` is what a row counts, and `parts` what it does where whole queries count, all of it
    at the first row of each; None where there is no such thing. `counted` is what such a query is."""

    groups: Array | None = None
    order: Array | None = None
    weights: Array | None = None
    parts: Array | None = None
    counted: str = "query"

    @property
    def noun(self) -> str:
        """What was sampled."""
        if self.parts is not None and (self.groups is None or np.bincount(self.groups, weights=self.parts > 0).max() <= 1):
            return self.counted
        return "row" if self.groups is None else "cluster"

    @property
    def are_alike(self) -> bool:
        """Whether rows count alike and do not hang together."""
        return self.groups is None and self.order is None and self.weights is None

    def number(self, rows: int) -> int:
        """How many of these so many rows are."""
        if self.parts is not None:
            return int((self.summed(self.parts) > 0).sum())
        return rows if self.groups is None else int(self.groups.max(initial=-1)) + 1

    def summed(self, influence: Array) -> Array:
        """The influence of each piece that was sampled."""
        return leverage.summed(influence, self.groups)

    def variance(self, influence: Array, *, block: int) -> float:
        """The variance of a value on which rows have these influences; `block` is the length of blocks of a series."""
        if self.order is not None:
            return blocks.variance(influence[self.order], block)
        each = self.summed(influence)
        return float(each @ each)


def interval(
    value: float, influence: Array, structure: RowStructure, *, confidence: float, resamples: int, seed: int
) -> Spread:
    """The interval of a value on which rows have these influences, shape (n,), which sum to about 0."""
    if not math.isfinite(value):
        return nothing("the metric is undefined for these rows")
    if why := too_few(structure, len(influence)):
        return nothing(why)
    if structure.order is not None:
        return blocks.interval(value, influence[structure.order], confidence=confidence)
    each = structure.summed(influence)
    if structure.weights is not None:
        return _weighted(value, each, worth(structure, len(influence)), confidence=confidence, noun=structure.noun)
    size = len(each)

    def function(sums: Array) -> Array:
        return np.asarray(value + size * sums[..., 0] / sums[..., 1])

    sums = Sums(np.column_stack([each, np.ones(size)]), np.ones(size), function)
    return student.interval(sums, confidence=confidence, resamples=resamples, seed=seed, noun=structure.noun)


def worth(structure: RowStructure, rows: int) -> float:
    """How many pieces of equal weight the rows, or their clusters, are worth."""
    known = structure.weights if structure.parts is None else structure.parts
    weights = np.ones(rows) if known is None else np.asarray(known, dtype=float)
    weights = structure.summed(weights / weights.max(initial=0.0))
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def too_few(structure: RowStructure, rows: int) -> str:
    """Why so many rows have no interval; empty where they have one."""
    number = structure.number(rows)
    if number < FEWEST_ROWS:
        return resampling.too_few(number, structure.noun).why
    found = worth(structure, rows)
    if found >= FEWEST_ROWS:
        return ""
    weight = "size" if structure.weights is None else "weight"
    return f"{count(number, structure.noun)}, which are worth {int(found)} of equal {weight}, at least {FEWEST_ROWS} needed"


def _weighted(value: float, each: Array, freedom: float, *, confidence: float, noun: str) -> Spread:
    squares = each**2
    if squares.sum() <= 0:
        return nothing(resampling.SAME)
    spread = math.sqrt(float(leverage.widened(squares).sum()))
    width = student_quantile((1 + confidence) / 2, freedom - 1) * spread

    def below(least: float) -> float:
        return student_cdf((least - value) / spread, freedom - 1)

    told, may_pass = leverage.doubt(each, noun=noun)
    method = f"influences, worth {count(int(freedom), noun)} of equal weight"
    return Spread(value - width, value + width, method, below, note=told, may_pass=may_pass)
