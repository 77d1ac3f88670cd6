"""Distances from 0 of what is estimated: they come out too large, the more so the nearer the truth is to 0."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics.distributions import normal_cdf
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.resampling import Spread

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# How many standard errors nearer to 0 the truth may be.
_PLACE = 1.645
# The mean distance from 0 of a standard normal value.
MEAN = math.sqrt(2 / math.pi)
# An overshoot below this part of a standard error says that no sign is in doubt.
_NOTHING = 0.1


def overshoot(value: float, spread: float) -> float:
    """How far the distance of a normal estimate lies above that of the truth in the mean, at most: for all truths that are not
    surely farther off. `spread` is its standard error."""
    if spread <= 0:
        return 0.0
    nearest = max(0.0, abs(value) / spread - _PLACE)
    density = math.exp(-nearest * nearest / 2) / math.sqrt(2 * math.pi)
    return 2 * spread * (density - nearest * normal_cdf(-nearest))


def stretched(found: Spread, value: float, *, below: float = 0.0, above: float = 0.0) -> Spread:
    """The interval of a value, with so much added at either end for what it may be off in the mean."""

    def chance(least: float) -> float:
        moved = min(least + below, value) if least < value else max(least - above, value)
        return found.below(moved)

    return replace(found, low=found.low - below, high=found.high + above, below=chance) if below or above else found


def are_in_doubt(baseline: Estimate, current: Estimate) -> bool:
    """Whether it is in doubt which way rows move either of two values.

    Then it is chance whether a row moves both the same way: what they have in common cannot be taken off their difference.
    """
    squares = float(baseline.influence @ baseline.influence) + float(current.influence @ current.influence)
    return baseline.overshoot + current.overshoot > _NOTHING * math.sqrt(squares)


def apart(baseline: Estimate, current: Estimate, rows: RowStructure) -> tuple[Array, RowStructure]:
    """The influences on a difference as if each value came from rows of its own, shape (2n,), and how those hang together."""
    size = len(baseline.influence)
    groups, order, weights = rows.groups, rows.order, rows.weights
    twice = RowStructure(
        None if groups is None else np.concatenate([groups, groups + int(groups.max()) + 1]),
        None if order is None else np.concatenate([order, np.asarray(order) + size]),
        None if weights is None else np.concatenate([weights, weights]),
    )
    return np.concatenate([-baseline.influence, current.influence]), twice
