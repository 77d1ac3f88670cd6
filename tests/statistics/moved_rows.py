"""What a metric does when one row weighs a little more, and estimators by name: influences are held against that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlgit.statistics import estimators
from mlgit.statistics.measure import Measure


def estimate(name, given, *, positive=None, **parameters):
    """The estimate of the estimator of that name which reads the columns that are there."""
    fits = [each for each in estimators.named(name) if all(has(given, need) for need in each.needs)]
    return fits[0].estimate(given, Measure(name, **parameters), positive)


def has(given, need):
    """Whether predictions have what an estimator needs."""
    found = getattr(given, need)
    return found is not None and (not isinstance(found, dict) or bool(found))


def derivatives(name, given, *, rows, positive=None, step=1e-5, **parameters):
    """How far the metric moves by the weight of each of some rows, times that weight; by differences."""
    start = np.ones(given.size) if given.weight is None else np.asarray(given.weight, dtype=float)
    found = []
    for row in rows:
        values = []
        for side in (1, -1):
            weight = start.copy()
            weight[row] += side * step * start[row]
            values.append(estimate(name, replace(given, weight=weight), positive=positive, **parameters).value)
        found.append((values[0] - values[1]) / (2 * step))
    return np.array(found)


def spread(name, given, *, draws, seed=0, positive=None, **parameters):
    """The standard error by drawing rows again and again."""
    generator, values = np.random.default_rng(seed), []
    for _ in range(draws):
        chosen = generator.integers(0, given.size, given.size)
        values.append(estimate(name, taken(given, chosen), positive=positive, **parameters).value)
    return float(np.nanstd(values))


def taken(given, rows):
    """Some rows of predictions."""
    columns = ("label", "prediction", "score", "query", "weight", "value")
    found = {each: np.asarray(getattr(given, each))[rows] for each in columns if getattr(given, each) is not None}
    return replace(given, **found, scores={key: np.asarray(each)[rows] for key, each in given.scores.items()})
