"""Two models by an expression: shares as accuracy is compared, quantiles, ratios, clusters and series."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.evaluation import expression_intervals, expression_values, expressions
from mlgit.statistics import comparison, estimate_comparison
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.predictions import Predictions
from tests.statistics.kit import made

ASKED = ComparisonOptions(0.9, resamples=999, margin=0.02, better="higher")


def compared(text, old, new, **structure):
    expression, rows = expressions.parse(text), len(next(iter(old.values())))
    sides = [
        expression_intervals.estimate(expression, expression_values.rows_of(expression, table, rows=rows), rows=rows)
        for table in (old, new)
    ]
    return estimate_comparison.compare(text, *sides, rows=RowStructure(**structure), question=ASKED)


def two(number=400, **given):
    """The columns of two models."""
    rows = made(number, **given)
    return [{"label": rows.label, "prediction": each} for each in (rows.baseline, rows.current)]


@pytest.mark.parametrize("worse", [0.0, 0.04])
def test_share_of_right_answers_is_compared_as_accuracy(worse):
    old, new = two(worse=worse)
    found = compared("share(prediction == label)", old, new)
    sides = [Predictions(each["label"], each["prediction"]) for each in (old, new)]
    accuracy = comparison.compare("accuracy", *sides, question=ASKED)
    for name in ("delta", "low", "high", "pvalue", "pvalue_difference", "pvalue_harm", "n_discordant", "method"):
        assert getattr(found, name) == getattr(accuracy, name), name


def test_count_is_the_share_of_as_many_rows():
    old, new = two()
    share, count = (compared(f"{does}(prediction == label)", old, new) for does in ("share", "count"))
    assert (count.low, count.high) == (pytest.approx(400 * share.low), pytest.approx(400 * share.high))


def test_rows_that_differ_may_exist_where_none_was_seen():
    old, _ = two(60)
    found = compared("share(prediction == label)", old, old)
    assert (found.delta, found.n_discordant) == (0, 0)
    assert found.low < -0.02 < 0.02 < found.high


def test_share_of_rows_some_of_which_have_no_value_is_no_share_of_all():
    old, new = ({"x": np.array([0.0, 1.0, np.nan, 1.0] * 20)}, {"x": np.array([1.0, 1.0, 0.0, np.nan] * 20)})
    assert compared("share(x == 1)", old, new).method == "bootstrap-t"


@pytest.mark.parametrize("text", ["mean(x)", "p90(x)"])
def test_clusters_whose_rows_agree_widen_every_interval(text):
    generator, groups = np.random.default_rng(0), np.repeat(np.arange(60), 5)
    shared, base = np.repeat(generator.normal(size=60), 5), generator.normal(size=300)
    old, new = {"x": base}, {"x": base + shared}
    alone, whole = compared(text, old, new), compared(text, old, new, groups=groups)
    assert (alone.method, whole.method, whole.clusters) == ("bootstrap-t", "bootstrap-t", 60)
    assert whole.high - whole.low > 1.5 * (alone.high - alone.low)


def test_series_is_drawn_in_blocks():
    values = np.convolve(np.random.default_rng(0).normal(size=509), np.ones(10), mode="valid")
    found = compared("mean(x)", {"x": np.zeros(500)}, {"x": values}, order=np.arange(500))
    assert found.method.startswith("block bootstrap, blocks of ")


def test_few_rows_have_no_interval_unless_they_are_counted():
    old, new = two(20)
    assert compared("mean(prediction * 1.0)", old, new).reason == "20 rows, at least 30 needed"
    assert compared("share(prediction == label)", old, new).low is not None
