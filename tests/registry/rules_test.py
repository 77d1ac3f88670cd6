"""Gate rules on two versions: a pass is only where it was proven."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.config import Config
from mlgit.registry.facts import DataFile
from mlgit.registry.rules import Evaluation, digests, judge
from mlgit.rules import Amount, GateRule, Gates

BOUND = GateRule("floor", "bound", "auc", minimum=0.8)
NO_WORSE = GateRule("kept", "no_worse", "auc", margin=Amount(0.01))
TEST = ("1" * 32,)


def judged(rule, current, before=None, *, direction="higher", test=TEST, test_before=TEST, others=()):
    config = Config(directions={"auc": direction} if direction else {}, gates=Gates((rule, *others)))
    candidate = Evaluation("v2.0.0", {} if current is None else {"auc": current}, test)
    baseline = None if before is None else Evaluation("v1.0.0", {"auc": before} if before != "none" else {}, test_before)
    return judge(config, candidate=candidate, baseline=baseline)[0]


@pytest.mark.parametrize(
    ("rule", "value", "outcome"),
    [
        (BOUND, 0.8, "pass"),
        (BOUND, 0.79, "fail"),
        (GateRule("cap", "bound", "auc", maximum=0.5), 0.5, "pass"),
        (GateRule("cap", "bound", "auc", maximum=0.5), 0.51, "fail"),
        (GateRule("zero", "bound", "auc", minimum=0.0, maximum=0.0), 0.0, "pass"),
        (GateRule("zero", "bound", "auc", minimum=0.0), -0.1, "fail"),
        (BOUND, math.nan, "invalid"),
        (BOUND, math.inf, "invalid"),
        (BOUND, None, "invalid"),
    ],
)
def test_bound(rule, value, outcome):
    assert judged(rule, value).outcome == outcome


@pytest.mark.parametrize(
    ("direction", "before", "current", "outcome"),
    [
        ("higher", 0.9, 0.9, "pass"),
        ("higher", 0.9, 0.89, "pass"),
        ("higher", 0.9, 0.889, "fail"),
        ("higher", 0.9, 0.99, "pass"),
        ("lower", 0.1, 0.11, "pass"),
        ("lower", 0.1, 0.111, "fail"),
        ("lower", 0.1, 0.0, "pass"),
        ("higher", math.nan, 0.9, "invalid"),
        ("higher", "none", 0.9, "invalid"),
    ],
)
def test_no_worse_than_the_version_there_now(direction, before, current, outcome):
    assert judged(NO_WORSE, current, before, direction=direction).outcome == outcome


def test_other_test_data_are_not_compared():
    found = judged(NO_WORSE, 0.95, 0.9, test_before=("2" * 32,))
    assert (found.outcome, found.reason) == ("invalid", "v2.0.0 and v1.0.0 were measured on different test data")
    assert "evaluate v1.0.0 on the test data of v2.0.0" in found.hint


@pytest.mark.parametrize(("test", "test_before", "blind"), [((), TEST, "v2.0.0"), (TEST, (), "v1.0.0"), ((), (), "v2.0.0")])
def test_unknown_test_data_are_not_compared(test, test_before, blind):
    found = judged(NO_WORSE, 0.95, 0.9, test=test, test_before=test_before)
    assert (found.outcome, blind in found.reason) == ("invalid", True)
    assert "test: [PATH]" in found.hint


def test_undeclared_direction_names_the_line_to_add():
    found = judged(NO_WORSE, 0.95, 0.9, direction=None)
    assert (found.outcome, found.hint) == (
        "invalid",
        "add to mlgit.yaml, metrics: `auc: {direction: higher}` (or lower)",
    )


def test_first_version_is_held_to_thresholds():
    found = judged(NO_WORSE, 0.95)
    assert found.outcome == "fail"
    assert "`- {id: kept-bound, kind: bound, metric: auc, min: VALUE}`" in found.hint
    assert judged(NO_WORSE, 0.95, others=(BOUND,)).outcome == "pass"


def test_first_version_of_a_lower_metric_is_asked_for_a_maximum():
    assert "max: VALUE" in judged(NO_WORSE, 0.95, direction="lower").hint


@pytest.mark.parametrize(
    "rule",
    [
        GateRule("kept", "better", "auc"),
        GateRule("kept", "bound", "auc", max_change=Amount(0.1)),
        GateRule("kept", "bound", "auc", minimum=0.1, use="lower"),
    ],
)
def test_rule_that_recorded_numbers_cannot_answer_is_never_passed(rule):
    found = judged(rule, 0.95, 0.9)
    assert (found.outcome, found.hint) == ("invalid", "`mlgit gate` judges it")


def test_margin_can_be_a_share_of_the_version_there_now():
    rule = GateRule("kept", "no_worse", "auc", margin=Amount(0.1, True))
    assert (judged(rule, 0.46, 0.5).outcome, judged(rule, 0.44, 0.5).outcome) == ("pass", "fail")


def test_rules_for_labelled_pull_requests_are_not_for_promotion():
    config = Config(gates=Gates((GateRule("floor", "bound", "auc", minimum=0.8, label="improvement"),)))
    assert judge(config, candidate=Evaluation("v1.0.0", {"auc": 0.1}), baseline=None) == ()


def test_digests_are_of_test_data_only_and_none_where_one_is_unknown():
    one, other = DataFile("b", "2" * 32, role="test"), DataFile("a", "1" * 32, role="test")
    assert digests([one, other, DataFile("c", "3" * 32, role="train")]) == ("1" * 32, "2" * 32)
    assert digests([one, DataFile("a", "", role="test")]) == ()
    assert digests([]) == ()


_NUMBERS = st.floats(-1e6, 1e6)


@given(current=_NUMBERS, before=_NUMBERS, margin=st.floats(0, 10))
def test_directions_mirror_each_other(current, before, margin):
    rule = GateRule("kept", "no_worse", "auc", margin=Amount(margin))
    assert judged(rule, current, before).outcome == judged(rule, -current, -before, direction="lower").outcome


@given(before=_NUMBERS, gain=st.floats(0, 1e3), margin=st.floats(0, 10))
def test_better_version_is_never_refused(before, gain, margin):
    assert judged(GateRule("kept", "no_worse", "auc", margin=Amount(margin)), before + gain, before).outcome == "pass"
