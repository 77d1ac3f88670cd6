"""ROC AUC without resampling: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44, 837.

The components come from midranks (Sun and Xu 2014, IEEE Signal Process. Lett. 21, 1389), so a million rows take a
second. Clustered rows: the components are summed within each cluster (Obuchowski 1997, Biometrics 53, 567).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mlgit.statistics.distributions import logistic, normal_cdf, normal_quantile
from mlgit.statistics.metrics import ties
from mlgit.statistics.resampling import Spread, bca, nothing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# What is left of a variance when everything but rounding cancelled.
_NOUGHT = 1e-20
_BLOCK = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """The AUC, and how far each row is from it: `influence` (n,) sums to 0 over the rows of each class.

    The variance of the AUC is `variance(influence, ...)`.
    """

    auc: float
    influence: Array


def components(is_positive: Array, score: Array) -> Components:
    """The AUC and the influence of each row, from midranks; NaN where a class has no rows."""
    positive = is_positive.astype(bool)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return Components(float("nan"), np.full(len(score), np.nan))
    overall, placed = _midranks(score), np.empty(len(score))
    placed[positive] = (overall[positive] - _midranks(score[positive])) / zeros
    placed[~positive] = 1 - (overall[~positive] - _midranks(score[~positive])) / ones
    auc = float(placed[positive].mean())
    return Components(auc, (placed - auc) / np.where(positive, ones, zeros))


def _midranks(values: Array) -> Array:
    """Ranks from 1, those of equal values averaged; in float64, so exact for any number of rows that fits in memory."""
    order, last = ties(values)
    first = np.concatenate([[0], last[:-1] + 1])
    found = np.empty(len(values))
    found[order] = np.repeat((first + last) / 2 + 1, last - first + 1)
    return found


def _product(is_positive: Array, one: Array, other: Array) -> float:
    total = 0.0
    for chosen in (is_positive == 1, is_positive == 0):
        number = int(chosen.sum())
        total += float(one[chosen] @ other[chosen]) * number / (number - 1) if number > 1 else np.nan
    return total


def variance(is_positive: Array, influence: Array, *, groups: Array | None = None) -> float:
    """The variance of the sum of influences, of independent rows or of independent clusters; NaN for too few."""
    if groups is None:
        return _product(is_positive, influence, influence)
    sums = np.bincount(groups, weights=influence)
    return float((sums**2).sum()) * len(sums) / (len(sums) - 1) if len(sums) > 1 else float("nan")


def one(is_positive: Array, score: Array, *, groups: Array | None = None, confidence: float) -> Spread:
    """The interval of one AUC, on the logit scale so that it stays between 0 and 1 (Pepe 2003, section 5.2)."""
    found = components(is_positive, score)
    spread = variance(is_positive, found.influence, groups=groups)
    if not np.isfinite(spread):
        return nothing("a class has fewer than two rows", method="DeLong")
    if spread <= _NOUGHT or not 0 < found.auc < 1:
        return nothing("the score separates the classes the same way for every row", method="DeLong")
    width = normal_quantile((1 + confidence) / 2) * np.sqrt(spread) / (found.auc * (1 - found.auc))
    middle = math.log(found.auc / (1 - found.auc))
    low, high = (logistic(middle + away) for away in (-width, width))
    return Spread(float(low), float(high), "DeLong, logit scale")


@dataclass(frozen=True, slots=True)
class AucDifference:
    """Two AUCs on the same rows: current - baseline with its interval, and the two-sided p-value of no difference."""

    baseline: float
    current: float
    spread: Spread
    pvalue: float | None


def compare(
    is_positive: Array,
    baseline: Array,
    current: Array,
    *,
    groups: Array | None = None,
    confidence: float,
    resamples: int,
    seed: int,
) -> AucDifference:
    """The difference of two correlated AUCs. Where its variance is 0, the classes are resampled each for itself."""
    old, new = components(is_positive, baseline), components(is_positive, current)
    delta = new.auc - old.auc
    spread = variance(is_positive, new.influence - old.influence, groups=groups)
    if not np.isfinite(spread):
        return AucDifference(old.auc, new.auc, nothing("a class has fewer than two rows", method="DeLong"), None)
    if spread <= _NOUGHT:
        found = _stratified(is_positive, baseline, current, delta, confidence, resamples, seed)
        return AucDifference(old.auc, new.auc, found, None)
    width = normal_quantile((1 + confidence) / 2) * np.sqrt(spread)

    def below(least: float) -> float:
        return float(normal_cdf((least - delta) / np.sqrt(spread)))

    pvalue = float(2 * normal_cdf(-abs(delta) / np.sqrt(spread)))
    return AucDifference(old.auc, new.auc, Spread(float(delta - width), float(delta + width), "DeLong", below), pvalue)


def _stratified(
    is_positive: Array,
    baseline: Array,
    current: Array,
    delta: float,
    confidence: float,
    resamples: int,
    seed: int,
) -> Spread:
    """Draws of positive and of negative rows, each class of its own size."""
    if len(is_positive) > 100_000:
        return nothing("the variance of the difference is 0", method="stratified bootstrap")
    generator = np.random.default_rng(seed)
    ones, zeros = np.flatnonzero(is_positive == 1), np.flatnonzero(is_positive == 0)
    drawn = []
    for _ in range(min(resamples, max(200, _BLOCK * 20 // len(is_positive)))):
        chosen = np.concatenate([generator.choice(ones, len(ones)), generator.choice(zeros, len(zeros))])
        pair = [components(is_positive[chosen], score[chosen]).auc for score in (baseline, current)]
        drawn.append(pair[1] - pair[0])
    found = bca(np.array(drawn), delta, acceleration=0.0, confidence=confidence)
    return Spread(found.low, found.high, "stratified bootstrap", found.below, found.why)
