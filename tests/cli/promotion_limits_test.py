"""Limits and recorded numbers at promotion: what lets a first version in, and what a candidate cannot leave out."""

from __future__ import annotations

import pytest

from tests.gate.reviews import rows
from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # a repository each

CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models: {churn: {metrics: metrics.json, predictions: p.csv, id: id, test: [test.csv]}}
gates: {rules: [%s]}
environments: [{name: prod, requires: {gates: pass}}]
"""
FLOOR = "{id: floor, kind: bound, metric: accuracy, min: 0.88%s}"
KEPT = "{id: kept, kind: no_worse, metric: accuracy, margin: 0.05%s}"


def started(folder, *rules, wrong=40, without=""):
    files = {"dvc.yaml": "artifacts: {churn: {path: model.txt}}\n", "test.csv": "x\n1\n", **scored(wrong)}
    return repository(folder, files | {"mlgit.yaml": (CONFIG % ", ".join(rules)).replace(without, "")})


def scored(wrong):
    files = {"model.txt": f"{wrong}\n", "metrics.json": f'{{"accuracy": {1 - wrong / 400}}}'}
    return files | {"p.csv": rows(wrong=range(wrong))}


def released(root, cli, files=None):
    """What `promote` says of a new version."""
    if files:
        write_tree(root, files)
        commit(root)
    done = cli(root, "model", "register", "churn")
    assert done.code == 0, done.said
    return cli(root, "model", "promote", "churn", "prod")


def test_limit_that_the_rows_do_not_decide_lets_no_first_version_in(tmp_path, cli):
    root = started(tmp_path / "project", FLOOR % "")
    refused = released(root, cli)
    assert refused.code == 1, refused.said
    assert "inconclusive: accuracy is 0.900 (90 % interval 0.873 to 0.922); a first version comes in only" in refused.out
    assert "about 1" in refused.out
    assert "rows would show it with 80 % probability" in refused.out
    assert released(root, cli, scored(20)).code == 0
    assert released(root, cli, scored(40)).code == 0  # one is there now, so that it does not decide is a warning


def test_model_that_learned_from_its_test_rows_comes_nowhere_where_that_fails(tmp_path, cli):
    root = started(tmp_path / "project", FLOOR % "", wrong=10)
    declared = (root / "mlgit.yaml").read_text().replace("test: [", "train: [test.csv], test: [")
    strict = declared.replace("gates: {", "gates: {leakage: {severity: fail}, ")
    refused = released(root, cli, {"mlgit.yaml": strict})
    assert (refused.code, "no  gate leakage: " in refused.out) == (1, True), refused.said


def test_rule_that_only_warns_of_recorded_numbers_lets_them_in(tmp_path, cli):
    recorded = ", predictions: p.csv, id: id"
    root = started(tmp_path / "project", FLOOR % "", KEPT % ", severity: warn", wrong=10, without=recorded)
    assert released(root, cli).code == 0
    done = released(root, cli, scored(45))
    assert (done.code, "by recorded numbers only: gate floor, gate kept" in done.out) == (0, True), done.said


def test_numbers_of_test_data_that_nobody_names_compare_nothing(tmp_path, cli):
    root = started(
        tmp_path / "project", FLOOR % "", KEPT % "", wrong=10, without=", predictions: p.csv, id: id, test: [test.csv]"
    )
    assert released(root, cli).code == 0
    refused = released(root, cli, scored(11))
    assert (refused.code, "it is not known on which test data v" in refused.out) == (2, True), refused.said


def test_candidate_cannot_leave_its_predictions_out(tmp_path, cli):
    root = started(tmp_path / "project", FLOOR % "", KEPT % "", wrong=10)
    assert released(root, cli).code == 0
    git(root, "checkout", "--quiet", "-b", "change")
    left_out = (root / "mlgit.yaml").read_text().replace(", predictions: p.csv, id: id", "")
    refused = released(root, cli, {**scored(200), "metrics.json": '{"accuracy": 0.99}', "mlgit.yaml": left_out})
    assert (refused.code, "the current side has no predictions of churn, and the baseline has" in refused.out) == (2, True)
