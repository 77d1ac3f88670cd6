"""The score interval of a difference between two models to which rows add more or less: Tango's (1998) for any weights.

Tango's interval asks of each difference that may be true: if it were, how far off is what was seen? The spread is that of the
table most likely under the hypothesis, not of the table seen, and so it does not vanish where no row speaks against the
hypothesis. Here the same is done where rows are worth more or less than one another, as in F1: under the hypothesis the rows
weigh as makes them most likely (empirical likelihood, Owen 1988, Biometrika 75, 237), and rows of kinds that were not seen
may weigh too. For recall it is Tango's interval among the rows of the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_STEPS = 60
_CLOSE = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Two models on the same rows.

    `counts` (..., M) says how many rows (or clusters of them) are of each kind, 0 for kinds that are possible and not seen.
    Per row of a kind: `gain` is what it adds to the difference current - baseline, and `old_share`, `new_share` its part in
    what the metric of each model is divided by. `old` and `new` (...,) are the metric's values, between `least` and `most`.
    """

    counts: Array
    gain: Array
    old_share: Array
    new_share: Array
    old: Array
    new: Array
    least: float = 0.0
    most: float = 1.0


def statistic(sample: Sample, *, delta: Array | float) -> Array:
    """The score statistic (standard normal) of the hypothesis that current - baseline is `delta`, shape (...,)."""
    delta = np.asarray(delta, dtype=float)
    # under the hypothesis the current model is off by delta as far as its range allows, and the baseline gives the rest
    new = np.clip(sample.old + delta, sample.least, sample.most)
    left_new, left_old = sample.new - new, sample.old - (new - delta)
    gap = left_new - left_old
    side = np.where(gap >= 0, 1.0, -1.0)
    pull = side[..., None] * (sample.gain + left_new[..., None] * sample.new_share - left_old[..., None] * sample.old_share)
    spread = _variance(sample.counts, pull)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = gap / np.sqrt(spread)
    return np.where(gap == 0, 0.0, np.where(spread > 0, found, side * np.inf))


def _variance(counts: Array, pull: Array) -> Array:
    """The spread of the sum of `pull` under the weights most likely among those that make the sum 0, shape (...,).

    The sum is at least 0 as seen. Weights are counts / (1 + tilt * pull), up to the tilt at which the kind that pulls down most
    has a divisor of 0: if it was not seen, what is left there is the weight it takes. Between, the tilt is found by Newton.
    """
    lowest = pull.min(axis=-1)
    bound = 1 / np.maximum(-lowest, 1e-300)
    is_seen, product = counts > 0, counts * pull
    is_last = is_seen & (pull <= lowest[..., None])
    with np.errstate(divide="ignore", invalid="ignore"):
        rest = (product / np.where(is_seen & ~is_last, 1 + bound[..., None] * pull, 1.0)).sum(axis=-1)
    is_beyond = (rest > 0) & ~is_last.any(axis=-1)
    low, high, tilt = np.zeros(bound.shape), bound * (1 - _CLOSE), np.where(is_beyond, bound, 0.0)
    for _ in range(_STEPS):
        divisor = np.where(is_seen, 1 + tilt[..., None] * pull, 1.0)
        weighed = product / divisor
        rest, slope = weighed.sum(axis=-1), (weighed * pull / divisor).sum(axis=-1)
        low, high = np.where(rest > 0, tilt, low), np.where(rest > 0, high, tilt)
        step = tilt + rest / np.maximum(slope, 1e-300)
        following = np.where(is_beyond, bound, np.where((step >= low) & (step <= high), step, (low + high) / 2))
        is_close = np.abs(following - tilt) <= _CLOSE * bound
        tilt = following
        if is_close.all():
            break
    spread = (weighed * pull).sum(axis=-1) + np.where(is_beyond, rest * -lowest, 0.0)
    return np.where(lowest < 0, spread, 0.0)


def interval(sample: Sample, *, place: float) -> tuple[float, float]:
    """The differences that the score test does not reject, where it rejects beyond `place` on either side."""
    return _end(sample, -1, place), _end(sample, 1, place)


def _end(sample: Sample, side: int, place: float) -> float:
    """Where the size of the statistic, 0 at the difference seen, passes `place`: regula falsi, halving when it gets stuck."""
    near, most = float(sample.new - sample.old), sample.most - sample.least
    spread = float(np.sqrt((sample.counts * sample.gain**2).sum()))
    stride = max(place * (spread + place * float(np.abs(sample.gain).max())), most * 1e-6)
    low, far = -place, near
    while low < 0:
        if side * far >= most:
            return side * most
        beyond = min(most, max(-most, far + side * stride))
        high = abs(float(statistic(sample, delta=beyond))) - place
        if high >= 0:
            break
        near, low, far, stride = beyond, high, beyond, 2 * stride
    for turn in range(_STEPS):
        is_halved = turn % 4 == 3 or not np.isfinite(high)
        guess = (near + beyond) / 2 if is_halved else near - low * (beyond - near) / (high - low)
        here = abs(float(statistic(sample, delta=guess))) - place
        if here < 0:
            near, low = guess, here
        else:
            beyond, high = guess, here
        if abs(here) < _CLOSE or abs(beyond - near) < _CLOSE:
            break
    return near if -low < high else beyond
