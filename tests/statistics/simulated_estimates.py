"""Pairs of models of known truth, and how often the interval of their difference ends on the wrong side of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from mlgit.statistics import estimate_comparison
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.predictions import Predictions
from tests.statistics.estimates import estimate

ASKED = ComparisonOptions(confidence_level=0.9, resamples=999)
_MANY = 400_000
_LOWER = {
    *("mape", "smape", "wape", "median_ae", "rmsle", "quantile_loss", "quantile_loss_mean", "interval_score"),
    *("coverage_error", "interval_width", "cost_per_row"),
}


@dataclass(frozen=True)
class Pair:
    """A metric of two models: `make(generator, size)` draws predictions of both; `size` counts rows, queries or cases."""

    name: str
    make: Callable[..., tuple[Predictions, Predictions]]
    size: int
    parameters: tuple[tuple[str, float], ...] = ()
    truth: float | None = None
    is_by_row: bool = False

    def __str__(self):
        told = "-".join(f"{name}={value:g}" for name, value in self.parameters)
        return f"{self.name}-{getattr(self.make, 'told', '') or self.make.__name__}-{self.size}{'-' + told if told else ''}"


@dataclass(frozen=True)
class Found:
    """Shares of the draws that pass wrongly, fail wrongly and have no interval, and that would find a difference of none."""

    passes: float
    fails: float
    silent: float
    found: float


def values(pair, pairs):
    return [estimate(pair.name, each, **dict(pair.parameters)) for each in pairs]


@cache
def truth(pair):
    """The difference in rows without end."""
    if pair.truth is not None:
        return pair.truth
    old, new = values(
        pair, pair.make(np.random.default_rng(99), _MANY // (1 if pair.is_by_row or "by" not in str(pair) else 8))
    )
    return new.value - old.value


def judged(pair, drawn, asked):
    structure = drawn[0]
    groups = None if structure.query is None or pair.is_by_row else np.unique(structure.query, return_inverse=True)[1]
    rows = RowStructure(groups=groups, weights=structure.weight)
    return estimate_comparison.compare(pair.name, *values(pair, drawn), rows=rows, question=asked)


def errors(pair, *, draws, seed=3):
    """How often the interval of a difference, of 90 %, ends on the wrong side of the truth: 5 % each is what it promises."""
    generator, counted, real = np.random.default_rng([seed, pair.size]), np.zeros(4), truth(pair)
    for _ in range(draws):
        found = judged(pair, pair.make(generator, pair.size), ASKED)
        if found.low is None:
            counted[2] += 1
            continue
        low, high = found.low, found.high
        passes, fails = (high < real, low > real) if pair.name in _LOWER else (low > real, high < real)
        counted += [passes and found.may_pass, fails, 0, low > 0 or high < 0]
    return Found(*(counted / draws).tolist())
