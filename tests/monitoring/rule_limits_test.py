"""When a metric of today breaks a gate rule."""

from __future__ import annotations

import pytest

from mlgit.monitoring import rule_limits
from mlgit.rules import Amount, GateRule
from mlgit.statistics.bootstrap import Interval

FOUND = Interval("f1", 0.8, 0.75, 0.85, 0.9, 300, "")


def is_broken(kind, *, found=FOUND, baseline=0.9, better="higher", **fields):
    return rule_limits.judge(GateRule("r", kind, "f1", **fields), found, baseline=baseline, better=better)[0]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"minimum": 0.86}, True),
        ({"minimum": 0.84}, False),
        ({"minimum": 0.84, "use": "point"}, True),
        ({"minimum": 0.76, "use": "lower"}, True),
        ({"minimum": 0.84, "use": "upper"}, False),
        ({"maximum": 0.74}, True),
        ({"maximum": 0.76}, False),
        ({"max_change": Amount(0.04)}, True),
        ({"max_change": Amount(0.06)}, False),
        ({"max_change": Amount(0.05, True)}, True),
        ({"minimum": 0.5, "max_change": Amount(0.04)}, True),
    ],
)
def test_bound_is_broken_by_the_whole_interval_or_the_end_that_the_rule_names(fields, expected):
    assert is_broken("bound", **fields) is expected


@pytest.mark.parametrize(
    ("baseline", "better", "margin", "expected"),
    [(0.9, "higher", 0.04, True), (0.9, "higher", 0.06, False), (0.7, "lower", 0.04, True), (0.9, "lower", 0.0, False)],
)
def test_no_worse_is_held_against_the_value_at_release(baseline, better, margin, expected):
    assert is_broken("no_worse", baseline=baseline, better=better, margin=Amount(margin)) is expected


def test_same_is_broken_on_both_sides():
    assert is_broken("same", baseline=0.9, margin=Amount(0.04))
    assert is_broken("same", baseline=0.7, margin=Amount(0.04))
    assert not is_broken("same", baseline=0.8, margin=Amount(0.04))


def test_without_interval_nothing_is_broken_but_what_goes_by_the_value():
    few = Interval("f1", 0.2, None, None, 0.9, 5, "", reason="5 rows")
    assert not is_broken("bound", found=few, minimum=0.9)
    assert is_broken("bound", found=few, minimum=0.9, use="point")


def test_without_a_value_at_release_a_comparison_is_open_and_says_so():
    rule = GateRule("r", "no_worse", "f1", margin=Amount(0.0))
    assert rule_limits.judge(rule, FOUND, baseline=None, better="higher") == (False, "the rule r needs the value at release")


def test_what_is_asked_is_told():
    assert rule_limits.judge(GateRule("r", "bound", "f1", minimum=0.7, maximum=0.9), FOUND, baseline=None, better="higher") == (
        False,
        "at least 0.7 and at most 0.9 is asked",
    )


def test_rules_that_need_two_models_are_not_watched():
    assert [
        kind
        for kind in ("bound", "no_worse", "same", "better", "no_harm", "gap")
        if rule_limits.is_watched(GateRule("r", kind))
    ] == [
        "bound",
        "no_worse",
        "same",
    ]
