"""The best of many candidates beside one baseline, on the same rows: what its gain is worth once the picking is heeded.

The maximum of studentized gains over all candidates (White 2000, Econometrica 68, 1097; Romano and Wolf 2005, Econometrica
73, 1237), with its distribution from Gaussian multipliers of the rows' influences (Chernozhukov, Chetverikov and Kato 2013,
Ann. Statist. 41, 2786): candidates that say nearly the same of every row count nearly as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.statistics import blocks, leverage

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

DRAWS = 9999
_LEAST = 1e-12  # of a variance beside the largest: what is left where all rows say the same


@dataclass(frozen=True, slots=True)
class BestOfMany:
    """One of many gains over the baseline, where more is better.

    `low` and `high` are the ends of an interval that holds for all candidates at once; each end serves a one-sided claim with
    half of what is missing to `confidence_level`. `pvalue` is the chance that the best of so many candidates, none of which is
    better than the baseline, looks as good. `optimism` is by how much a gain picked as the largest is too high on average.
    """

    low: float
    high: float
    confidence_level: float
    pvalue: float
    optimism: float


def judge(
    gains: Array, influence: Array, *, chosen: int, confidence_level: float, seed: int, draws: int = DRAWS
) -> BestOfMany | None:
    """What the gain of the candidate `chosen` is worth among all: `gains` (k,), and the influence of each row or cluster on
    each, (k, n), which sum to 0. None where the rows tell nothing of the chosen one.
    """
    spread = np.sqrt([float(leverage.widened(each**2).sum()) for each in influence])
    if len(gains) == 0 or not spread[chosen] > 0:
        return None
    varied = spread > _LEAST * spread.max()
    noise = _noise(influence[varied], draws=draws, seed=seed)
    own = np.sqrt((influence[varied] ** 2).sum(axis=1))
    stretch = math.sqrt(influence.shape[1] / max(influence.shape[1] - 1, 1))
    largest = (noise / own * stretch).max(axis=1)
    place = float(gains[chosen]) / float(spread[chosen])
    reach = float(np.quantile(largest, 1 - (1 - confidence_level) / 2)) * float(spread[chosen])
    shifted = np.broadcast_to(gains, (draws, len(gains))).copy()
    shifted[:, varied] += noise
    picked = shifted.argmax(axis=1)
    return BestOfMany(
        low=float(gains[chosen]) - reach,
        high=float(gains[chosen]) + reach,
        confidence_level=confidence_level,
        pvalue=(int((largest >= place).sum()) + 1) / (draws + 1),
        optimism=float((shifted[np.arange(draws), picked] - gains[picked]).mean()),
    )


def _noise(influence: Array, *, draws: int, seed: int) -> Array:
    """Sums of rows with normal weights, (draws, k): of as many numbers a draw as there are rows or candidates."""
    generator = np.random.default_rng(seed)
    if influence.shape[1] <= influence.shape[0]:
        return np.asarray(generator.normal(size=(draws, influence.shape[1])) @ influence.T)
    values, vectors = np.linalg.eigh(influence @ influence.T)
    factor = vectors * np.sqrt(np.maximum(values, 0.0))
    return np.asarray(generator.normal(size=(draws, len(values))) @ factor.T)


def in_blocks(influence: Array, order: Array) -> Array:
    """The influences (k, n) of rows of a series, added up over blocks of neighbours in time that suit all candidates."""
    sorted_rows = influence[:, order]
    width = max((blocks.whole_length(each) for each in sorted_rows), default=1)
    starts = np.arange(0, sorted_rows.shape[1], width)
    return np.asarray(np.add.reduceat(sorted_rows, starts, axis=1))
