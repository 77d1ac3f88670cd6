"""Promotions by what the predictions of both versions prove, row by row."""

from __future__ import annotations

import os
import shutil

import pytest

from mlgit.registry import read, state
from tests.evaluation.predicting import CONFIG, GATES, made, ran, table
from tests.kit import commit, git, write_tree

pytestmark = pytest.mark.slow  # stages run, and several commits are registered

PROD = "environments: [{name: prod, requires: {gates: pass}}]\n"
FLOOR = "{id: floor, kind: bound, metric: accuracy, min: 0.3}"
RULES = GATES.replace("rules: [", f"rules: [{FLOOR}, ")


@pytest.fixture
def root(tmp_path, cli):
    """The first version, in production."""
    root = made(tmp_path / "project", cli, {"mlgit.yaml": CONFIG + RULES + PROD})
    register(root, cli)
    promoted = promote(root, cli)
    assert (promoted.code, "recorded" in promoted.out) == (0, False), promoted.said
    return root


def register(root, cli, files=None):
    if files:
        ran(root, cli, files)
    done = cli(root, "model", "register", "leave", "--bump", "minor")
    assert done.code == 0, done.said


def promote(root, cli, *words):
    return cli(root, "model", "promote", "leave", "prod", *words)


def kept(root, number):
    """What the tag of a promotion says of the rule that compares."""
    artifact = state.fold(read.load(root)).artifact("leave")
    gate = next(each for each in artifact.events if each.ref == f"leave#prod#{number}").body.facts["gate"]
    return gate, gate["rules"][1]


def test_version_that_is_proven_worse_is_refused_and_its_numbers_are_kept(root, cli):
    register(root, cli, {"params.yaml": "cut: 70\n"})
    refused = promote(root, cli)
    assert refused.code == 1
    assert "gate kept: shown to be worse by more than 0.05 (needs worse by less than 0.05)" in refused.out
    assert promote(root, cli, "--override", "the old one is too slow").code == 0
    gate, rule = kept(root, 2)
    assert (gate["result"], gate["not_met"], rule["result"], rule["outcome"]) == ("fail", ["gate kept"], "fail", "fail")
    assert rule["low"] < rule["delta"] < rule["high"] < -0.05
    assert "recorded_only" not in gate


def test_version_that_is_proven_no_worse_comes_in(root, cli):
    register(root, cli, {"params.yaml": "cut: 51\n"})
    done = promote(root, cli)
    assert (done.code, done.out.splitlines()[0]) == (0, "leave@v0.2.0 is now in prod (leave#prod#2)")
    gate, rule = kept(root, 2)
    assert (gate["result"], rule["outcome"], -0.05 < rule["low"] < rule["high"]) == ("pass", "pass", True)
    assert rule["value"] - rule["baseline"] == pytest.approx(rule["delta"])


def test_rows_that_cannot_tell_are_a_warning_unless_the_rule_says_more(root, cli):
    narrow = RULES.replace("margin: 0.05", "margin: 0.0001")
    register(
        root,
        cli,
        {"params.yaml": "cut: 51\n", "mlgit.yaml": CONFIG + narrow.replace("0.0001", "0.0001, if_inconclusive: fail") + PROD},
    )
    refused = promote(root, cli)
    assert (refused.code, "inconclusive: the 400 rows do not decide" in refused.out) == (1, True)
    register(root, cli, {"params.yaml": "cut: 51 \n", "mlgit.yaml": CONFIG + narrow + PROD})
    assert promote(root, cli).code == 0
    assert kept(root, 2)[1]["outcome"] == "inconclusive"


def test_rule_that_only_warns_is_called_neither_ok_nor_nothing(root, cli):
    soft = RULES.replace("margin: 0.05", "margin: 0.05, severity: warn")
    register(
        root, cli, {"params.yaml": "cut: 70\n", "mlgit.yaml": CONFIG + soft + PROD.replace("pass}", "pass, approvals: 1}")}
    )
    refused = promote(root, cli)
    assert (refused.code, "  warn  gate kept: " in refused.out, "ok  gate floor" in refused.out) == (1, True, True), (
        refused.said
    )
    checks = {each["name"]: each["warning"] for each in promote(root, cli, "--json").json["checks"]}
    assert (checks["gate kept"], checks["gate floor"]) == (True, False)
    write_tree(root, {"mlgit.yaml": CONFIG + soft + PROD})
    commit(root)
    assert "leave@v0.2.0 is now in prod, with warnings: gate kept (leave#prod#2)" in promote(root, cli).out


def test_on_other_test_data_the_version_there_is_judged_again(root, cli):
    register(root, cli, {"params.yaml": "cut: 70\n", "data/test.csv": table(500)})
    refused = promote(root, cli)
    assert (refused.code, "shown to be worse by more than 0.05" in refused.out) == (1, True)
    register(root, cli, {"params.yaml": "cut: 51\n"})
    assert promote(root, cli).code == 0
    assert kept(root, 2)[1]["outcome"] == "pass"
    assert git(root, "status", "--porcelain") == ""


def test_on_other_test_data_a_version_that_is_gone_cannot_be_compared(root, cli):
    register(root, cli, {"params.yaml": "cut: 51\n", "data/test.csv": table(500)})
    content = b"50\n"
    lost = [path for path in (root / ".dvc/cache").rglob("*") if path.is_file() and path.read_bytes() == content]
    assert lost
    for path in lost:
        path.unlink()
    refused = promote(root, cli)
    assert refused.code == 2
    assert "models/cut.txt: neither in the cache nor in a DVC remote" in refused.out


def test_without_the_predictions_recorded_numbers_are_compared_and_that_is_said(root, cli):
    register(root, cli, {"params.yaml": "cut: 51\n"})
    shutil.rmtree(root / ".dvc/cache")
    os.remove(root / "reports/predictions.csv")
    done = promote(root, cli)
    assert (done.code, done.out.splitlines()[0]) == (
        0,
        "leave@v0.2.0 is now in prod, by recorded numbers only: gate floor, gate kept (leave#prod#2)",
    )
    gate, rule = kept(root, 2)
    assert (gate["recorded_only"], rule["result"], rule["outcome"], "low" in rule) == (["floor", "kept"], "pass", "warn", False)


def test_rules_about_another_model_are_not_asked(root, cli):
    other = RULES.replace(FLOOR, f"{FLOOR}, {{id: other, kind: bound, metric: accuracy, model: stay, min: 0.99}}")
    register(root, cli, {"params.yaml": "cut: 51\n", "mlgit.yaml": CONFIG + other + PROD})
    assert promote(root, cli).code == 0
    assert [each["id"] for each in kept(root, 2)[0]["rules"]] == ["floor", "kept"]


def test_data_rules_are_asked_too(root, cli):
    more = RULES.replace(FLOOR, f"{FLOOR}, {{id: rows, kind: data, path: data/train.csv, rows: [-5%, 50%]}}")
    register(root, cli, {"data/train.csv": table(10_000, 100), "mlgit.yaml": CONFIG + more + PROD})
    refused = promote(root, cli)
    assert (refused.code, "gate rows: 400 rows became 100 (-75.0%)" in refused.out) == (1, True)
