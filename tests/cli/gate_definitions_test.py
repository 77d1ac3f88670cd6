"""A change cannot choose what it is judged by: definitions, test sets and seeds are those of the baseline."""

from __future__ import annotations

import pytest

from tests.gate.reviews import judged, ran, rows
from tests.kit import git, repository, write_tree

pytestmark = pytest.mark.slow  # every test runs a pipeline

PIPELINE = """\
stages:
  train:
    cmd: mkdir -p models && cp source/model.bin models/model.bin
    deps: [source/model.bin]
    outs: [models/model.bin]
  evaluate:
    cmd: mkdir -p reports && cp source/*.csv reports/
    deps: [source, models/model.bin]
    outs: [reports]
artifacts:
  churn: {path: models/model.bin, type: model}
"""
CONFIG = """\
mlgit: 1
metrics:
  accuracy: {direction: higher}
  missed: {direction: lower, expression: "mean((label == 1) * (prediction == 0))"}
models:
  churn:
    predictions: reports/predictions.csv
    id: id
    tests:
      abroad: {predictions: reports/abroad.csv}
gates:
  stats: {resamples: 199}
  rules:
  - {id: missed, kind: no_worse, metric: missed, margin: 0.02}
  - {id: abroad, kind: no_worse, metric: accuracy, margin: 0.02, on: abroad}
"""
SEEDS = CONFIG.replace("predictions: reports/predictions.csv\n", "predictions: reports/seed*.csv\n    repeats: seeds\n")


def files(**wrong):
    return {f"source/{name}.csv": rows(wrong=which) for name, which in wrong.items()}


def start(tmp_path, cli, config=CONFIG, **wrong):
    root = repository(tmp_path / "project")
    given = files(**(wrong or {"predictions": range(40), "abroad": range(40)}))
    write_tree(root, {"dvc.yaml": PIPELINE, "mlgit.yaml": config, "source/model.bin": "x", **given})
    ran(root, cli)
    git(root, "checkout", "--quiet", "-b", "change")
    return root


def outcomes(found):
    return {each["id"]: (each["metric"], each["outcome"]) for each in found["rules"]}


def test_definition_of_a_metric_is_that_of_the_baseline(tmp_path, cli):
    project = start(tmp_path, cli)
    easy = CONFIG.replace("mean((label", "mean(0 * (label")
    ran(project, cli, {"mlgit.yaml": easy, **files(predictions=range(200))})
    found = judged(project, cli)
    assert outcomes(found)["missed"] == ("missed", "fail")
    assert "definition of missed" in {each["id"] for each in found["rule_changes"]}


def test_metric_that_the_baseline_judges_by_its_name_is_not_made_anew(tmp_path, cli):
    project = start(tmp_path, cli)
    easy = CONFIG.replace("accuracy: {direction: higher}", 'accuracy: {direction: higher, expression: "mean(1 + 0 * label)"}')
    ran(project, cli, {"mlgit.yaml": easy, **files(abroad=range(200))})
    assert outcomes(judged(project, cli))["abroad"] == ("accuracy@abroad", "fail")


def test_test_set_that_is_taken_away_judges_on(tmp_path, cli):
    project = start(tmp_path, cli)
    without = CONFIG.replace("    tests:\n      abroad: {predictions: reports/abroad.csv}\n", "")
    ran(project, cli, {"mlgit.yaml": without, **files(abroad=range(200))})
    found = judged(project, cli)
    assert outcomes(found)["abroad"] == ("accuracy@abroad", "fail")
    assert "predictions of churn@abroad" in {each["id"] for each in found["rule_changes"]}


def test_fewer_seeds_are_told_and_a_single_one_is_refused(tmp_path, cli):
    seeds = {f"seed{number}": range(40 + number) for number in range(5)}
    project = start(tmp_path, cli, SEEDS, abroad=range(40), **seeds)
    (project / "source/seed4.csv").unlink()
    ran(project, cli)
    found = judged(project, cli)
    assert outcomes(found)["missed"][1] != "invalid"
    assert [each for row in found["tested"] for each in row["remarks"]] == [
        "the predictions are of 4 seeds, and those of the baseline of 5: fewer tell less"
    ]
    assert {each["about"] for each in found["metrics"]} == {"", "about the recipes: 5 and 4 seeds"}
    for number in (1, 2, 3):
        (project / f"source/seed{number}.csv").unlink()
    ran(project, cli)
    found = judged(project, cli)
    assert outcomes(found)["missed"] == ("missed", "invalid")
    assert "predictions of 1 seed, and the baseline has 5" in str(found["rules"])


def test_seeds_that_do_not_decide_are_not_promised_to_be_settled_by_rows(tmp_path, cli):
    seeds = {f"seed{number}": range(20 + 30 * number) for number in range(3)}
    project = start(tmp_path, cli, SEEDS, abroad=range(40), **seeds)
    ran(project, cli, files(seed1=range(60), seed2=range(70)))
    (missed,) = [each for each in judged(project, cli)["rules"] if each["id"] == "missed"]
    assert (missed["outcome"], missed["settle"]) == ("inconclusive", "more seeds, or more rows: both decide")
