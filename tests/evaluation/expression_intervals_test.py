"""Intervals of expressions: those of known theory where there is one, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.errors import MlgitError
from mlgit.evaluation import expression_intervals
from mlgit.evaluation.expression_intervals import IntervalOptions
from mlgit.evaluation.expressions import parse
from mlgit.statistics import bootstrap
from tests.kit import FULL
from tests.kit.late import Module

stats = Module("scipy.stats")


def interval(text, *, level=0.95, clusters=None, seed=0, resamples=1999, **columns):
    rows = max(map(len, columns.values()), default=0)
    options = IntervalOptions(level, resamples, seed, clusters)
    return expression_intervals.interval(parse(text), columns, rows=rows, options=options)


def test_share_has_the_interval_of_wilson():
    found = interval("share(a > 0)", a=np.array([1] * 7 + [0] * 33))
    assert (found.value, found.method) == (7 / 40, "Wilson score")
    assert (found.low, found.high) == bootstrap.wilson(7, 40, confidence=0.95)


def test_count_is_the_share_of_all_rows():
    found = interval("count(a > 0)", a=np.array([1.0] * 7 + [0.0] * 30 + [np.nan] * 3))
    assert (found.value, found.n) == (7, 37)
    assert (found.low, found.high) == tuple(40 * each for each in bootstrap.wilson(7, 40, confidence=0.95))


def test_median_lies_between_rows_by_rank():
    found = interval("median(a)", a=np.arange(100.0))
    assert (found.low, found.high, found.method) == (39.0, 60.0, "order statistics")  # ranks 40 and 61 of Hahn and Meeker


@pytest.mark.parametrize("share", [5, 50, 90])
def test_ranks_are_those_of_the_binomial_distribution(share):
    found = interval(f"p{share}(a)", a=np.arange(200.0))
    low, high = stats.binom.ppf([0.025, 0.975], 200, share / 100)
    assert (found.low, found.high) == (low - 1, high)


def test_high_quantile_of_few_rows_has_no_upper_end():
    found = interval("p99(a)", a=np.arange(50.0))
    assert (found.low, found.high) == (None, None)
    assert "too few to bound p99" in found.reason


def test_sum_is_as_many_rows_times_their_mean():
    values = np.random.default_rng(0).normal(10, 3, 500)
    total, mean = interval("sum(a)", a=values), interval("mean(a)", a=values)
    assert (total.low, total.high) == pytest.approx((500 * mean.low, 500 * mean.high))
    low, high = stats.t.interval(0.95, 499, values.mean(), values.std(ddof=1) / np.sqrt(500))
    assert (mean.low, mean.high) == pytest.approx((low, high), abs=0.03)


def test_ratio_of_sums_is_bounded_together():
    """The interval of a / b where a is twice b in each row is a point, though both vary."""
    b = np.random.default_rng(0).exponential(1, 200)
    found = interval("sum(a) / sum(b)", a=2 * b, b=b)
    assert found.value == pytest.approx(2)
    assert found.low is None
    assert found.reason == "every resample gives the same value"


def test_rows_of_one_cluster_count_together():
    values = np.repeat(np.random.default_rng(0).normal(size=40), 25)
    alone, grouped = interval("mean(a)", a=values), interval("mean(a)", a=values, clusters=np.repeat(np.arange(40), 25))
    assert grouped.high - grouped.low > 4 * (alone.high - alone.low)


def test_few_rows_and_constant_columns_have_no_interval():
    assert "at least 30 needed" in interval("mean(a)", a=np.arange(20.0)).reason
    assert interval("sum(a)", a=np.full(50, 2.0)).reason == "every resample gives the same value"
    assert interval("count()", a=np.arange(50.0)).reason == expression_intervals.CONSTANT


def test_value_that_is_none_is_told():
    found = interval("sum(a) / sum(b)", a=np.arange(50.0), b=np.zeros(50))
    assert (found.value, found.low) == (None, None)
    assert "no value" in found.reason


def test_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).exponential(1, 100)
    assert interval("sum(a)", seed=4, a=values) == interval("sum(a)", seed=4, a=values)
    assert interval("sum(a)", seed=4, a=values) != interval("sum(a)", seed=5, a=values)


def test_column_that_is_not_there_is_named():
    with pytest.raises(MlgitError, match="no column 'b'"):
        interval("sum(b)", a=np.arange(50.0))


TRUTHS = {
    "sum(a * (b > 0.8)) / sum(a)": 0.2,
    "p90(a) - median(a)": np.log(10) - np.log(2),
    "median(a) / mean(a)": np.log(2),
    "sum(a)": 200.0,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", TRUTHS)
def test_intervals_hold_the_truth_as_often_as_they_say(text):
    times, held = 2000 if FULL else 150, 0
    for seed in range(times):
        generator = np.random.default_rng(seed)
        found = interval(text, resamples=999, a=generator.exponential(1, 200), b=generator.random(200))
        held += found.low <= TRUTHS[text] <= found.high
    assert 0.925 - (0 if FULL else 0.025) <= held / times  # a bootstrap-t is rather too wide than too narrow
