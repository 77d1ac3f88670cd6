"""When a model that was trained anew is worth a pull request."""

from __future__ import annotations

import pytest

from mlgit.evaluation import results
from mlgit.evaluation.results import MetricResult
from mlgit.gate.improvement import gain
from mlgit.gate.review import Review
from mlgit.gate.rule_result import RuleResult


def rule(name, outcome="pass", *, kind="no_worse", effect=None):
    return RuleResult(name, kind, "f1", outcome, effect or ("pass" if outcome == "pass" else "warn"), reason="why")


def review(*judged, verdict="pass", standing="no worse", how="paired"):
    measured = (MetricResult("m", "f1", standing),)
    return Review(verdict, judged=judged, metrics=measured, tested=(results.TestedRows("m", how),))


@pytest.mark.parametrize(
    ("found", "is_there", "word"),
    [
        (review(rule("a"), standing="better"), True, "shown to be better: f1"),
        (review(rule("a")), False, "no metric is shown to be better"),
        (review(rule("a"), standing="inconclusive"), False, "no metric"),
        (review(rule("a"), rule("g", kind="better")), True, "shown: g"),
        (
            review(rule("a"), rule("g", "inconclusive", kind="better"), standing="better", verdict="warn"),
            False,
            "not shown: g",
        ),
        (review(rule("a", "fail", effect="fail"), standing="better", verdict="fail"), False, "gates failed: a"),
        (review(rule("a", "first"), verdict="warn", how="first"), True, "first results"),
        (review(rule("g", "first", kind="better"), verdict="warn", standing="better"), True, "shown to be better"),
    ],
)
def test_worth(found, is_there, word):
    said = gain(found)
    assert (said.is_there, said.is_known, word in said.reason) == (is_there, True, True)


@pytest.mark.parametrize("found", [review(verdict="invalid"), review(rule("a", "invalid", effect="fail"), verdict="invalid")])
def test_without_a_comparison_nothing_is_known(found):
    said = gain(found)
    assert (said.is_there, said.is_known) == (False, False)
    assert said.reason.startswith("nothing was compared: ")
