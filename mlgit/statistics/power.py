"""How many rows a claim needs, and how small a difference a test set can prove.

For paired rows the variance of one row's difference decides: of accuracy it is the share of rows only one model has right
(Connor 1987, Biometrics 43, 207, for differences near 0), of a mean loss the variance of the difference of the losses.
"""

from __future__ import annotations

import math

from mlgit.statistics.distributions import normal_cdf, normal_quantile


def rows_needed(margin: float, *, variance: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Rows to prove, one-sided at `alpha` and with this power, that an unchanged model is not worse by `margin`."""
    if not margin > 0:
        raise ValueError("a margin of 0 cannot be proven with any number of rows")
    return max(1, math.ceil(_places(alpha, power) ** 2 * variance / margin**2 - 1e-9))


def smallest_difference(number: int, *, variance: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest margin that `number` rows can prove with this power (the minimum detectable effect)."""
    return _places(alpha, power) * math.sqrt(variance / number)


def _places(alpha: float, power: float) -> float:
    return float(normal_quantile(1 - alpha) + normal_quantile(power))


def variance_of_row(low: float, high: float, number: int, *, confidence: float) -> float:
    """The variance of one row's difference that a two-sided interval of `number` rows goes with, taken as normal."""
    return ((high - low) / 2 / normal_quantile((1 + confidence) / 2)) ** 2 * number


def chance_of_drop(margin: float, *, rows: int, differing: float) -> float:
    """The chance that a share of `rows` falls by more than a margin though nothing changed, where two models differ on the
    share `differing` of the rows: normal, with the correction for whole rows."""
    least = (math.floor(margin * rows + 1e-9) + 0.5) / rows
    return normal_cdf(-least / math.sqrt(differing / rows))
