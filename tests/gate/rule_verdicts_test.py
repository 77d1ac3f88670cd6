"""Outcomes of gate rules: each of them, what it says, and what it counts as."""

from __future__ import annotations

import datetime
from dataclasses import replace

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.evaluation.results import MetricEvidence
from mlgit.gate import data_rules
from mlgit.gate.rule_result import RuleResult
from mlgit.gate.rule_verdicts import applicable, judge, verdict, waive
from mlgit.rules import parse
from mlgit.statistics.comparison import Comparison
from mlgit.tables.drift import Profile


def gates(*rules, waivers=""):
    return parse(parse_yaml(f"rules: [{', '.join(rules)}]\nwaivers: [{waivers}]", name="mlgit.yaml"))


def rule(text):
    return gates("{id: a, " + text + "}").rules[0]


def compared(low, high, *, baseline=0.9, number=1000, pvalue=None, reason=""):
    delta = 0.0 if low is None else (low + high) / 2
    current = None if baseline is None else baseline + delta
    return Comparison("f1", baseline, current, delta, low, high, 0.9, pvalue, 0.5, number, 60, "made", reason)


NO_WORSE = "kind: no_worse, metric: f1, margin: 0.01"


@pytest.mark.parametrize(
    ("text", "better", "low", "high", "outcome"),
    [
        (NO_WORSE, "higher", -0.009, 0.02, "pass"),
        (NO_WORSE, "higher", -0.01, 0.02, "inconclusive"),
        (NO_WORSE, "higher", -0.03, -0.009, "inconclusive"),
        (NO_WORSE, "higher", -0.03, -0.011, "fail"),
        (NO_WORSE, "lower", -0.02, 0.009, "pass"),
        (NO_WORSE, "lower", -0.02, 0.01, "inconclusive"),
        (NO_WORSE, "lower", 0.011, 0.03, "fail"),
        (NO_WORSE + ", severity: warn", "higher", -0.03, -0.011, "warn"),
        ("kind: no_worse, metric: f1, margin: 10%", "higher", -0.08, 0, "pass"),
        ("kind: no_worse, metric: f1, margin: 10%", "higher", -0.095, 0, "inconclusive"),
        ("kind: better, metric: f1", "higher", 0.001, 0.02, "pass"),
        ("kind: better, metric: f1", "higher", 0, 0.02, "inconclusive"),
        ("kind: better, metric: f1", "higher", -0.02, 0, "fail"),
        ("kind: better, metric: f1", "lower", -0.02, -0.001, "pass"),
        ("kind: better, metric: f1, by: 0.01", "higher", 0.001, 0.02, "inconclusive"),
        ("kind: same, metric: f1, margin: 0.01", "higher", -0.009, 0.009, "pass"),
        ("kind: same, metric: f1, margin: 0.01", "lower", -0.009, 0.011, "inconclusive"),
        ("kind: same, metric: f1, margin: 0.01", "higher", 0.011, 0.03, "fail"),
    ],
)
def test_ends_of_the_interval_decide(text, better, low, high, outcome):
    found = judge(rule(text), MetricEvidence(compared(low, high), better))
    assert found.outcome == outcome
    assert (found.low, found.high) == (low, high)
    assert found.effect == ("warn" if outcome == "inconclusive" else outcome)


@pytest.mark.parametrize(("low", "high", "outcome"), [(-0.009, 0.02, "inconclusive"), (-0.03, -0.011, "fail")])
def test_what_few_rows_decide_passes_nothing(low, high, outcome):
    doubted = replace(compared(low, high, number=400), note="2 of 400 rows decide this", may_pass=False)
    found = judge(rule(NO_WORSE), MetricEvidence(doubted, "higher"))
    assert found.outcome == outcome
    assert ("2 of 400 rows decide this" in found.reason) == (outcome == "inconclusive")


def test_rows_that_cannot_tell_say_how_many_would():
    found = judge(rule(NO_WORSE), MetricEvidence(compared(-0.0127, 0.0127), "higher"))
    assert found.outcome == "inconclusive"
    assert "about 3" in found.settle
    assert "rows would decide" in found.settle


def test_no_interval_is_no_pass():
    found = judge(rule(NO_WORSE), MetricEvidence(compared(None, None, reason="too few rows: 3"), "higher"))
    assert (found.outcome, found.effect, found.reason) == ("inconclusive", "warn", "too few rows: 3")
    blocking = judge(rule(NO_WORSE + ", if_inconclusive: fail"), MetricEvidence(compared(None, None), "higher"))
    assert verdict([blocking]) == "fail"


def test_metric_without_a_value_is_no_comparison():
    found = judge(rule(NO_WORSE), MetricEvidence(compared(None, None, baseline=None, reason="one class"), "higher"))
    assert (found.outcome, found.effect, verdict([found])) == ("invalid", "fail", "invalid")
    assert found.reason == "f1 has no value on these rows: one class"


@pytest.mark.parametrize(
    "kind", [NO_WORSE, "kind: better, metric: f1", "kind: no_harm, metric: f1, margin: 0, slices: {by: [a]}"]
)
def test_first_result_is_new_and_no_direction_is_invalid(kind):
    assert judge(rule(kind), MetricEvidence(is_first=True, current=0.9)).outcome == "first"
    found = judge(rule(kind), MetricEvidence(compared(0, 0.1)))
    assert (found.outcome, found.effect) == ("invalid", "fail")
    assert "which way f1 is better" in found.reason


def test_trouble_is_invalid_and_what_that_counts_as_is_declared():
    seen = MetricEvidence(compared(0, 0.1), "higher", trouble="the labels differ in 3 of 10 rows")
    assert verdict([judge(rule(NO_WORSE), seen)]) == "invalid"
    assert verdict([judge(rule(NO_WORSE + ", if_invalid: warn"), seen)]) == "warn"


@pytest.mark.parametrize(
    ("text", "seen", "outcome"),
    [
        ("min: 0.8", MetricEvidence(current=0.8), "pass"),
        ("min: 0.8", MetricEvidence(current=0.79), "fail"),
        ("max: 0.8", MetricEvidence(current=0.81), "fail"),
        ("min: 0", MetricEvidence(current=-1), "fail"),
        ("min: 0.8", MetricEvidence(), "invalid"),
        ("min: 0.8, use: lower", MetricEvidence(current=0.85, interval=(0.79, 0.9)), "fail"),
        ("min: 0.8, use: lower", MetricEvidence(current=0.85, interval=(0.81, 0.9)), "pass"),
        ("max: 0.8, use: upper", MetricEvidence(current=0.75, interval=(0.7, 0.81)), "fail"),
        ("min: 0.8, use: lower", MetricEvidence(current=0.85), "invalid"),
        ("max_change: 10%", MetricEvidence(current=109, baseline=100), "pass"),
        ("max_change: 10%", MetricEvidence(current=89, baseline=100), "fail"),
        ("max_change: 10%", MetricEvidence(current=89), "first"),
        ("max_change: 10%, max: 50", MetricEvidence(current=89), "fail"),
        ("min: 0.8", MetricEvidence(current=float("nan")), "invalid"),
        ("max: 0.8", MetricEvidence(current=float("nan")), "invalid"),
        ("min: 0.8", MetricEvidence(current=float("inf")), "invalid"),
        ("max_change: 10%", MetricEvidence(current=float("nan"), baseline=1), "invalid"),
        ("max_change: 10%", MetricEvidence(current=1, baseline=float("nan")), "invalid"),
    ],
)
def test_bounds(text, seen, outcome):
    assert judge(rule(f"kind: bound, metric: m, {text}"), seen).outcome == outcome


def outcome(name, effect=None):
    return RuleResult("a", "no_worse", "f1", name, effect or name)


@pytest.mark.parametrize(
    ("judged", "expected"),
    [
        ([], "invalid"),
        ([outcome("pass")], "pass"),
        ([outcome("pass"), outcome("inconclusive", "warn")], "warn"),
        ([outcome("first", "warn")], "warn"),
        ([outcome("inconclusive", "pass")], "pass"),
        ([outcome("invalid", "fail"), outcome("pass")], "invalid"),
        ([outcome("invalid", "fail"), outcome("fail")], "fail"),
        ([outcome("waived", "warn"), outcome("pass")], "warn"),
    ],
)
def test_verdict_of_all_rules(judged, expected):
    assert verdict(judged) == expected


def test_waiver_holds_until_its_last_day_and_then_fails_itself():
    declared = gates("{id: a, " + NO_WORSE + "}", waivers="{rule: a, until: 2026-05-31, reason: seasonal, by: Ada}")
    failed, last = outcome("fail"), datetime.date(2026, 5, 31)
    (waived,) = waive([failed], declared.waivers, today=last)
    assert (waived.outcome, waived.effect) == ("waived", "warn")
    assert "seasonal" in waived.reason
    after = waive([failed], declared.waivers, today=last + datetime.timedelta(1))
    assert [each.outcome for each in after] == ["fail", "invalid"]
    (kept,) = waive([outcome("pass")], declared.waivers, today=last)
    assert kept.outcome == "pass"
    (broken,) = waive([outcome("invalid", "fail")], declared.waivers, today=last)
    assert broken.outcome == "invalid"


def test_rule_with_a_label_is_asked_only_there():
    declared = gates("{id: a, kind: better, metric: f1, when: {label: x}}", "{id: b, kind: better, metric: f1}")
    assert [each.id for each in applicable(declared, labels=[])] == ["b"]
    assert [each.id for each in applicable(declared, labels=["x", "y"])] == ["a", "b"]


BEFORE = Profile({"age": "number", "sex": "text"}, 100)


@pytest.mark.parametrize(
    ("text", "after", "stability", "said"),
    [
        ("schema: compatible", Profile({"age": "number", "sex": "text", "new": "text"}, 5), None, ""),
        ("schema: same", Profile({"age": "number", "sex": "text", "new": "text"}, 5), None, "column new is new"),
        ("schema: compatible", Profile({"age": "number"}, 5), None, "column sex is gone"),
        ("schema: compatible", Profile({"age": "text", "sex": "text"}, 5), None, "column age was number and is text"),
        ("rows: [-5%, 50%]", Profile({}, 150), None, ""),
        ("rows: [-5%, 50%]", Profile({}, 94), None, "100 rows became 94 (-6.0%)"),
        ("psi: 0.2", BEFORE, {"age": 0.2}, ""),
        ("psi: 0.2", BEFORE, {"age": 0.21}, "age moved"),
        ("psi: 0.2", BEFORE, {"age": float("nan")}, "age moved"),
    ],
)
def test_data_rules(text, after, stability, said):
    found = data_rules.judge(rule(f"kind: data, path: a.csv, {text}"), BEFORE, after, stability=stability)
    assert found.outcome == ("fail" if said else "pass")
    assert said in found.reason


def test_data_that_cannot_be_compared_does_not_pass():
    chosen = rule("kind: data, path: a.csv, psi: 0.2")
    assert data_rules.judge(chosen, BEFORE, None).outcome == "invalid"
    assert data_rules.judge(chosen, None, BEFORE).outcome == "first"
    assert data_rules.judge(chosen, BEFORE, BEFORE).outcome == "invalid"
    assert data_rules.judge(chosen, BEFORE, BEFORE, stability={}).outcome == "invalid"
    empty = rule("kind: data, path: a.csv, rows: [0%, 10%]")
    assert data_rules.judge(empty, Profile({}, 0), Profile({}, 5)).outcome == "fail"
