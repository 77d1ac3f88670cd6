"""Isotonic curves: as scikit-learn fits them, and how far chance moves them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.statistics import calibration
from tests.kit.late import Late

sklearn = Late("sklearn.isotonic")


def fitted(scores, outcomes):
    curve = calibration.isotonic(np.asarray(scores, dtype=float), np.asarray(outcomes, dtype=float))
    return curve, curve.y[curve.steps(np.asarray(scores, dtype=float))]


@given(st.lists(st.tuples(st.integers(-20, 20), st.booleans()), min_size=1, max_size=60))
def test_curve_equals_that_of_scikit_learn(rows):
    scores, outcomes = (np.array(each, dtype=float) for each in zip(*rows, strict=True))
    expected = sklearn.IsotonicRegression().fit(scores, outcomes).predict(scores)
    assert fitted(scores, outcomes)[1] == pytest.approx(expected, abs=1e-12)


def test_curve_of_many_different_scores_equals_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    scores = generator.random(20_000)
    outcomes = generator.random(20_000) < scores**2
    expected = sklearn.IsotonicRegression().fit(scores, outcomes).predict(scores)
    assert np.abs(fitted(scores, outcomes)[1] - expected).max() < 1e-12


def test_published_example_of_pooled_neighbours():
    """Barlow and others 1972, section 1.2: 1, 3, 2, 4, 3.5 become 1, 2.5, 2.5, 3.75, 3.75."""
    levels, starts = calibration.pooled(np.array([1, 3, 2, 4, 3.5]), np.ones(5))
    assert (levels.tolist(), starts.tolist()) == ([1, 2.5, 3.75], [0, 1, 3])


def test_equal_neighbours_are_one_block():
    levels, starts = calibration.pooled(np.array([0.5, 0.5, 0.7]), np.ones(3))
    assert (levels.tolist(), starts.tolist()) == ([0.5, 0.7], [0, 2])


def test_score_between_two_steps_is_on_the_lower_and_below_all_on_the_first():
    curve = calibration.StepCurve(np.array([0.2, 0.6]), np.array([0.1, 0.9]), np.ones(2))
    assert curve.steps(np.array([0.0, 0.2, 0.59, 0.6, 2.0])).tolist() == [0, 0, 0, 1, 1]


def test_coarse_curve_keeps_rows_order_and_mean():
    generator = np.random.default_rng(0)
    x = np.arange(1000.0)
    curve = calibration.StepCurve(x, np.sort(generator.random(1000)), generator.integers(1, 9, 1000).astype(float))
    found = calibration.coarse(curve, 64)
    assert len(found.x) <= 64
    assert found.weights.sum() == curve.weights.sum()
    assert (np.diff(found.y) >= 0).all()
    assert found.y @ found.weights == pytest.approx(curve.y @ curve.weights)


def test_curves_that_are_drawn_anew_rise_and_vary_as_few_rows_do():
    few, many = (calibration.StepCurve(np.arange(3.0), np.array([0.1, 0.5, 0.9]), np.full(3, each)) for each in (10.0, 1000.0))
    drawn = [calibration.redrawn(each, draws=400, seed=1) for each in (few, many)]
    assert all((np.diff(each, axis=1) >= 0).all() for each in drawn)
    assert drawn[0].std(axis=0) == pytest.approx(np.sqrt(np.array([0.09, 0.25, 0.09]) / 10), rel=0.25)
    assert drawn[1].std(axis=0) == pytest.approx(np.sqrt(np.array([0.09, 0.25, 0.09]) / 1000), rel=0.25)
    assert np.array_equal(drawn[0], calibration.redrawn(few, draws=400, seed=1))
