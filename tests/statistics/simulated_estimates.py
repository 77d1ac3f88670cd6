"""Pairs of models of known truth, and how often the interval of their difference ends on the wrong side of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from mlgit.statistics import estimate_comparison, estimators
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.predictions import Predictions
from tests.statistics.estimates import estimate

ASKED = ComparisonOptions(confidence_level=0.9, resamples=999)
# So many rows, queries or cases tell what the truth is.
_MANY, _MANY_GROUPS = 400_000, 50_000
COSTS = {1: {0: 50.0}, 0: {1: 1.0}}
_LEVELS = {0.05: -1.645, 0.1: -1.2816, 0.5: 0.0, 0.9: 1.2816, 0.95: 1.645}


def skewed(generator, size, *, heavy=1.0, is_weighted=False):
    """Labels whose logarithms are normal, and predictions off by a factor, the second model's more so."""
    label, shared = generator.lognormal(1, heavy, size), generator.normal(size=size)
    weight = generator.lognormal(0, 0.7, size) if is_weighted else None
    off = [bias + spread * 0.7 * (shared + generator.normal(size=size)) for bias, spread in ((0.0, 0.3), (0.05, 0.36))]
    return [Predictions(label, label * np.exp(each), weight=weight) for each in off]


def forecast(generator, size):
    """Quantiles of a normal distribution for labels of heavier tails; the second model's are off and wider."""
    centre = generator.normal(size=size)
    label, found = centre + generator.standard_t(4, size=size), []
    for bias, spread in ((0.0, 1.0), (0.15, 1.15)):
        middle = centre + bias + 0.1 * generator.normal(size=size)
        found.append(Predictions(label, quantiles={level: middle + spread * place for level, place in _LEVELS.items()}))
    return found


def covering(generator, size, *, shares=(0.8, 0.9), together=0.5):
    """Intervals that hold the label in these shares of rows, the same rows as far as models agree."""
    one, own = generator.random(size), generator.random(size)
    other = np.where(generator.random(size) < together, one, own)
    ends = [np.where(drawn < share, -1.0, 1.0) for drawn, share in zip((one, other), shares, strict=True)]
    return [Predictions(np.zeros(size), quantiles={0.1: each, 0.9: np.full(size, 2.0)}) for each in ends]


def costly(generator, size, *, share=0.05):
    """A rare class that is dear to miss, and of which the second model misses more."""
    label, drawn, found = (generator.random(size) < share).astype(int), generator.random(size), []
    for miss in (0.2, 0.25):
        place = np.where(generator.random(size) < 0.7, drawn, generator.random(size))
        found.append(Predictions(label, np.where(label == 1, place > miss, place < 0.1).astype(int), costs=COSTS))
    return found


def searched(generator, number):
    """Queries of very different sizes, some hard and some without a relevant row; scores with ties."""
    sizes = np.maximum(2, generator.lognormal(2, 1.2, number)).astype(int)
    query = np.repeat(np.arange(number), sizes)
    rows, hard = len(query), np.exp(0.3 * generator.normal(size=number))[query]
    relevance, shared = (generator.random(rows) < 0.25) * generator.integers(1, 4, rows), generator.normal(size=rows)
    noise = [spread * hard * 0.7 * (shared + generator.normal(size=rows)) for spread in (0.8, 1.0)]
    return [Predictions(relevance, score=np.round(relevance + each, 1), query=query) for each in noise]


def tried(generator, number, *, tries=5, shift=0.0, own=0.5, is_by_row=False):
    """Tries of cases of which some are hard for both models, and some for one."""
    shared, query = generator.normal(0.5, 1.5, number), np.repeat(np.arange(number), tries)
    found = []
    for moved in (0.0, shift):
        rate = 1 / (1 + np.exp(-(shared + generator.normal(0, own, number) + moved)))
        passed = generator.random(number * tries) < rate[query]
        found.append(Predictions(None, value=passed, query=np.arange(len(query)) if is_by_row else query))
    return found


@dataclass(frozen=True)
class Pair:
    """A metric of two models: `make(generator, size, **made)` draws predictions of both; `size` counts rows, queries, cases."""

    name: str
    make: Callable[..., list[Predictions]]
    size: int
    parameters: tuple[tuple[str, float], ...] = ()
    made: tuple[tuple[str, object], ...] = ()

    def __str__(self):
        told = [f"{name}={value}" for name, value in (*self.parameters, *self.made)]
        return "-".join([self.name, self.make.__name__, str(self.size), *told])

    def drawn(self, generator, size):
        return self.make(generator, size, **dict(self.made))

    def estimates(self, pair):
        return [estimate(self.name, each, **dict(self.parameters)) for each in pair]

    @property
    def is_lower(self):
        return estimators.named(self.name)[0].better == "lower"


@dataclass(frozen=True)
class Found:
    """Shares of the draws that pass wrongly, fail wrongly and have no interval, and of those that show a difference."""

    passes: float
    fails: float
    silent: float
    shown: float


@cache
def truth(name, make, parameters, made):
    """The difference in rows without end."""
    pair = Pair(name, make, 0, parameters, made)
    old, new = pair.estimates(pair.drawn(np.random.default_rng(99), _MANY_GROUPS if make in (searched, tried) else _MANY))
    return new.value - old.value


def errors(pair, *, draws, seed=3):
    """How often the interval of a difference, of 90 %, ends on the wrong side of the truth: 5 % each is what it promises."""
    generator, counted = np.random.default_rng([seed, pair.size]), np.zeros(4)
    real = truth(pair.name, pair.make, pair.parameters, pair.made)
    for _ in range(draws):
        drawn = pair.drawn(generator, pair.size)
        rows = RowStructure(groups=drawn[0].query, weights=drawn[0].weight)
        found = estimate_comparison.compare(pair.name, *pair.estimates(drawn), rows=rows, question=ASKED)
        if found.low is None:
            counted[2] += 1
            continue
        below, above = found.high < real, found.low > real
        passes, fails = (below, above) if pair.is_lower else (above, below)
        counted += [passes and found.may_pass, fails, 0, found.low > 0 or found.high < 0]
    return Found(*(counted / draws).tolist())
