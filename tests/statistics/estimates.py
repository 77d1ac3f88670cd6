"""Estimates of metrics by name, and what must hold for any of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlgit.statistics import estimators, student
from mlgit.statistics.measure import Measure
from mlgit.statistics.predictions import Predictions

_STEP = 1e-5


def estimate(name, given, *, positive=None, place=0, **parameters):
    """The estimate of a built-in metric; `place` is which of the estimators of that name."""
    found = estimators.named(name)[place]
    assert {*parameters} <= {*found.takes}
    return found.estimate(given, Measure(name, **parameters), positive)


def derivatives(name, given, **parameters):
    """How far the value moves as the weight of a row, or of all rows of its query, grows by a part of it; at first rows."""
    groups = np.arange(given.size) if given.query is None else np.unique(given.query, return_inverse=True)[1]
    weight = np.ones(given.size) if given.weight is None else np.asarray(given.weight, dtype=float)
    found = np.zeros(given.size)
    for group in range(groups.max() + 1):
        ends = [
            estimate(name, replace(given, weight=weight * np.where(groups == group, 1 + step, 1.0)), **parameters).value
            for step in (_STEP, -_STEP)
        ]
        found[np.flatnonzero(groups == group)[0]] = (ends[0] - ends[1]) / (2 * _STEP)
    return found


def check(name, given, **parameters):
    """Influences are derivatives, sum to 0, and are those of the sums, which give the value too."""
    found = estimate(name, given, **parameters)
    size = max(1.0, abs(found.value))
    assert found.influence == pytest.approx(derivatives(name, given, **parameters), abs=1e-6 * size)
    assert found.influence.sum() == pytest.approx(0, abs=1e-9 * size)
    if found.sums is not None:
        assert found.sums.value == pytest.approx(found.value, rel=1e-9, abs=1e-12)
        assert student.influences(found.sums) == pytest.approx(found.influence, abs=1e-6 * size)
        assert found.sums.function(3 * found.sums.totals) == pytest.approx(found.value, rel=1e-9, abs=1e-12)
    assert found.least <= found.value <= found.most
    return found


def weighted(weight, *columns):
    """Columns in which each row stands as often as its weight says."""
    return [np.repeat(np.asarray(each), weight, axis=0) for each in columns]


def predictions(label=None, **columns):
    """Predictions with these columns as arrays."""
    made = {name: np.asarray(each) for name, each in columns.items()}
    return Predictions(None if label is None else np.asarray(label), **made)
