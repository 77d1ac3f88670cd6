"""Words for many metrics looked at together."""

from __future__ import annotations

import pytest

from mlgit.evaluation.metric_table import adjusted
from mlgit.evaluation.results import MetricResult


def rows(*pvalues, standing="better"):
    return [MetricResult("m", f"f{place}", standing, delta=0.1, pvalue=each) for place, each in enumerate(pvalues)]


def words(found):
    return [each.standing for each in adjusted(found)]


def test_words_that_chance_gives_among_many_metrics_are_taken_back():
    assert words(rows(0.03, 0.5, 0.6, 0.7)) == ["not shown (after adjustment)", *["not shown (after adjustment)"] * 3]
    assert words(rows(0.001, 0.04, 0.05, 0.7, standing="worse")) == [*["worse"] * 3, "not shown (after adjustment)"]
    assert words(rows(0.09)) == ["better"]
    assert words([*rows(0.04), *rows(0.9, 0.9, standing="inconclusive")])[1:] == ["inconclusive"] * 2


def test_adjustment_changes_no_number_and_leaves_out_what_has_no_pvalue():
    given = [*rows(0.04, 0.2), MetricResult("m", "size", "unverified", delta=0.1)]
    found = adjusted(given)
    assert [each.pvalue_adjusted for each in found] == [pytest.approx(0.08), pytest.approx(0.2), None]
    assert [(each.delta, each.low, each.pvalue) for each in found] == [(each.delta, each.low, each.pvalue) for each in given]


def test_rows_of_several_models_are_one_family():
    other = [MetricResult("n", "f", "better", pvalue=0.9)] * 3
    assert words([*rows(0.06), *other])[0] == "not shown (after adjustment)"
