"""What an environment asks, requirement by requirement."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlgit.config import Environment
from mlgit.gate.rule_result import RuleResult
from mlgit.registry.policy import Approval, Case, Check, checks, counted, verdict

TAG = "a" * 40
PROD = Environment("prod")
CASE = Case(PROD, "churn@v1.0.0", TAG)


def by(email, *, of=TAG, signer=""):
    return Approval(f"mlgit/approvals/churn/v1.0.0/{email}", "b" * 40, of, email, signer)


def check(case, name):
    (found,) = [each for each in checks(case) if each.name == name]
    return found


def test_environment_that_asks_nothing_takes_any_registered_version():
    assert [each.name for each in checks(CASE)] == ["registered"]
    assert verdict(checks(CASE)) == "pass"


def test_withdrawn_version_is_refused_everywhere():
    assert verdict(checks(replace(CASE, is_active=False))) == "fail"


@pytest.mark.parametrize(("held", "ok"), [({"staging"}, True), (set(), False), ({"prod"}, False)])
def test_order_is_read_from_history(held, ok):
    case = replace(CASE, environment=Environment("prod", "staging"), held=frozenset(held))
    assert check(case, "order").ok is ok


def test_order_says_where_to_go_first():
    case = replace(CASE, environment=Environment("prod", "staging"))
    assert check(case, "order").hint == "`mlgit model promote churn@v1.0.0 staging` first"


@pytest.mark.parametrize(
    ("asked", "status", "ok"),
    [
        ("fresh", "complete", True),
        ("fresh", "fresh", True),
        ("fresh", "stale", False),
        ("fresh", "missing", False),
        ("fresh", "unknown", None),
        ("complete", "complete", True),
        ("complete", "fresh", False),
        ("complete", "unknown", None),
    ],
)
def test_card(asked, status, ok):
    assert check(replace(CASE, environment=replace(PROD, card=asked), card=status), "card").ok is ok


def test_gates_without_rules_pass_nothing():
    assert verdict(checks(replace(CASE, environment=replace(PROD, gates=True)))) == "invalid"


def test_every_rule_is_a_check():
    rules = [
        RuleResult(name, "bound", "auc", outcome, effect)
        for name, outcome, effect in (("a", "pass", "pass"), ("b", "invalid", "fail"))
    ]
    case = replace(CASE, environment=replace(PROD, gates=True), gates=tuple(rules))
    assert [(each.name, each.ok) for each in checks(case)[1:]] == [("gate a", True), ("gate b", None)]


def test_no_is_stronger_than_unknown():
    assert verdict([Check("a", None), Check("b", True)]) == "invalid"
    assert verdict([Check("a", None), Check("b", False)]) == "fail"
    assert verdict([Check("b", True)]) == "pass"


@pytest.mark.parametrize(
    ("approvals", "ok"),
    [
        ([], False),
        ([by("bob@example.com")], False),
        ([by("bob@example.com"), by("Bob@Example.com ")], False),
        ([by("bob@example.com"), by("eve@example.com")], True),
        ([by("bob@example.com"), by("ada@example.com")], False),
        ([by("bob@example.com"), by("ADA@example.com")], False),
        ([by("bob@example.com"), by("eve@example.com", of="c" * 40)], False),
        ([by("bob@example.com"), by("eve@example.com", signer="bob@example.com")], False),
        ([by("bob@example.com"), by("eve@example.com", signer="ada@example.com")], False),
        ([by("bob@example.com"), by("", signer="")], False),
    ],
)
def test_two_approvals_are_of_two_others(approvals, ok):
    case = replace(CASE, environment=replace(PROD, approvals=2), authors=frozenset({"ada@example.com"}))
    assert check(replace(case, approvals=tuple(approvals)), "approvals").ok is ok


def test_where_signatures_are_asked_only_proven_approvals_count():
    case = replace(CASE, environment=replace(PROD, approvals=1, signed=True), approvals=(by("bob@example.com"),))
    assert check(case, "approvals").ok is False
    assert "--sign" in check(case, "approvals").hint
    signed = replace(case, approvals=(by("bob@example.com"), by("eve@example.com", signer="eve@example.com")))
    assert [each.person for each in counted(signed)] == ["eve@example.com"]


@pytest.mark.parametrize("stored", [True, False, None])
def test_retrievable(stored):
    assert check(replace(CASE, environment=replace(PROD, retrievable=True), is_stored=stored), "retrievable").ok is stored


@pytest.mark.parametrize(("executes", "ok"), [(False, True), (True, False), (None, None)])
def test_scan(executes, ok):
    case = replace(CASE, environment=replace(PROD, scan=True), executes_code=executes, findings=("os.system",))
    assert check(case, "scan").ok is ok
    assert ("os.system" in check(case, "scan").detail) is (executes is True)
    case = replace(case, executes_code=False, loader="joblib.load")
    assert check(case, "scan").detail == "loading it with joblib.load runs no code"
