"""DVCLive's layout, from end to end: everything that a model is judged on lies below folders that stages make."""

from __future__ import annotations

import pytest

from tests.evaluation.predicting import EVALUATE, TRAIN, ran, table
from tests.gate.reviews import comment, judged
from tests.kit import commit, git, repository

pytestmark = pytest.mark.slow  # stages run

PREPARE = "mkdir -p data/prepared\ncp raw/*.csv data/prepared/\n"
PIPELINE = """\
stages:
  prepare:
    cmd: sh prepare.sh
    deps: [prepare.sh, raw]
    outs: [data/prepared]
  train:
    cmd: sh train.sh
    deps: [train.sh, data/prepared]
    params: [cut]
    outs: [models]
  evaluate:
    cmd: sh evaluate.sh
    deps: [evaluate.sh, models, data/prepared]
    outs: [eval]
plots: [{eval/plots/metrics: {x: step, y: acc}}]
artifacts: {leave: {path: models/cut.txt, type: model}}
"""
PLOT = """\
mkdir -p eval/plots/metrics
printf 'step\\tacc\\n0\\t0.5\\n1\\t%s\\n' $(cat models/cut.txt) > eval/plots/metrics/acc.tsv
"""
CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  leave: {id: id, metrics: eval/metrics.json, predictions: eval/predictions.csv,
    train: [data/prepared/train.csv], test: [data/prepared/test.csv]}
gates:
  leakage: {max_rows: 400}
  rules: [{id: kept, kind: no_worse, metric: accuracy, margin: 0.05}, {id: floor, kind: bound, metric: accuracy, min: 0.5}]
environments: [{name: prod, requires: {gates: pass}}]
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "mlgit.yaml": CONFIG,
    "prepare.sh": PREPARE,
    "train.sh": TRAIN,
    "evaluate.sh": EVALUATE.replace("reports", "eval").replace("data/test", "data/prepared/test") + PLOT,
    "raw/train.csv": table(10_000),
    "raw/test.csv": table(0),
    "params.yaml": "cut: 50\n",
}


@pytest.fixture
def project(tmp_path, cli):
    root = repository(tmp_path / "project", FILES)
    assert cli(root, "run").code == 0
    commit(root)
    git(root, "switch", "--quiet", "--create", "change")
    return root


def test_a_ruined_model_is_red_in_gate_comment_and_promotion(project, cli):
    assert cli(project, "model", "register", "leave").code == 0
    assert cli(project, "model", "promote", "leave", "prod", "--new-environment", "--override", "the first one").code == 0
    ran(project, cli, {"params.yaml": "cut: 95\n"})
    found = judged(project, cli, "main")
    assert (found["code"], {each["id"]: each["outcome"] for each in found["rules"]}["kept"]) == (1, "fail")
    assert (found["tested"][0]["how"], found["leakage"][0]["of"]) == ("paired", 400)
    told = "\n".join(comment(project, cli, 1, "--base", "main"))
    assert "⛔ 1 of" in told.splitlines()[0]
    assert "eval/plots/metrics/acc.tsv" in told
    assert cli(project, "model", "register", "leave").code == 0
    assert cli(project, "model", "promote", "leave", "prod").code == 1


def test_rows_that_are_gone_are_judged_again_though_training_reads_the_same_folder(project, cli):
    ran(project, cli, {"raw/test.csv": table(0, 300)})
    found = judged(project, cli, "main")
    assert (found["code"], found["tested"][0]["how"], found["tested"][0]["trouble"]) == (0, "re-evaluated", "")
    assert "test set changed: 100 of 400 rows are gone" in comment(project, cli, 0, "--base", "main")[0]
