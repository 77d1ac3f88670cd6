"""The verdict of a review as a promotion counts it."""

from __future__ import annotations

import datetime

import pytest

from mlgit.config import Config, Environment
from mlgit.gate import rule_verdicts
from mlgit.gate.rule_result import RuleResult
from mlgit.registry.policy import Case, checks, verdict
from mlgit.registry.rules import Evaluation
from mlgit.registry.verdict import settle
from mlgit.rules import Amount, GateRule, Gates, Waiver

BOUND = GateRule("floor", "bound", "f1", minimum=0.8)
NO_WORSE = GateRule("kept", "no_worse", "f1", margin=Amount(0.01))
BETTER = GateRule("more", "better", "f1")
TEST = ("1" * 32,)
NOW, BEFORE = Evaluation("v2.0.0", {"f1": 0.9}, TEST), Evaluation("v1.0.0", {"f1": 0.895}, TEST)


def settled(rule, outcome, effect, *, others=(), baseline=BEFORE, has_rows=True, candidate=NOW, **numbers):
    config = Config({"f1": "higher"}, gates=Gates((rule, *others)))
    found = RuleResult(rule.id, rule.kind, rule.metric, outcome, effect, "0.9", "why", "do this", **numbers)
    return settle(config, [found], candidate=candidate, baseline=baseline, by_rows={rule.id} if has_rows else ())[0]


@pytest.mark.parametrize(
    ("outcome", "effect", "counts"),
    [
        ("pass", "pass", "pass"),
        ("warn", "warn", "pass"),
        ("fail", "fail", "fail"),
        ("inconclusive", "warn", "pass"),
        ("inconclusive", "fail", "fail"),
        ("invalid", "fail", "invalid"),
        ("invalid", "warn", "pass"),
        ("waived", "warn", "pass"),
    ],
)
def test_what_passes_or_warns_is_kept(outcome, effect, counts):
    found = settled(NO_WORSE, outcome, effect, baseline=BEFORE, low=-0.1, high=0.2)
    assert (found.outcome, found.standing, found.low, found.high, found.hint) == (counts, outcome, -0.1, 0.2, "do this")
    assert found.reason == ("why (needs 0.9)" if outcome in ("pass", "fail") else f"{outcome}: why (needs 0.9)")
    case = Case(Environment("prod", gates=True), "churn@v2.0.0", "oid", gates=(found,))
    assert verdict(checks(case)) == counts


@pytest.mark.parametrize("outcome", ["inconclusive", "invalid"])
def test_without_rows_the_recorded_numbers_are_compared_and_called_unverified(outcome):
    found = settled(NO_WORSE, outcome, "warn", has_rows=False)
    assert (found.outcome, found.standing) == ("pass", "unverified")
    assert found.reason == "unverified, by recorded numbers only: f1 0.895 → 0.9, margin 0.01"
    worse = settled(NO_WORSE, outcome, "warn", has_rows=False, candidate=Evaluation("v2.0.0", {"f1": 0.7}, TEST))
    assert (worse.outcome, worse.standing) == ("fail", "unverified")


def test_recorded_numbers_of_other_test_data_are_not_compared():
    found = settled(NO_WORSE, "inconclusive", "warn", has_rows=False, candidate=Evaluation("v2.0.0", {"f1": 0.9}, ("2" * 32,)))
    assert (found.outcome, found.standing) == ("invalid", "invalid")


def test_rows_that_cannot_be_compared_do_not_fall_back_to_numbers():
    assert settled(NO_WORSE, "invalid", "fail", has_rows=True).outcome == "invalid"
    assert settled(BETTER, "inconclusive", "fail", has_rows=False).outcome == "fail"


@pytest.mark.parametrize("rule", [NO_WORSE, BETTER])
def test_first_version_is_held_to_thresholds(rule):
    assert settled(rule, "first", "warn", baseline=None).outcome == "fail"
    assert settled(rule, "first", "warn", baseline=None, others=(BOUND,)).outcome == "pass"


def test_waiver_that_ended_refuses():
    config = Config(gates=Gates((NO_WORSE,), (Waiver("kept", datetime.date(2020, 1, 1), "old", "@lead"),)))
    good = RuleResult("kept", "no_worse", "f1", "pass", "pass")
    found = settle(
        config,
        rule_verdicts.waive([good], config.gates.waivers, today=datetime.date(2024, 1, 1)),
        candidate=NOW,
        baseline=BEFORE,
        by_rows={"kept"},
    )
    assert [(each.rule.id, each.outcome) for each in found] == [("kept", "pass"), ("kept.waiver", "invalid")]
