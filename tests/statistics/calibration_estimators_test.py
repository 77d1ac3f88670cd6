"""Calibration error, slope and intercept, against brute force, scikit-learn and differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.statistics import estimators
from mlgit.statistics.predictions import Predictions
from tests.kit.late import Module
from tests.statistics.moved_rows import derivatives, estimate, spread

calibration = Module("sklearn.calibration")
linear = Module("sklearn.linear_model")
special = Module("scipy.special")
optimize = Module("scipy.optimize")

LINES = ["calibration_slope", "calibration_slope_error", "calibration_intercept"]


def judged(number, *, seed=0, slope=1.0, shift=0.0, weighted=False):
    """Rows whose log odds are `shift` and a slope's part off."""
    generator = np.random.default_rng(seed)
    odds = 1.5 * generator.normal(size=number) - 0.5
    label = (generator.random(number) < 1 / (1 + np.exp(-odds))).astype(int)
    said = 1 / (1 + np.exp(-(odds / slope + shift)))
    return Predictions(label, score=said, weight=generator.gamma(4, 0.25, number) + 0.1 if weighted else None)


def error_by_hand(label, said, weight, bins):
    total = 0.0
    for place in range(bins):
        inside = (said > place / bins) & (said <= (place + 1) / bins) | ((said == 0) & (place == 0))
        if inside.any():
            shares = [np.average(each[inside], weights=weight[inside]) for each in (label, said)]
            total += weight[inside].sum() * abs(shares[0] - shares[1])
    return total / weight.sum()


@given(
    rows=st.lists(st.tuples(st.integers(0, 1), st.integers(0, 16), st.integers(1, 4)), min_size=1, max_size=40),
    bins=st.sampled_from([1, 2, 4, 8]),
    weighted=st.booleans(),
)
def test_error_is_the_mean_gap_over_bins_which_hold_their_upper_end(rows, bins, weighted):
    label, said, weight = np.array(rows).T
    said, weight = said / 16, weight / 2 if weighted else np.ones(len(rows))
    found = estimate("ece", Predictions(label, score=said, weight=weight), positive=1, bins=bins)
    assert found.value == pytest.approx(error_by_hand(label, said, weight, bins), abs=1e-12)
    assert abs(found.influence.sum()) < 1e-12
    assert found.overshoot >= 0


def test_error_of_ten_bins_is_made_from_the_curve_of_sklearn():
    rows = judged(500, slope=0.6)
    shares, means = calibration.calibration_curve(rows.label, rows.score, n_bins=10)
    numbers = np.bincount(np.searchsorted(np.linspace(0, 1, 11)[1:-1], rows.score), minlength=10)
    expected = (np.abs(shares - means) * numbers[numbers > 0]).sum() / 500
    assert estimate("ece", rows, positive=1).value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_slope_and_intercept_are_those_of_logistic_regressions(slope, weighted):
    rows = judged(400, slope=slope, shift=0.3, weighted=weighted)
    odds = special.logit(rows.score)
    fitted = linear.LogisticRegression(C=math.inf, tol=1e-10, max_iter=1000)
    fitted.fit(odds[:, None], rows.label, sample_weight=rows.weight)
    found = [estimate(name, rows, positive=1).value for name in LINES]
    assert found[0] == pytest.approx(float(fitted.coef_[0, 0]), rel=1e-5)
    assert found[1] == pytest.approx(abs(found[0] - 1))
    weight = np.ones(400) if rows.weight is None else rows.weight

    def pull(moved):
        return float((weight * (rows.label - special.expit(odds + moved))).sum())

    assert found[2] == pytest.approx(optimize.brentq(pull, -5, 5), abs=1e-9)


@pytest.mark.parametrize("name", ["ece", *LINES])
@pytest.mark.parametrize("weighted", [False, True])
def test_influence_is_how_far_the_weight_of_a_row_moves_the_value(name, weighted):
    rows = judged(300, slope=0.6, shift=0.4, weighted=weighted)
    found = estimate(name, rows, positive=1)
    chosen = range(0, 300, 17)
    assert abs(found.influence.sum()) < 1e-9
    moved = derivatives(name, rows, rows=chosen, positive=1, step=1e-4)
    assert found.influence[list(chosen)] == pytest.approx(moved, rel=1e-3, abs=1e-8)


@pytest.mark.parametrize("name", LINES)
def test_squares_of_influences_sum_to_the_variance_of_the_bootstrap(name):
    rows = judged(1000, slope=0.6, shift=0.4, weighted=True)
    found = estimate(name, rows, positive=1)
    drawn = spread(name, rows, draws=200, positive=1)
    assert float(np.sqrt(found.influence @ found.influence)) == pytest.approx(drawn, rel=0.2)


def test_scores_of_many_classes_are_judged_by_the_likeliest():
    generator = np.random.default_rng(1)
    raw = generator.gamma(0.7, size=(600, 3))
    scores = raw / raw.sum(axis=1, keepdims=True)
    label = np.array([generator.choice(3, p=each) for each in scores])
    rows = Predictions(label, scores=dict(zip("012", scores.T, strict=True)))
    is_right = (scores.argmax(axis=1) == label).astype(int)
    told = Predictions(is_right, score=scores.max(axis=1))
    for name in ("ece", *LINES):
        one, other = estimate(name, rows), estimate(name, told, positive=1)
        assert (one.value, one.overshoot) == pytest.approx((other.value, other.overshoot), abs=1e-12)
        assert one.influence == pytest.approx(other.influence, abs=1e-12)
    assert estimate("calibration_slope", rows).counted == "wrong row"


@pytest.mark.parametrize(
    ("label", "said", "why"),
    [
        ([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], "probabilities separate positive rows from negative rows: the slope has no end"),
        ([1, 1, 0, 0], [0.1, 0.3, 0.3, 0.4], "probabilities separate positive rows from negative rows: the slope has no end"),
        ([0, 1, 0, 1], [0.3, 0.3, 0.3, 0.3], "the same probability is said of every row"),
        ([1, 1, 1, 1], [0.1, 0.3, 0.3, 0.4], "there is no negative row"),
        ([0, 0, 0, 0], [0.1, 0.3, 0.3, 0.4], "there is no positive row"),
    ],
)
def test_slope_without_an_end_is_undefined_and_says_why(label, said, why):
    found = estimate("calibration_slope", Predictions(np.array(label), score=np.array(said)), positive=1)
    assert (math.isnan(found.value), found.why) == (True, why)
    assert math.isnan(estimate("calibration_slope_error", Predictions(np.array(label), score=np.array(said)), positive=1).value)


def test_rows_that_hardly_overlap_have_a_slope():
    rows = Predictions(np.array([0] * 50 + [1, 0] + [1] * 50), score=np.linspace(0.01, 0.99, 102))
    found = estimate("calibration_slope", rows, positive=1)
    assert 1 < found.value < 100
    assert np.isfinite(found.influence).all()


def test_probabilities_of_0_and_1_are_counted_and_taken_as_a_little_off():
    rows = judged(300)
    said = np.where(rows.score > 0.9, 1.0, rows.score)
    found = estimate("calibration_slope", Predictions(rows.label, score=said), positive=1)
    assert np.isfinite(found.value)
    assert found.note == f"{(said == 1).sum()} of 300 rows say 0 or 1, taken as 1e-08 off"


def test_few_rows_of_an_outcome_are_noted_and_show_nothing():
    rows = judged(212)
    label = np.where(np.cumsum(rows.label) > 12, 0, rows.label)
    found = estimate("calibration_slope", Predictions(label, score=rows.score), positive=1)
    assert (found.may_pass, found.note) == (False, "12 positive rows, at least 20 needed")


def test_models_that_differ_by_a_constant_have_the_very_same_slope():
    rows, other = judged(500), judged(500, shift=0.7)
    assert estimate("calibration_slope", rows, positive=1).value == estimate("calibration_slope", other, positive=1).value


def test_what_perfect_probabilities_would_show_is_told_where_it_is_much_of_the_error():
    assert estimate("ece", judged(200), positive=1).note == "of perfect probabilities about 0.072 would be seen in so few rows"
    assert estimate("ece", judged(5000, shift=2.0), positive=1).note == ""


def test_overshoot_is_the_whole_error_of_perfect_probabilities_and_hardly_any_of_a_clear_one():
    drawn = [estimate("ece", judged(300, seed=seed), positive=1) for seed in range(40)]
    assert np.mean([each.overshoot for each in drawn]) == pytest.approx(np.mean([each.value for each in drawn]), rel=0.15)
    clear = estimate("ece", judged(5000, shift=2.0), positive=1)
    assert clear.overshoot < 0.02 * clear.value


@pytest.mark.parametrize("name", ["ece", *LINES])
@pytest.mark.parametrize(
    ("said", "told"), [([0.1, math.nan, 0.2], "1 of 3 values"), ([0.1, 1.2, -0.2], "needs probabilities, but 2 of 3")]
)
def test_scores_that_are_no_probabilities_are_refused(name, said, told):
    with pytest.raises(MlgitError, match=told):
        estimate(name, Predictions(np.array([0, 1, 0]), score=np.array(said)), positive=1)


def test_no_bins_are_refused():
    with pytest.raises(MlgitError, match="bins is 0"):
        estimate("ece", judged(40), positive=1, bins=0)


def test_scores_of_many_classes_come_before_the_score_of_one():
    assert [each.needs for each in estimators.named("ece")] == [("label", "scores"), ("label", "score")]
