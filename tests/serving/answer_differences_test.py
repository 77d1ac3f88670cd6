"""How far two versions are apart, with the intervals that textbooks give."""

from __future__ import annotations

import pytest

from mlgit.serving import answer_differences
from tests.kit.late import Late, Module

np = Module("numpy")
t = Late("scipy.stats")


def test_agreement_has_the_interval_of_wilson():
    found = answer_differences.agreement([0, 1, 1.0, "a", True] * 20, [0, 0, 1, "a", 1] * 20)
    known = t.binomtest(80, 100).proportion_ci(0.95, method="wilson")
    assert (found.same, found.n, found.value) == (80, 100, 0.8)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), rel=1e-9)


def test_mean_difference_has_the_interval_of_student():
    chance = np.random.default_rng(7)
    one, other = chance.normal(size=50), chance.normal(0.3, size=50)
    found = answer_differences.amounts(one.tolist(), other.tolist())
    known = t.ttest_rel(other, one).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), rel=1e-9)
    assert found.mean == pytest.approx((other - one).mean())
    assert found.widest == pytest.approx(abs(other - one).max())


def test_one_row_has_no_interval_and_equal_ones_no_width():
    assert answer_differences.amounts([1.0], [3.0]).low is None
    same = answer_differences.amounts([1.0, 2.0], [1.0, 2.0])
    assert (same.mean, same.low, same.high, same.widest) == (0, 0, 0, 0)


def test_what_is_not_finite_is_left_out():
    assert answer_differences.amounts([1.0, float("nan")], [2.0, 1.0]).n == 1
    assert answer_differences.amounts([float("inf")], [1.0]) is None
