"""Intervals of values between two ends, from influences: equal to those of `ranking` where these are there."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.statistics import bounded_intervals, delong, ranking
from mlgit.statistics.comparison import ComparisonOptions
from mlgit.statistics.estimate_comparison import compare, interval
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.metrics import ties
from mlgit.statistics.predictions import Predictions
from tests.statistics.kit import ASAH_POOR, ASAH_S100B, ASAH_WFNS
from tests.statistics.moved_rows import estimate

ASKED = ComparisonOptions(0.9, resamples=499)
PLAIN = RowStructure()


def scored(score, label=ASAH_POOR, weight=None):
    """Two classes and the scores of both."""
    score = np.asarray(score, dtype=float)
    return Predictions(label, scores={0: -score, 1: score}, weight=weight)


def auc(given):
    return estimate("roc_auc", given, of_class=1)


def test_interval_of_one_class_is_nearly_that_of_delong():
    found = interval("roc_auc", auc(scored(ASAH_WFNS)), rows=PLAIN, options=ASKED)
    exact = ranking.interval("roc_auc", ASAH_POOR, delong.components(ASAH_POOR, ties(ASAH_WFNS)), confidence=0.9)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.001)
    assert found.method == "influences, logit scale"


def test_difference_of_two_is_nearly_that_of_delong():
    one, other = (auc(scored(each)) for each in (ASAH_WFNS, ASAH_S100B))
    found = compare("roc_auc", one, other, rows=PLAIN, question=ASKED)
    parts = [delong.components(ASAH_POOR, ties(each)) for each in (ASAH_WFNS, ASAH_S100B)]
    exact = ranking.interval("roc_auc", ASAH_POOR, *parts, confidence=0.9)
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=0.002)


def test_mean_over_two_classes_is_that_of_one():
    one, other = auc(scored(ASAH_WFNS)), estimate("roc_auc_macro", scored(ASAH_WFNS))
    found = [interval("roc_auc", each, rows=PLAIN, options=ASKED) for each in (one, other)]
    assert found[0].low == pytest.approx(found[1].low, abs=0.001)


def test_equal_rows_of_one_cluster_are_worth_one_row():
    again = np.repeat(np.arange(len(ASAH_POOR)), 3)
    clusters = RowStructure(groups=again)
    one = interval("roc_auc", auc(scored(ASAH_WFNS)), rows=PLAIN, options=ASKED)
    other = interval("roc_auc", auc(scored(ASAH_WFNS[again], ASAH_POOR[again])), rows=clusters, options=ASKED)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=1e-9)


def test_equal_weights_are_none():
    weight = np.full(len(ASAH_POOR), 2.5)
    one = interval("roc_auc", auc(scored(ASAH_WFNS)), rows=PLAIN, options=ASKED)
    other = interval("roc_auc", auc(scored(ASAH_WFNS, weight=weight)), rows=RowStructure(weights=weight), options=ASKED)
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=1e-9)


def perfect(number):
    label = np.repeat([0, 1, 2], number)
    generator = np.random.default_rng(number)
    columns = {each: 10.0 * (label == each) + generator.random(3 * number) for each in range(3)}
    return Predictions(label, scores=columns)


@pytest.mark.parametrize("name", ["roc_auc_macro", "roc_auc_weighted", "average_precision_macro"])
def test_classes_without_a_row_out_of_order_have_an_interval_by_their_number(name):
    few, many = (interval(name, estimate(name, perfect(number)), rows=PLAIN, options=ASKED) for number in (30, 300))
    assert few.low < many.low < many.value == many.high == 1
    assert few.low == pytest.approx(0.05 ** (1 / 90), abs=1e-9)


def test_two_models_without_a_row_out_of_order_may_differ_a_little():
    one, other = (estimate("roc_auc_macro", each) for each in (perfect(40), perfect(40)))
    assert compare("roc_auc_macro", one, other, rows=PLAIN, question=ASKED).method == "no row differs"
    columns = {key: np.asarray(each)[::-1].copy() for key, each in perfect(40).scores.items()}
    turned = Predictions(perfect(40).label, scores={0: columns[2], 1: columns[1], 2: columns[0]})
    found = compare("roc_auc_macro", one, estimate("roc_auc_macro", turned), rows=PLAIN, question=ASKED)
    assert found.delta == 0
    assert found.low == -found.high < -0.02


def test_rare_class_leaves_more_room_than_a_frequent_one():
    label = np.repeat([0, 1, 2], [200, 70, 30])
    scores = {each: 10.0 * (label == each) + np.arange(300) % 7 for each in range(3)}
    low = [
        interval(
            "roc_auc", estimate("roc_auc", Predictions(label, scores=scores), of_class=each), rows=PLAIN, options=ASKED
        ).low
        for each in range(3)
    ]
    assert low[0] == pytest.approx(0.05 ** (1 / 100))
    assert low[1:] == pytest.approx([0.05 ** (1 / 70), 0.05 ** (1 / 30)])


def test_rows_of_a_series_have_another_interval():
    found = auc(scored(ASAH_WFNS))
    assert not bounded_intervals.has_ends(found, rows=RowStructure(order=np.arange(113)))
    assert bounded_intervals.has_ends(found, rows=PLAIN)


def test_few_rows_have_none():
    found = interval("roc_auc", auc(scored(ASAH_WFNS[:25], ASAH_POOR[:25])), rows=PLAIN, options=ASKED)
    assert (found.low, found.reason) == (None, "25 rows, at least 30 needed")
