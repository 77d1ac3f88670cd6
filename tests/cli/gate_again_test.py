"""When the test set changes, the model of the baseline is judged on the new rows: a pipeline whose model reads its data."""

from __future__ import annotations

import shutil

import pytest

from tests.gate.reviews import judged, only, ran
from tests.kit import git, repository, write_tree

pytestmark = pytest.mark.slow  # every test runs pipelines

PIPELINE = """\
stages:
  train:
    cmd: mkdir -p models && cp params.yaml models/model.yaml
    params: [limit]
    outs: [models/model.yaml]
  evaluate:
    cmd: sh evaluate.sh
    deps: [evaluate.sh, models/model.yaml, test.csv]
    outs: [predictions.csv]
artifacts:
  m: {path: models/model.yaml, type: model}
"""
EVALUATE = """\
limit=$(sed -n 's/limit: //p' models/model.yaml)
awk -F, -v limit=$limit 'NR == 1 { print "id,label,prediction" } NR > 1 { print $1 "," $3 "," ($2 > limit) }' \\
  test.csv > predictions.csv
"""
CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  m: {predictions: predictions.csv, id: id, test: [test.csv]}
gates:
  rules:
  - {id: kept, kind: no_worse, metric: accuracy, margin: 0.1}
"""


def examples(first, number):
    """Rows whose label is whether x is above 50; a model with another limit is wrong about those in between."""
    keys = range(first, first + number)
    return "id,x,label\n" + "".join(f"k{key},{key * 7 % 100},{int(key * 7 % 100 > 50)}\n" for key in keys)


@pytest.fixture
def project(tmp_path, cli):
    root = repository(tmp_path / "project")
    files = {"dvc.yaml": PIPELINE, "evaluate.sh": EVALUATE, "mlgit.yaml": CONFIG, "params.yaml": "limit: 45\n"}
    ran(write_tree(root, files | {"test.csv": examples(0, 200)}), cli)
    git(root, "checkout", "--quiet", "-b", "change")
    return root


@pytest.mark.parametrize(("limit", "outcome", "current"), [(49, "pass", 0.99), (70, "fail", 0.8)])
def test_both_models_are_judged_on_the_new_rows(project, cli, limit, outcome, current):
    ran(project, cli, {"test.csv": examples(500, 300), "params.yaml": f"limit: {limit}\n"})
    found = judged(project, cli)
    assert (found["tested"][0]["how"], found["tested"][0]["n"], only(found)["outcome"]) == ("re-evaluated", 300, outcome)
    assert only(found)["baseline"] == pytest.approx(0.95)
    assert only(found)["current"] == pytest.approx(current)
    assert git(project, "status", "--porcelain") == ""


def test_baseline_model_that_is_gone_is_told(project, cli):
    ran(project, cli, {"test.csv": examples(500, 300), "params.yaml": "limit: 49\n"})
    shutil.rmtree(project / ".dvc/cache")
    found = judged(project, cli)
    assert (found["tested"][0]["how"], found["code"]) == ("unpaired", 2)
    assert "the baseline's model was not judged on the new rows: models/model.yaml: not in the cache" in only(found)["reason"]
