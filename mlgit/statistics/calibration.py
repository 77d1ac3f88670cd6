"""Isotonic regression: the non-decreasing curve nearest to 0/1 outcomes over scores, and how far chance could move it.

By pooling adjacent violators (Ayer and others 1955, Ann. Math. Stat. 26, 641), in one pass. The curve is a step at the lowest
score of each block; at the scores that it was fitted to it equals scikit-learn's IsotonicRegression.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True, eq=False)
class StepCurve:
    """Steps of a curve, shape (k,) each: `y` holds from `x` on up to the next; `weights` is how many rows made each step."""

    x: Array
    y: Array
    weights: Array

    def steps(self, scores: Array) -> Array:
        """Which step each score is on, shape (n,); one below all is on the first."""
        return np.maximum(np.searchsorted(self.x, scores, side="right") - 1, 0)


def isotonic(scores: Array, outcomes: Array) -> StepCurve:
    """The non-decreasing curve with the least squared distance from the outcomes, shape (n,) each, at least one row."""
    x, place = np.unique(scores, return_inverse=True)
    weights = np.bincount(place).astype(float)
    means = np.bincount(place, weights=outcomes) / weights
    y, starts = pooled(means, weights)
    return StepCurve(x[starts], y, np.add.reduceat(weights, starts))


def pooled(means: Array, weights: Array) -> tuple[Array, Array]:
    """The blocks of neighbours that become one, so that no mean is below the one before: their means, and where each begins."""
    levels: list[float] = []
    sizes: list[float] = []
    starts: list[int] = []
    for place, (mean, weight) in enumerate(zip(means.tolist(), weights.tolist(), strict=True)):
        start = place
        while levels and levels[-1] >= mean:
            size = sizes.pop()
            mean = (levels.pop() * size + mean * weight) / (size + weight)  # noqa: PLW2901
            weight += size  # noqa: PLW2901
            start = starts.pop()
        levels.append(mean)
        sizes.append(weight)
        starts.append(start)
    return np.array(levels), np.array(starts, dtype=np.int64)


def coarse(curve: StepCurve, most: int) -> StepCurve:
    """A curve of at most so many steps: neighbours are put together, about as many rows in each."""
    if len(curve.x) <= most:
        return curve
    reached = np.cumsum(curve.weights) - curve.weights / 2
    bins = np.minimum((reached / curve.weights.sum() * most).astype(np.int64), most - 1)
    starts = np.flatnonzero(np.diff(bins, prepend=-1))
    weights = np.add.reduceat(curve.weights, starts)
    return StepCurve(curve.x[starts], np.add.reduceat(curve.y * curve.weights, starts) / weights, weights)


def redrawn(curve: StepCurve, *, draws: int, seed: int) -> Array:
    """The steps of curves that rows like those could have given, shape (draws, k).

    Each step is drawn anew from what its rows tell of it (a beta distribution with Jeffreys' prior), and steps that fall are
    pooled.
    """
    hits = np.clip(curve.y * curve.weights, 0, curve.weights)
    generator = np.random.default_rng([seed, 2])
    drawn = generator.beta(hits + 0.5, curve.weights - hits + 0.5, size=(draws, len(curve.y)))
    for line in drawn:
        levels, starts = pooled(line, curve.weights)
        line[:] = np.repeat(levels, np.diff(np.append(starts, len(line))))
    return np.asarray(drawn)
