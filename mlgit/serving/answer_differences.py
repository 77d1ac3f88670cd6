"""How far two versions differ in what they answered to the same rows, while nobody knows yet who is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.statistics import bootstrap
from mlgit.statistics.distributions import student_quantile

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Agreement:
    """The share of rows with the same prediction, with its interval; `same` of `n` rows."""

    value: float
    low: float
    high: float
    same: int
    n: int
    confidence_level: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class AmountDifferences:
    """Differences of numbers, challenger - champion: their mean with its interval, None where one row tells none.

    `typical` is the mean of how far apart they are, `wide` what 99 % of them are within, `widest` the largest of all.
    """

    mean: float
    low: float | None
    high: float | None
    typical: float
    wide: float
    widest: float
    n: int
    confidence_level: float = CONFIDENCE


def agreement(champion: Sequence[Any], challenger: Sequence[Any]) -> Agreement:
    """How many of at least one row have the same prediction; 1 and 1.0 are the same."""
    same, n = sum(one == other for one, other in zip(champion, challenger, strict=True)), len(champion)
    return Agreement(same / n, *bootstrap.wilson(same, n, confidence=CONFIDENCE), same, n)


def amounts(champion: Sequence[float], challenger: Sequence[float]) -> AmountDifferences | None:
    """How far numbers are apart; None where none of them is finite."""
    apart = np.asarray(challenger, dtype=float) - np.asarray(champion, dtype=float)
    apart = apart[np.isfinite(apart)]
    n = len(apart)
    if not n:
        return None
    mean, width = float(apart.mean()), None
    if n > 1:
        deviation = float(apart.std(ddof=1))
        width = student_quantile((1 + CONFIDENCE) / 2, n - 1) * deviation / n**0.5 if deviation else 0.0
    absolute = np.abs(apart)
    return AmountDifferences(
        mean,
        None if width is None else mean - width,
        None if width is None else mean + width,
        float(absolute.mean()),
        float(np.quantile(absolute, 0.99)),
        float(absolute.max()),
        n,
    )
