"""The distributions against SciPy's, into both tails."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.statistics.distributions import (
    coin_cdf,
    logistic,
    normal_cdf,
    normal_cdfs,
    normal_quantile,
    student_cdf,
    student_quantile,
)
from tests.kit.late import Module

special = Module("scipy.special")


@given(st.floats(-37, 37))
def test_normal_cdf_is_scipys(x):
    assert normal_cdf(x) == pytest.approx(special.ndtr(x), rel=1e-12, abs=1e-300)


@given(st.floats(1e-300, 1, exclude_max=True))
def test_normal_quantile_is_scipys(p):
    assert normal_quantile(p) == pytest.approx(special.ndtri(p), rel=1e-9, abs=1e-12)


def test_ends_of_the_normal_distribution():
    assert (normal_quantile(0.0), normal_quantile(1.0)) == (-math.inf, math.inf)
    assert math.isnan(normal_quantile(1.5))
    assert math.isnan(normal_cdf(math.nan))
    assert normal_cdfs(np.array([-np.inf, 0, np.inf])).tolist() == [0.0, 0.5, 1.0]


@given(st.data(), st.integers(1, 5000))
def test_coin_cdf_is_scipys(data, n):
    k = data.draw(st.integers(0, n))
    assert coin_cdf(k, n) == pytest.approx(special.bdtr(k, n, 0.5), rel=1e-9, abs=1e-300)


@given(st.floats(-2000, 2000))
def test_logistic_is_scipys(x):
    assert logistic(x) == pytest.approx(special.expit(x), rel=1e-12, abs=1e-300)


@given(st.floats(-1e3, 1e3), st.floats(0.5, 1e5))
def test_student_cdf_is_scipys(x, freedom):
    assert student_cdf(x, freedom) == pytest.approx(special.stdtr(freedom, x), rel=1e-8, abs=1e-14)


@given(st.floats(1e-4, 0.9999), st.floats(0.5, 1e5))
def test_student_quantile_is_scipys(p, freedom):
    assert student_quantile(p, freedom) == pytest.approx(special.stdtrit(freedom, p), rel=1e-7, abs=1e-9)


def test_ends_of_students_distribution():
    assert (student_quantile(0.0, 3), student_quantile(1.0, 3)) == (-math.inf, math.inf)
    assert (student_cdf(-math.inf, 3), student_cdf(math.inf, 3)) == (0.0, 1.0)
