"""Verdicts in words and numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlgit.monitoring import verdict_words
from mlgit.monitoring.verdict import ColumnDrift, MonitoredMetric, SmallestShift
from tests.monitoring import chains


def test_broken_contract_speaks_louder_than_metrics_and_columns():
    broken = MonitoredMetric("accuracy", 0.7, is_broken=True)
    verdict = replace(chains.verdict(1, word="page"), metrics=(broken,))
    assert verdict_words.headline(replace(verdict, contract="fail")) == "the data contract is broken"
    assert verdict_words.headline(verdict) == "accuracy 0.7"
    assert verdict_words.headline(replace(verdict, metrics=())) == "amount: mean +0.31 sd"


def test_quiet_window_in_which_little_moved_needs_no_word():
    assert verdict_words.headline(chains.verdict(1)) == ""


def test_answers_that_alarm_speak_louder_than_inputs_that_do_not():
    answers = (ColumnDrift("(prediction)", 19.5, effect="'1' 2.3 % -> 27 %"), ColumnDrift("(score)", 6.0))
    verdict = chains.verdict(1, word="watch")
    verdict = replace(verdict, severity="prediction drift", columns=(*verdict.columns, *answers))
    assert verdict_words.headline(verdict) == "(prediction): '1' 2.3 % -> 27 %"
    assert verdict_words.headline(replace(verdict, severity="feature drift")) == "amount: mean +0.31 sd"


def test_what_cannot_be_told_says_why():
    verdict = replace(chains.verdict(1, word="cannot_tell"), reason="12 reference batches, 20 needed")
    assert verdict_words.headline(verdict) == "12 reference batches, 20 needed"


@pytest.mark.parametrize(("value", "said"), [(0.3, "0.3"), (0.024, "~0.024"), (0.0001, "~0.0001"), (None, "–")])
def test_pvalue_that_is_smaller_than_the_batches_can_show_is_marked(value, said):
    verdict = replace(chains.verdict(1), pvalue=value, is_extrapolated=True, n_batches=40)
    assert verdict_words.pvalue(verdict) == said


def test_pvalue_that_was_not_extrapolated_is_not_marked():
    assert verdict_words.pvalue(replace(chains.verdict(1), pvalue=0.001, is_extrapolated=False)) == "0.001"


def test_metric_has_the_digits_that_its_interval_supports():
    assert verdict_words.metric_value(MonitoredMetric("a", 0.91234, 0.88123, 0.94345)) == "0.912 (0.881 to 0.943)"
    assert verdict_words.metric_value(MonitoredMetric("a", 0.91234, is_estimated=True)) == "0.91234, estimated"


def test_smallest_shift_names_what_is_known():
    assert verdict_words.shift(SmallestShift(0.2, 0.03)) == "a mean that moves by 0.2 sd, 3 % of the rows at another level"
    assert verdict_words.shift(SmallestShift(None, None)) == ""
