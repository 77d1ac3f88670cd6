"""Results in a folder that a stage makes, as DVCLive writes them, count as those that are outputs of their own."""

from __future__ import annotations

import json

import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.cards import frontmatter
from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # stages run

PIPELINE = """\
stages:
  train:
    cmd: mkdir -p eval/rows && cp made/m.json eval/metrics.json && cp made/p.csv eval/rows/p.csv && cp made/x model.txt
    deps: [made]
    outs: [eval, model.txt]
artifacts: {m: {path: model.txt, type: model}}
"""
CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models: {m: {metrics: eval/metrics.json, predictions: eval/rows/p.csv, id: id}}
gates:
  rules:
    - {id: floor, kind: bound, metric: accuracy, min: 0.5, max_change: 0.1}
    - {id: kept, kind: no_worse, metric: accuracy, margin: 0.05}
environments: [{name: prod, requires: {gates: pass}}]
"""


def made(wrong, *, rows=200):
    lines = [f"{key},{key % 2},{key % 2 if key >= wrong else 1 - key % 2}" for key in range(rows)]
    accuracy = (rows - wrong) / rows
    return {
        "made/m.json": json.dumps({"accuracy": accuracy}),
        "made/p.csv": "id,label,prediction\n" + "\n".join(lines) + "\n",
        "made/x": f"{wrong}\n",
    }


@pytest.fixture
def root(tmp_path, cli):
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG, **made(10)})
    assert cli(root, "run").code == 0
    commit(root)
    return root


def ruined(root, cli):
    git(root, "switch", "--quiet", "--create", "change")
    write_tree(root, made(84))
    assert cli(root, "run").code == 0


def test_ruined_model_is_no_first_result(root, cli):
    ruined(root, cli)
    gate = cli(root, "gate", "main", "--json")
    assert gate.code == 1
    assert {each["id"]: each["outcome"] for each in gate.json["rules"]} == {"floor": "fail", "kept": "fail"}
    assert [(each["baseline"], each["current"]) for each in gate.json["metrics"]] == [(0.95, 0.58)]
    assert cli(root, "ci", "run", "--no-run", "--base", "main").code == 1


def test_diff_compares_the_rows(root, cli):
    ruined(root, cli)
    (one,) = cli(root, "diff", "main", "--format", "json").json["comparisons"]
    assert (one["standing"], one["baseline"], one["current"]) == ("worse", 0.95, 0.58)


def test_two_commits_are_compared_by_the_cache(root, cli):
    ruined(root, cli)
    commit(root)
    gate = cli(root, "gate", "main", "change", "--json")
    assert (gate.code, gate.json["metrics"][0]["baseline"]) == (1, 0.95)


def test_card_and_version_hold_them(root, cli):
    assert cli(root, "card", "build").code == 0
    own = parse_yaml(frontmatter.split((root / "cards/m.md").read_text()), name="card")["mlgit"]
    assert set(own["intervals"]) == {"accuracy"}
    commit(root)
    assert cli(root, "model", "register", "m").code == 0
    assert cli(root, "model", "audit", "m", "--json").json["metrics"]


def test_promotion_refuses_the_ruined_model(root, cli):
    assert cli(root, "model", "register", "m").code == 0
    assert cli(root, "model", "promote", "m", "prod", "--new-environment", "--override", "the first one").code == 0
    ruined(root, cli)
    commit(root)
    assert cli(root, "model", "register", "m").code == 0
    assert cli(root, "model", "promote", "m", "prod").code == 1
