"""`mlgit gate` on real repositories: a verdict with reasons, and never a pass where nothing was compared."""

from __future__ import annotations

import json

import pytest

from tests.gate.reviews import MODELS, RULES, judged, only, ran, rows, sources, started

pytestmark = pytest.mark.slow  # every test runs a pipeline


@pytest.fixture
def project(tmp_path, cli):
    return started(tmp_path / "project", cli)


def change(project, cli, predictions, **given):
    return ran(project, cli, sources(predictions, **given))


@pytest.mark.parametrize(
    ("wrong", "verdict", "outcome", "code"),
    [
        (range(3, 45), "pass", "pass", 0),
        (range(18, 76), "warn", "inconclusive", 0),
        (range(3, 120), "fail", "fail", 1),
    ],
)
def test_rows_decide(project, cli, wrong, verdict, outcome, code):
    change(project, cli, rows(wrong=wrong, order=-1))
    found = judged(project, cli)
    assert (found["verdict"], only(found)["outcome"], found["code"]) == (verdict, outcome, code)


def test_order_of_the_rows_changes_nothing(project, cli):
    change(project, cli, rows(wrong=range(3, 45)))
    plain = judged(project, cli)
    change(project, cli, rows(wrong=range(3, 45), order=-1))
    shuffled = judged(project, cli)
    for each in (plain, shuffled):
        each["tested"][0].pop("judged")
    assert plain == shuffled


def test_text_begins_with_the_verdict_and_has_a_line_for_each_rule(project, cli):
    change(project, cli, rows(wrong=range(3, 120)))
    first, second, third, leakage, _, rule, *_ = cli(project, "gate").out.splitlines()
    assert first == "fail: 1 of 1 rule failed"
    assert second.startswith("workspace vs main (")
    assert third == "churn: 400 rows, paired by id; 1 other model was already judged on this test set"
    assert leakage == "churn: leakage was not looked for: mlgit.yaml does not declare models.churn.train"
    assert rule.startswith("✗ fail  kept (churn): needs worse by less than 0.05; got -0.193 (")


def test_bound_tells_the_value_and_no_change(tmp_path, cli):
    bounded = "gates: {rules: [{id: floor, kind: bound, metric: accuracy, min: 0.99}]}\n"
    project = started(tmp_path / "project", cli, config=MODELS + bounded)
    change(project, cli, rows(wrong=range(3, 120)))
    (rule,) = [line for line in cli(project, "gate").out.splitlines() if " floor " in line]
    assert "needs at least 0.99; " in rule
    assert "got" not in rule


def test_without_rules_nothing_was_judged(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS)
    done = cli(project, "gate")
    assert done.code == 2
    assert done.out.startswith("invalid: nothing was judged")
    assert "add to mlgit.yaml: gates: {rules: [{id: f1.no_worse" in done.out


def test_rules_of_the_base_judge_a_branch_that_loosens_them(project, cli):
    loose = RULES.replace("margin: 0.05", "margin: 0.9")
    ran(project, cli, sources(rows(wrong=range(3, 120))) | {"mlgit.yaml": MODELS + loose})
    found = judged(project, cli)
    assert (found["verdict"], found["rules_from"]) == ("fail", "main")
    assert found["rule_changes"] == [
        {
            "id": "kept",
            "change": "changed",
            "before": "kind: no_worse, metric: accuracy, margin: 0.05",
            "now": "kind: no_worse, metric: accuracy, margin: 0.9",
        }
    ]
    assert (
        "changed here (the rules of main judge, and files are read where each side names them):\n  changed kept:"
        in cli(project, "gate").out
    )


def test_suggestion_names_what_the_rows_can_prove(project, cli):
    change(project, cli, rows(wrong=range(10, 60)))
    listed = json.loads(cli(project, "gate", "suggest", "--json").out)["models"]["churn"]
    found = next(each for each in listed if each["metric"] == "accuracy")
    assert (found["n"], found["n_discordant"]) == (400, 30)
    assert 0.03 < found["smallest"] <= found["margin"] < 0.045
    assert "smallest that can be shown" in cli(project, "gate", "suggest").out
