"""Two recipes compared over repeated splits of one data set, whose training sets overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr, stdtrit


@dataclass(frozen=True, slots=True)
class Repeated:
    """The mean difference current - baseline, its interval, and the t statistic with its p-values."""

    delta: float
    low: float
    high: float
    statistic: float
    pvalue: float
    pvalue_greater: float


def corrected_t(differences: Sequence[float], *, train: int, test: int, confidence: float = 0.95) -> Repeated | None:
    """The t test of differences of a metric, one per split, with `train` and `test` rows in each split.

    The variance is enlarged by test / train, since splits share rows (Nadeau and Bengio 2003, Mach. Learn. 52, 239; Bouckaert
    and Frank 2004). None for fewer than two splits and when all differ by the same.
    """
    number = len(differences)
    if number < 2:
        return None
    delta = math.fsum(differences) / number
    variance = math.fsum((each - delta) ** 2 for each in differences) / (number - 1)
    if not variance > 1e-24 * delta**2:  # what rounding leaves of equal differences
        return None
    error = math.sqrt(variance * (1 / number + test / train))
    statistic, freedom = delta / error, number - 1
    width = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    pvalue = 2 * float(stdtr(freedom, -abs(statistic)))
    return Repeated(delta, delta - width, delta + width, statistic, pvalue, float(stdtr(freedom, -statistic)))
