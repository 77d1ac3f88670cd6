"""How often intervals of sizes whose sign is in doubt hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.statistics import folded
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.estimate_comparison import compare, interval
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.predictions import Predictions
from tests.kit import FULL
from tests.statistics.moved_rows import estimate

RUNS = 300 if FULL else 60
ASKED = ComparisonOptions(0.9, resamples=499, margin=0.01, better="lower")
# How the log odds of a model differ from the true ones.
MODELS = {
    "perfect": lambda odds, _: odds,
    "higher": lambda odds, _: odds + 0.1,
    "lower": lambda odds, _: odds - 0.1,
    "surer": lambda odds, _: odds * 1.3,
    "a little surer": lambda odds, _: odds * 1.05,
    "noisy": lambda odds, noise: odds + 0.7 * noise,
}
CASES = [
    ("ece", 500, "perfect", "higher"),
    ("ece", 5000, "perfect", "surer"),
    ("ece", 5000, "noisy", "perfect"),
    ("ece", 10_000, "perfect", "higher"),
    ("ece", 10_000, "surer", "noisy"),
    ("ece", 10_000, "lower", "higher"),
    ("calibration_slope_error", 500, "perfect", "surer"),
    ("calibration_slope_error", 500, "perfect", "a little surer"),
    ("calibration_slope_error", 5000, "surer", "noisy"),
    ("calibration_slope", 300, "perfect", "noisy"),
    ("calibration_intercept", 300, "perfect", "noisy"),
]


def drawn(generator, number, models):
    odds, noise = 1.5 * generator.normal(size=number) - 0.5, generator.normal(size=number)
    label = (generator.random(number) < 1 / (1 + np.exp(-odds))).astype(int)
    return [Predictions(label, score=1 / (1 + np.exp(-MODELS[each](odds, noise)))) for each in models]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number", "baseline", "current"), CASES if FULL else CASES[::3])
def test_neither_end_misses_the_truth_more_often_than_promised(name, number, baseline, current):
    generator, models = np.random.default_rng(7), (baseline, current)
    truth = [estimate(name, each, positive=1).value for each in drawn(generator, 1_000_000, models)]
    missed = np.zeros(4)
    for _ in range(RUNS):
        one, other = (estimate(name, each, positive=1) for each in drawn(generator, number, models))
        single = interval(name, other, rows=RowStructure(), options=ASKED)
        both = compare(name, one, other, rows=RowStructure(), question=ASKED)
        delta = truth[1] - truth[0]
        missed += [truth[1] < single.low, truth[1] > single.high, delta < both.low, delta > both.high]
    assert missed.max() <= 0.05 * RUNS + 2.5 * (0.05 * 0.95 * RUNS) ** 0.5


def test_overshoot_is_the_mean_of_a_folded_normal_value_less_the_truth():
    draws = np.random.default_rng(0).normal(size=200_000)
    assert folded.overshoot(0.0, 2.0) == pytest.approx(2 * np.abs(draws).mean(), rel=0.01)
    far = folded.overshoot(3.0, 1.0)
    assert far == pytest.approx(np.abs(draws + 3 - 1.645).mean() - (3 - 1.645), rel=0.05)
    assert folded.overshoot(9.0, 1.0) < 1e-12
    assert folded.overshoot(-3.0, 1.0) == far
    assert folded.overshoot(1.0, 0.0) == 0.0


def made(value, influence, overshoot=0.0):
    return Estimate(value, np.asarray(influence, dtype=float), overshoot=overshoot)


def test_interval_is_lower_by_the_overshoot_and_tells_by_its_chances():
    influence = np.tile([0.01, -0.01], 50)
    plain = interval("ece", made(0.5, influence), rows=RowStructure(), options=ASKED)
    moved = interval("ece", made(0.5, influence, 0.2), rows=RowStructure(), options=ASKED)
    assert (moved.low, moved.high) == pytest.approx((plain.low - 0.2, plain.high))


def test_what_two_sizes_in_doubt_have_in_common_is_not_taken_off():
    influence = np.tile([0.01, -0.01], 50)
    plain = [made(value, influence * share) for value, share in ((0.5, 1.0), (0.51, 1.01))]
    doubted = [made(each.value, each.influence, 0.2) for each in plain]
    one, other = (compare("ece", *each, rows=RowStructure(), question=ASKED) for each in (plain, doubted))
    assert one.high - one.low < 0.01
    assert other.high - other.low > 2 * 0.2 + 2 * 1.6 * 0.1 * 2**0.5
    assert one.pvalue < 0.6 < other.pvalue_difference
    assert other.n == 100


@pytest.mark.parametrize("structure", ["weights", "groups", "order"])
def test_rows_that_hang_together_do_so_on_both_sides(structure):
    generator = np.random.default_rng(3)
    influence = generator.normal(size=400)
    influence = (influence - influence.mean()) / 400
    given = {"weights": np.ones(400), "groups": np.arange(400) // 4, "order": np.arange(400)}[structure]
    pair = [made(0.5, influence, 0.1), made(0.6, influence[::-1], 0.1)]
    found = compare("ece", *pair, rows=RowStructure(**{structure: given}), question=ASKED)
    assert found.low < 0 < found.delta < found.high
    assert found.high - found.delta > 0.1


def test_no_sign_is_in_doubt_where_nothing_is_overshot():
    influence = np.tile([0.01, -0.01], 50)
    assert not folded.are_in_doubt(made(0.5, influence), made(0.5, influence))
    assert not folded.are_in_doubt(made(0.5, influence, 0.001), made(0.5, influence))
    assert folded.are_in_doubt(made(0.5, influence), made(0.5, influence, 0.1))
