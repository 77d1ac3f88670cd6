"""Rules that compare, on recorded numbers alone."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.evaluation.results import MetricEvidence
from mlgit.gate.rule_verdicts import judge
from mlgit.rules import Amount, GateRule, parse

KEPT = GateRule("kept", "no_worse", "ndcg", margin=Amount(0.02))


def judged(before, now, rule=KEPT, *, better="higher", n_test=1000, is_exact=False):
    seen = MetricEvidence(better=better, baseline=before, current=now, n_test=n_test, is_exact=is_exact, settle="not ndcg")
    return judge(rule, seen)


@pytest.mark.parametrize(
    ("better", "before", "now", "outcome"),
    [
        *(
            ("higher", 0.7, 0.03, "fail"),
            ("higher", 0.7, 0.69, "warn"),
            ("higher", 0.7, 0.9, "warn"),
            ("higher", 0.7, 0.7, "warn"),
        ),
        *(
            ("higher", 0.9, 0.88, "warn"),
            ("higher", 0.9, 0.879, "fail"),
            ("lower", 0.1, 0.12, "warn"),
            ("lower", 0.1, 0.13, "fail"),
        ),
    ],
)
def test_within_the_margin_warns_and_beyond_it_fails(better, before, now, outcome):
    found = judged(before, now, better=better)
    assert (found.outcome, found.effect, found.is_recorded) == (outcome, outcome, True)
    assert found.reason.startswith("recorded numbers only: ndcg ")
    assert "keep predictions" in found.settle


@pytest.mark.parametrize(
    ("declared", "outcome", "effect"),
    [
        ({"if_recorded": "fail"}, "fail", "fail"),
        ({"if_recorded": "warn"}, "warn", "warn"),
        ({"if_recorded": "invalid"}, "invalid", "fail"),
        ({"if_recorded": "invalid", "if_invalid": "warn"}, "invalid", "warn"),
        ({"severity": "warn"}, "warn", "warn"),
    ],
)
def test_the_rule_says_what_a_loss_beyond_the_margin_counts_as(declared, outcome, effect):
    rule = parse({"rules": [{"id": "a", "kind": "no_worse", "metric": "ndcg", "margin": 0.02, **declared}]}).rules[0]
    assert (judged(0.7, 0.03, rule).outcome, judged(0.7, 0.03, rule).effect) == (outcome, effect)
    assert judged(0.7, 0.69, rule).outcome == "warn"


def test_only_a_rule_that_recorded_numbers_can_break_says_what_that_counts_as():
    with pytest.raises(MlgitError, match="if_recorded: better takes none"):
        parse({"rules": [{"id": "a", "kind": "better", "metric": "ndcg", "if_recorded": "warn"}]})


@pytest.mark.parametrize("kind", ["better", "same"])
def test_neither_better_nor_the_same_can_be_told(kind):
    rule = KEPT._replace(kind=kind, if_inconclusive="fail")
    for now in (0.1, 0.7, 0.9):
        assert (judged(0.7, now, rule).outcome, judged(0.7, now, rule).effect) == ("inconclusive", "fail")


@pytest.mark.parametrize(
    ("n_test", "margin", "value", "said"),
    [
        (200, 0.01, 0.9, "about 24 of 100"),  # as the simulation of docs/review.md
        (1000, 0.01, 0.9, "about 9 of 100"),
        (200, 0, 0.9, "about 44 of 100"),
        (5000, 0.01, 0.9, "less than 1 of 100"),
        (200, 0.01, 0.995, "about 4 of 100"),
        (0, 0.01, 0.9, "which is not known"),
        (200, 0.01, 18.2, "is not known"),
    ],
)
def test_how_often_chance_alone_is_beyond_the_margin(n_test, margin, value, said):
    assert said in judged(value, value, KEPT._replace(margin=Amount(margin)), n_test=n_test).reason


def test_bytes_are_counted_and_not_estimated():
    rule = KEPT._replace(metric="model_bytes", margin=Amount(0.1, True))
    found = [judged(1000, now, rule, better="lower", is_exact=True) for now in (1100, 1101)]
    assert [(each.outcome, each.is_recorded) for each in found] == [("pass", False), ("fail", False)]


_NUMBERS = st.floats(-1e6, 1e6)


@given(current=_NUMBERS, before=_NUMBERS, margin=st.floats(0, 10))
def test_directions_mirror_each_other(current, before, margin):
    rule = KEPT._replace(margin=Amount(margin))
    assert judged(before, current, rule).outcome == judged(-before, -current, rule, better="lower").outcome


@given(before=_NUMBERS, gain=st.floats(0, 1e3), margin=st.floats(0, 10))
def test_better_number_is_never_a_failure(before, gain, margin):
    found = judged(before, before + gain, KEPT._replace(margin=Amount(margin)))
    assert found.outcome == "warn"
    assert math.isfinite(found.delta)
