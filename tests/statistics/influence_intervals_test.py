"""Intervals from influences alone: rows, clusters, series and weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlgit.statistics import influence_intervals
from mlgit.statistics.distributions import student_quantile
from mlgit.statistics.influence_intervals import RowStructure

HOW = {"confidence": 0.9, "resamples": 999, "seed": 0}


def influences(size, *, seed=0):
    """Influences of a mean of normal values."""
    each = np.random.default_rng(seed).normal(size=size)
    return (each - each.mean()) / size


def test_rows_without_weights_are_drawn():
    each = influences(200)
    found = influence_intervals.interval(0.7, each, RowStructure(), **HOW)
    half = 1.645 * math.sqrt((each**2).sum())
    assert (found.method, found.draws) == ("bootstrap-t", 999)
    assert (found.low, found.high) == (pytest.approx(0.7 - half, abs=0.15 * half), pytest.approx(0.7 + half, abs=0.15 * half))


def test_weights_are_held_against_students_t_by_what_they_are_worth():
    weights = np.concatenate([np.full(50, 4.0), np.ones(100)])
    each = influences(150) * weights
    found = influence_intervals.interval(0.0, each - each.mean(), RowStructure(weights=weights), **HOW)
    worth = weights.sum() ** 2 / (weights**2).sum()
    width = student_quantile(0.95, worth - 1) * math.sqrt(((each - each.mean()) ** 2).sum())
    assert found.method == "influences, worth 100 rows of equal weight"
    assert found.high == pytest.approx(width, rel=0.05)
    assert found.below(found.low) == pytest.approx(0.05)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_scale_of_weights_does_not_matter(size):
    assert influence_intervals.worth(RowStructure(weights=size * np.array([1.0, 1.0, 2.0])), 3) == pytest.approx(16 / 6)


def test_few_heavy_rows_are_too_few():
    weights = np.concatenate([np.full(10, 100.0), np.ones(200)])
    found = influence_intervals.interval(0.5, influences(210), RowStructure(weights=weights), **HOW)
    assert found.why == "210 rows, which are worth 14 of equal weight, at least 30 needed"


def test_clusters_of_unequal_size_are_counted_by_what_they_are_worth():
    groups = np.concatenate([np.arange(40), np.zeros(200, dtype=int)])
    found = influence_intervals.interval(0.5, influences(240), RowStructure(groups=groups), **HOW)
    assert found.why == "40 clusters, which are worth 1 of equal size, at least 30 needed"
    few = influence_intervals.interval(0.5, influences(240), RowStructure(groups=np.arange(240) % 29), **HOW)
    assert few.why == "29 clusters, at least 30 needed"


def test_clusters_whose_rows_agree_widen_it():
    each, groups = np.repeat(influences(60), 5) / 5, np.repeat(np.arange(60), 5)
    alone, whole = (
        influence_intervals.interval(0.0, each, structure, **HOW) for structure in (RowStructure(), RowStructure(groups))
    )
    assert whole.high > 1.8 * alone.high


def test_rows_without_influence_have_no_interval():
    for structure in (RowStructure(), RowStructure(weights=np.ones(50))):
        assert influence_intervals.interval(0.5, np.zeros(50), structure, **HOW).why == "every resample gives the same value"


def test_few_rows_that_decide_are_told():
    each = np.concatenate([[1.0, -1.0], np.full(298, 1e-4), np.full(100, -2.98e-4)]) / 400
    found = influence_intervals.interval(0.0, each, RowStructure(weights=np.ones(400)), **HOW)
    assert (found.note, found.may_pass) == ("2 of 400 rows decide this: they show nothing good below 1000 rows", False)
