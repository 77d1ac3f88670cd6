"""Losses of quantiles and intervals between them: scikit-learn's values, formulas, derivatives, refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics.predictions import Predictions
from tests.kit.late import Late
from tests.statistics.estimates import check, estimate

sklearn = Late("sklearn.metrics")

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
OF_INTERVALS = ["coverage", "coverage_error", "interval_width", "interval_score"]
whole = st.integers(-9, 9)
rows = st.lists(st.tuples(whole, st.lists(whole, min_size=5, max_size=5), st.integers(1, 4)), min_size=1, max_size=30)


def forecast(label, said, weight=None, levels=LEVELS):
    """Predictions whose quantiles are the columns of an array."""
    return Predictions(
        np.asarray(label), quantiles=dict(zip(levels, np.asarray(said, dtype=float).T, strict=True)), weight=weight
    )


def made(number, *, seed=0):
    generator = np.random.default_rng(seed)
    label = generator.normal(size=number)
    return label, np.sort(generator.normal(size=(number, 5)), axis=1), generator.integers(1, 5, number).astype(float)


def columns(drawn):
    label, said, weight = zip(*drawn, strict=True)
    return np.array(label), np.array(said), np.array(weight, dtype=float)


@given(rows)
def test_losses_of_quantiles_are_those_of_scikit_learn(drawn):
    label, said, weight = columns(drawn)
    for weights in (None, weight):
        given_rows = forecast(label, said, weights)
        expected = [
            sklearn.mean_pinball_loss(label, said[:, place], alpha=level, sample_weight=weights)
            for place, level in enumerate(LEVELS)
        ]
        found = [estimate("quantile_loss", given_rows, level=level).value for level in LEVELS]
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert estimate("quantile_loss_mean", given_rows).value == pytest.approx(np.mean(expected), rel=1e-9, abs=1e-12)


@given(rows)
def test_twice_the_mean_loss_is_the_weighted_interval_score(drawn):
    """Bracher and others 2021, PLOS Comput. Biol. 17, e1008618: intervals weigh alpha / 2, and the median 1 / 2."""
    label, said, _ = columns(drawn)
    said = np.sort(said, axis=1)
    scores = [estimate("interval_score", forecast(label, said), level=level).value for level in (0.8, 0.9)]
    expected = (np.abs(label - said[:, 2]).mean() / 2 + 0.1 * scores[0] + 0.05 * scores[1]) / 2.5
    assert 2 * estimate("quantile_loss_mean", forecast(label, said)).value == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(rows)
def test_intervals_are_judged_by_their_formulas(drawn):
    label, said, weight = columns(drawn)
    low, high = said[:, 1], said[:, 3]
    inside = [bottom <= truth <= top for bottom, truth, top in zip(low, label, high, strict=True)]
    missed = np.where(label < low, low - label, 0) + np.where(label > high, label - high, 0)
    expected = {
        "coverage": np.average(inside, weights=weight),
        "coverage_error": abs(np.average(inside, weights=weight) - 0.8),
        "interval_width": np.average(abs(high - low), weights=weight),
        "interval_score": np.average(high - low + missed * 10, weights=weight),
    }
    found = {name: estimate(name, forecast(label, said, weight), level=0.8).value for name in OF_INTERVALS}
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("name", ["quantile_loss", "quantile_loss_mean", *OF_INTERVALS])
def test_influences_are_derivatives(name, is_weighted):
    label, said, weight = made(40)
    parameters = {} if name == "quantile_loss_mean" else {"level": 0.9}
    check(name, forecast(label, said, weight if is_weighted else None), **parameters)


def test_ends_belong_to_the_interval():
    assert estimate("coverage", forecast([1, 2, 3], [[1, 2]] * 3, levels=(0.1, 0.9)), level=0.8).value == pytest.approx(2 / 3)


def test_levels_that_differ_by_rounding_are_the_same():
    label, said, _ = made(30)
    levels = (0.05, 1 - 0.9, 0.5, 0.3 * 3, 0.95)
    assert estimate("coverage", forecast(label, said, levels=levels), level=0.8).value >= 0


def test_crossing_quantiles_are_counted_and_gain_nothing():
    label, said, _ = made(50)
    swapped = said.copy()
    swapped[:7, [0, 4]] = swapped[:7, [4, 0]]
    right, wrong = (
        {name: estimate(name, forecast(label, each), level=0.9) for name in OF_INTERVALS} for each in (said, swapped)
    )
    assert {each.note for each in right.values()} == {""}
    assert {each.note for each in wrong.values()} == {"quantiles cross in 7 of 50 rows: a higher level has the lower value"}
    assert wrong["interval_width"].value == right["interval_width"].value
    assert wrong["coverage"].value <= right["coverage"].value
    assert wrong["interval_score"].value > right["interval_score"].value
    assert "cross in 7 of 50 rows" in estimate("quantile_loss_mean", forecast(label, swapped)).note


def test_quantile_that_is_not_declared_is_named():
    label, said, _ = made(10)
    with pytest.raises(MlgitError, match=r"quantile_loss at level 0.25 needs the quantile at 0.25, and .* 0.05, 0.1, 0.5, 0.9"):
        estimate("quantile_loss", forecast(label, said), level=0.25)
    with pytest.raises(MlgitError, match=r"coverage at level 0.5 needs the quantile at 0.25") as caught:
        estimate("coverage", forecast(label, said), level=0.5)
    assert "quantiles: {0.25: COLUMN}" in caught.value.hint


@pytest.mark.parametrize("level", [None, 0.0, 1.0, -0.1, float("nan")])
@pytest.mark.parametrize("name", ["quantile_loss", *OF_INTERVALS])
def test_level_lies_between_0_and_1(name, level):
    label, said, _ = made(10)
    with pytest.raises(MlgitError, match="level"):
        estimate(name, forecast(label, said), level=level)


def test_no_quantiles_have_no_mean_loss():
    with pytest.raises(MlgitError, match="no quantile"):
        estimate("quantile_loss_mean", Predictions(np.ones(3)))


@pytest.mark.parametrize("name", ["quantile_loss", "quantile_loss_mean", *OF_INTERVALS])
def test_what_is_missing_is_refused(name):
    label, said, _ = made(10)
    said[3, 0] = np.nan
    parameters = {} if name == "quantile_loss_mean" else {"level": 0.05 if name == "quantile_loss" else 0.9}
    with pytest.raises(MlgitError, match=r"quantile 0.05: 1 of 10 values are missing"):
        estimate(name, forecast(label, said), **parameters)
    with pytest.raises(MlgitError, match="different lengths"):
        estimate(name, forecast(label[:9], made(10)[1]), **parameters)


@pytest.mark.filterwarnings("error")
def test_a_row_beyond_all_numbers_says_so():
    found = estimate("interval_width", forecast([0, 0], [[-1e308, 1e308]] * 2, levels=(0.1, 0.9)), level=0.8)
    assert "too large" in found.why
