"""The calibrated batch test: is a new batch further from the others than batches are from one another?

Exact for exchangeable batches whatever their columns are like: each batch is treated as the new one is, and only the rank
of its score counts (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.batch_scores import BatchScores
    from mlgit.statistics.rows import Array

# The median absolute deviation of a normal distribution, in standard deviations.
_MAD = 0.6744897501960817
# Where no batch differs, as in a column that is never missing, this is the least by which statistics vary.
_LEAST_SCALE = 0.5
# These bring the statistics to a deviation of about one among batches that only chance tells apart.
_CVM, _CELL = 6.0, 2.2
# Scores begin a few deviations below their median.
_AWAY = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Yardstick:
    """Median and scale of some statistics over batches, one of each for every column of values."""

    middle: Array
    scale: Array

    def standardized(self, values: Array) -> Array:
        """Values in units of how much they vary."""
        found: Array = (values - self.middle) / self.scale
        return found


def yardstick(values: Array) -> Yardstick:
    """The median, and the median absolute deviation in standard deviations, of each column of values."""
    middle = np.median(values, axis=0)
    return Yardstick(middle, np.maximum(np.median(np.abs(values - middle), axis=0) / _MAD, _LEAST_SCALE))


@dataclass(frozen=True, slots=True, eq=False)
class Combined:
    """One `score` a batch, (n_batches,), and those by column that it is made of, (n_batches, n_columns).

    `kinds` are the yardsticks of the statistics by column, `ends` that of maximum and mean over columns: another batch is
    scored beside the same ones by `column_scores` and `batch_score`.
    """

    score: Array
    columns: Array
    kinds: tuple[Yardstick, ...]
    ends: Yardstick


def combine(found: BatchScores, *, also: Array | None = None) -> Combined:
    """The scores of batches, each in units of how much it varies over all of them.

    A column's score is the root of the squares of its three, as far as they are above the median; a batch's is the larger of
    the maximum and the mean over columns. `also` are statistics of more columns, such as vectors, (n_batches, n_more).
    """
    statistics = _statistics(found)
    kinds = tuple(map(yardstick, statistics))
    columns = column_scores(found, kinds)
    if also is not None and also.shape[1]:
        measure = yardstick(also)
        columns = np.concatenate([columns, np.maximum(measure.standardized(also), 0.0)], axis=1)
    ends = _ends(columns)
    measure = yardstick(ends)
    return Combined(measure.standardized(ends).max(axis=1), columns, kinds, measure)


def column_scores(found: BatchScores, kinds: tuple[Yardstick, ...]) -> Array:
    """The score of every column, (n_batches, n_columns), beside given yardsticks."""
    total = sum(np.maximum(kind.standardized(values), 0.0) ** 2 for kind, values in zip(kinds, _statistics(found), strict=True))
    root: Array = np.sqrt(total)
    return root


def _statistics(found: BatchScores) -> tuple[Array, ...]:
    """The three on a scale on which tails are alike, so that none drowns the others: roots of what is a sum of squares."""
    return (_CVM * np.sqrt(found.cramer_von_mises), np.sqrt(2.0 * found.chi_squared), _CELL * found.largest_cell)


def _ends(columns: Array) -> Array:
    if not columns.shape[1]:
        return np.zeros((len(columns), 2))
    return np.stack([columns.max(axis=1), columns.mean(axis=1) * math.sqrt(columns.shape[1])], axis=1)


def rank_pvalue(scores: Array) -> float:
    """The share of batches whose score is at least that of the last one, itself among them."""
    return float(np.count_nonzero(scores >= scores[-1]) / len(scores))


def smoothed_pvalue(scores: Array, *, uniform: float) -> float:
    """The same, uniformly distributed under exchangeability: the last one and its ties count with the share `uniform`."""
    above, ties = np.count_nonzero(scores > scores[-1]), np.count_nonzero(scores == scores[-1])
    return float((above + uniform * ties) / len(scores))


@dataclass(frozen=True, slots=True)
class ScoreTail:
    """A Gumbel distribution of the logarithms of scores, by its place (mode) and scale."""

    place: float
    scale: float

    def pvalue(self, score: float) -> float:
        """The chance of a score that is as high."""
        return -math.expm1(-math.exp(min(-(float(_tamed(score)) - self.place) / self.scale, 700.0)))

    def quantile(self, alpha: float) -> float:
        """The score that is passed with chance `alpha`."""
        return math.exp(self.place - self.scale * math.log(-math.log1p(-alpha))) - _AWAY


def tail(scores: Array) -> ScoreTail:
    """The Gumbel distribution with mean and deviation of the logarithms of scores, counted from below all of them.

    Scores are maxima, whose tail is of this kind, and a little heavier where days differ: so of their logarithms. Beyond one
    in so many as there are scores it is an extrapolation.
    """
    tamed = _tamed(scores)
    deviation = max(float(tamed.std(ddof=1)), _LEAST_SCALE / _AWAY) if len(scores) > 1 else 1.0
    scale = deviation * math.sqrt(6.0) / math.pi
    return ScoreTail(float(tamed.mean()) - float(np.euler_gamma) * scale, scale)


def _tamed(scores: Any) -> Any:
    return np.log(np.maximum(scores, 1.0 - _AWAY) + _AWAY)
