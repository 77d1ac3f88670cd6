"""What a promotion asks beyond the verdict of a review."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlgit.config import Config, Environment
from mlgit.gate.rule_result import RuleResult
from mlgit.registry import first_version
from mlgit.registry.policy import Case, checks, verdict
from mlgit.rules import Amount, GateRule, Gates

BOUND = GateRule("floor", "bound", "f1", minimum=0.8)
CHANGE = GateRule("about", "bound", "f1", max_change=Amount(0.1))
NO_WORSE = GateRule("kept", "no_worse", "f1", margin=Amount(0.01))
DATA = GateRule("rows", "data", path="data/train.csv", rows=(-0.1, 0.5))


def result(rule, outcome, effect="warn"):
    return RuleResult(rule.id, rule.kind, rule.metric, outcome, effect, "0.9", "why", "do this", path=rule.path)


def held(rule, outcome, *others, direction="higher"):
    config = Config({"f1": direction}, gates=Gates((rule, *others)))
    return first_version.held(config, [result(rule, outcome)])[0]


def counted(*found):
    return verdict(checks(Case(Environment("prod", gates=True), "churn@v2.0.0", "oid", gates=found)))


@pytest.mark.parametrize(
    ("outcome", "effect", "counts"),
    [
        *(("pass", "pass", "pass"), ("warn", "warn", "pass"), ("fail", "fail", "fail"), ("inconclusive", "warn", "pass")),
        *(
            ("inconclusive", "fail", "fail"),
            ("invalid", "fail", "invalid"),
            ("invalid", "warn", "pass"),
            ("waived", "warn", "pass"),
        ),
    ],
)
def test_what_passes_or_warns_comes_in(outcome, effect, counts):
    found = result(NO_WORSE, outcome, effect)
    assert counted(found) == counts
    told = checks(Case(Environment("prod", gates=True), "churn@v2.0.0", "oid", gates=(found,)))[1]
    assert (told.detail, told.hint) == (f"{'' if outcome in ('pass', 'fail') else f'{outcome}: '}why (needs 0.9)", "do this")


@pytest.mark.parametrize("rule", [NO_WORSE, CHANGE, DATA, GateRule("more", "better", "f1")])
def test_first_version_is_held_to_thresholds(rule):
    assert counted(held(rule, "first")) == "fail"
    assert counted(held(rule, "first", BOUND)) == "pass"
    assert counted(held(rule, "first", CHANGE._replace(id="other"))) == "fail"  # a change is no threshold
    assert counted(held(rule, "first", BOUND._replace(label="improvement"))) == "fail"
    assert counted(held(rule._replace(severity="warn"), "first")) == "pass"


def test_first_version_without_thresholds_is_told_the_line_to_add():
    assert "`- {id: kept-bound, kind: bound, metric: f1, min: VALUE}`" in held(NO_WORSE, "first").settle
    assert "metric: f1, max: VALUE" in held(NO_WORSE, "first", direction="lower").settle
    assert "metric: f1, min: VALUE" in held(DATA, "first").settle


def test_bound_that_rows_do_not_decide_lets_no_first_version_in():
    found = held(BOUND, "inconclusive")
    assert (found.outcome, counted(found), found.settle) == ("inconclusive", "fail", "do this")
    assert "a first version comes in only where it is shown" in found.reason
    assert counted(held(BOUND._replace(severity="warn"), "inconclusive")) == "pass"


@pytest.mark.parametrize("outcome", ["invalid", "inconclusive"])
def test_rule_that_could_not_compare_stays_what_it_is(outcome):
    assert held(NO_WORSE, outcome, BOUND) == result(NO_WORSE, outcome)


def test_numbers_of_unknown_test_data_compare_nothing():
    recorded = replace(result(NO_WORSE, "warn"), is_recorded=True)
    limit = replace(result(BOUND, "pass", "pass"), is_recorded=True)
    found = first_version.of_known_test_data(
        Config(), [recorded, limit, result(NO_WORSE, "pass", "pass")], blind={"": "v1.0.0"}
    )
    assert [each.outcome for each in found] == ["invalid", "pass", "pass"]
    assert (counted(found[0]), "v1.0.0" in found[0].reason, "test: [PATH]" in found[0].settle) == ("invalid", True, True)
    assert first_version.of_known_test_data(Config(), [recorded], blind={}) == (recorded,)
