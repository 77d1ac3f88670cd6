"""Bootstrap intervals of statistics that are functions of sums: of counts over cells, of terms over rows, of clusters.

A metric of a confusion matrix depends on a few joint counts only, and a mean on a few sums; so whole samples are drawn as
counts of cells instead of rows (multinomial draws), which is the same bootstrap at a fraction of the cost. Intervals are
bias-corrected and accelerated (BCa: Efron 1987, J. Am. Stat. Assoc. 82, 171). With many different rows the same interval
is computed without draws, to the same second order (ABC: DiCiccio and Efron 1992, Biometrika 79, 231).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.render.text import count
from mlgit.statistics.distributions import normal_cdf, normal_cdfs, normal_quantile

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# With fewer rows, bootstrap intervals are too narrow to be shown.
FEWEST_ROWS = 30
# Above this many different cells, draws cost much and tell no more than the analytic interval.
MOST_CELLS = 2500
# A statistic undefined in more than this share of the draws has too little to stand on.
MOST_UNDEFINED = 0.01
SAME = "every resample gives the same value"
_BLOCK = 2_000_000
_STEP = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """A sample as cells, and what is made from its sums.

    `features` has shape (M, d), `counts` (M,) says how many rows (or clusters) each cell stands for; `function` turns
    sums of shape (..., d) into values of shape (...), and must not depend on the scale of the sums.
    """

    features: Array
    counts: Array
    function: Callable[[Array], Array]

    @property
    def size(self) -> int:
        """How many rows or clusters were sampled."""
        return int(self.counts.sum())

    @property
    def totals(self) -> Array:
        """The sums of the sample itself, shape (d,)."""
        return self.counts.astype(float) @ self.features

    @property
    def value(self) -> float:
        """The statistic of the sample itself."""
        return float(self.function(self.totals))


def _unknown(_: float) -> float:
    return float("nan")


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the truth may lie: ends of a two-sided interval, NaN where it is not possible to say; `why` then says why.

    `below(x)` is the one-sided p-value of the hypothesis that the truth is x or less: x is the low end of the interval
    whose lower tail is that p-value. `draws` is how many draws it rests on. `note` is
    what a reader must know of the interval, and unless `may_pass` it shows no claim: too few rows decide.
    """

    low: float
    high: float
    method: str
    below: Callable[[float], float] = _unknown
    why: str = ""
    draws: int = 0
    note: str = ""
    may_pass: bool = True


def nothing(why: str, *, method: str = "") -> Spread:
    """No interval, and why."""
    return Spread(float("nan"), float("nan"), method, why=why)


def too_few(units: int, noun: str) -> Spread:
    """No interval from so few rows, or clusters of them."""
    return nothing(f"{count(units, noun)}, at least {FEWEST_ROWS} needed")


def interval(sums: Sums, *, confidence: float, resamples: int, seed: int) -> Spread:
    """The interval of a statistic of sums.

    Draws are made with numpy's PCG64 from the seed, in blocks of a fixed size, so they are the same on every machine.
    """
    if sums.size < 2:
        return nothing("an interval needs at least two rows")
    if not np.isfinite(sums.value):
        return nothing("the metric is undefined for these rows")
    with np.errstate(divide="ignore", invalid="ignore"):
        if len(sums.counts) > MOST_CELLS:
            return abc(sums, confidence=confidence)
        drawn = draws(sums, resamples=resamples, seed=seed)
        return bca(drawn, sums.value, acceleration=_acceleration(sums), confidence=confidence)


def draws(sums: Sums, *, resamples: int, seed: int) -> Array:
    """The statistic of samples drawn with replacement, shape (resamples,)."""
    generator = np.random.default_rng(seed)
    cells, width = sums.features.shape
    block = max(1, _BLOCK // max(cells, width))
    found = []
    for start in range(0, resamples, block):
        weights = _weights(generator, sums.counts, min(block, resamples - start))
        found.append(sums.function(weights @ sums.features))
    return np.concatenate(found)


def _weights(generator: Any, counts: Array, number: int) -> Array:
    """How often each cell is drawn, shape (number, M)."""
    cells, size = len(counts), int(counts.sum())
    if size > 2 * cells:
        return np.asarray(generator.multinomial(size, counts / size, size=number), dtype=float)
    rows = np.repeat(np.arange(cells), counts.astype(int))
    chosen = rows[generator.integers(0, size, size=(number, size), dtype=np.int32)]
    chosen += np.arange(number)[:, None] * cells
    return np.bincount(chosen.ravel(), minlength=number * cells).reshape(number, cells).astype(float)


def _acceleration(sums: Sums) -> float:
    """From leaving out one row (or cluster) of each cell."""
    left = sums.function(sums.totals - sums.features)
    centred = (left * sums.counts).sum() / sums.size - left
    return skewness(centred, sums.counts)


def skewness(influence: Array, counts: Array) -> float:
    """A sixth of the standardised third moment of the influences, the acceleration of Efron 1987; 0 where none is."""
    squares = float((counts * influence**2).sum())
    found = float((counts * influence**3).sum()) / (6 * squares**1.5) if squares > 0 else 0.0
    return found if np.isfinite(found) else 0.0


def bca(drawn: Array, value: float, *, acceleration: float, confidence: float) -> Spread:
    """The BCa interval from draws of a statistic, its value in the sample, and the acceleration.

    Draws in which the statistic is undefined are left out; more than one in a hundred of them is no interval.
    """
    method = "BCa bootstrap"
    known = drawn[np.isfinite(drawn)]
    if len(known) < (1 - MOST_UNDEFINED) * len(drawn):
        return nothing(
            f"undefined in {1 - len(known) / len(drawn):.0%} of the resamples: too few rows of a class", method=method
        )
    if known.min() == known.max():
        return nothing(SAME, method=method)
    shift = _shift(known, value)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    moved = shift + np.array([normal_quantile(float(tail)) for tail in tails])
    low, high = np.quantile(known, normal_cdfs(shift + _stretched(moved, -acceleration)))

    def below(least: float) -> float:
        place = normal_quantile(_at_most(known, least)) - shift
        return normal_cdf(float(_stretched(np.array(place), acceleration)) - shift)

    return Spread(float(low), float(high), method, below, draws=len(drawn))


def _stretched(place: Array, acceleration: float) -> Array:
    """place / (1 + acceleration place), which grows beyond all bounds where the divisor comes to 0."""
    gap = 1 + acceleration * place
    return np.where(gap > 0, place / np.where(gap > 0, gap, 1.0), np.copysign(np.inf, place))


def _shift(known: Array, value: float) -> float:
    """The bias correction z0; draws equal to the value count half, which matters for counts."""
    return normal_quantile(_at_most(known, value))


def _at_most(known: Array, value: float) -> float:
    """The share of draws below the value, never 0 or 1: a draw not seen may still be possible."""
    close = 1e-12 * max(1.0, abs(value))
    share = float(((known < value - close).sum() + 0.5 * (np.abs(known - value) <= close).sum()) / len(known))
    least = 0.5 / (len(known) + 1)
    return min(max(share, least), 1 - least)


def abc(sums: Sums, *, confidence: float) -> Spread:
    """The approximate bootstrap confidence interval: BCa without draws, for smooth functions of means.

    From first and second derivatives of the statistic along the weight of every cell and along the least favourable
    direction, by the algorithm abcnon of DiCiccio and Efron.
    """
    method, size = "ABC bootstrap", sums.size
    mean = sums.totals / size
    slopes, curves = _derivatives(sums, mean)
    squares = float((sums.counts * slopes**2).sum())
    if not np.isfinite(squares) or squares <= 0:
        return nothing("every row has the same weight in the result", method=method)
    sigma = np.sqrt(squares) / size
    acceleration = skewness(slopes, sums.counts)
    direction = (sums.counts * slopes) @ (sums.features - mean) / (size**2 * sigma)
    step = _STEP
    ahead, behind = sums.function(mean + step * direction), sums.function(mean - step * direction)
    quadratic = (ahead - 2 * sums.value + behind) / (2 * sigma * step**2)
    curvature = float((sums.counts * curves).sum()) / (2 * size**2 * sigma) - quadratic
    shift = normal_quantile(min(max(2 * normal_cdf(acceleration) * normal_cdf(-curvature), 1e-12), 1 - 1e-12))
    end = normal_quantile((1 + confidence) / 2)
    moved = shift + np.array([-end, end])
    low, high = (float(sums.function(mean + place * direction)) for place in moved / (1 - acceleration * moved) ** 2)

    def below(least: float) -> float:
        return _tail(sums, mean, direction, least, shift=shift, acceleration=acceleration)

    return Spread(low, high, method, below)


def _derivatives(sums: Sums, mean: Array) -> tuple[Array, Array]:
    """First and second derivative of the statistic as the weight of each cell grows, shape (M,) each."""
    step, slopes, curves = _STEP, [], []
    block = max(1, _BLOCK // sums.features.shape[1])
    for start in range(0, len(sums.features), block):
        away = sums.features[start : start + block] - mean
        # a step in proportion to how far the cell is away keeps rare and extreme ones within the reach of the second order
        ahead, behind = sums.function(mean + step * away), sums.function(mean - step * away)
        slopes.append((ahead - behind) / (2 * step))
        curves.append((ahead - 2 * sums.value + behind) / step**2)
    return np.concatenate(slopes), np.concatenate(curves)


def _tail(sums: Sums, mean: Array, direction: Array, least: float, *, shift: float, acceleration: float) -> float:
    """The p-value whose interval would end at `least`, by bisection of the place along the least favourable direction."""
    low, high = -12.0, 12.0
    for _ in range(60):
        middle = (low + high) / 2
        moved = shift + middle
        gap = 1 - acceleration * moved
        end = sums.function(mean + moved / gap**2 * direction) if gap > 0 else np.copysign(np.inf, moved)
        low, high = (middle, high) if end < least else (low, middle)
    return float(normal_cdf(low))
