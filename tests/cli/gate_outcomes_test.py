"""What rows do not decide, each with its own name: `mlgit gate` on predictions that are wrong, few, or not there."""

from __future__ import annotations

import shutil

import pytest

from tests.gate.reviews import MODELS, judged, only, ran, rows, sources, started
from tests.kit import dvc, write_tree

pytestmark = pytest.mark.slow  # every test runs a pipeline

RULES = """\
gates:
  stats: {resamples: 499}
  rules:
  - {id: kept, kind: no_worse, metric: %s, margin: 0.05}
"""
HEADER, *LINES = rows().splitlines()


def text(lines):
    return "\n".join([HEADER, *lines]) + "\n"


def relabelled(lines, label):
    return [",".join([line.split(",")[0], label, *line.split(",")[2:]]) for line in lines]


@pytest.mark.parametrize(
    ("metric", "predictions", "outcome", "said"),
    [
        ("accuracy", text([*LINES, LINES[0]]), "invalid", "1 key more than once in the current rows (such as r0)"),
        ("accuracy", text(LINES[3:]), "invalid", "3 rows of the baseline are missing (such as r0, r1, r2)"),
        ("accuracy", text([*LINES, "new,1,1,0.9,EU"]), "invalid", "1 row is new (such as new)"),
        ("accuracy", text([*relabelled(LINES[:2], "1"), *LINES[2:]]), "invalid", "the labels differ in 1 of 400 rows"),
        ("roc_auc", text(["r0,0,1,nan,EU", *LINES[1:]]), "invalid", "score: 1 of 400 values are missing or not finite"),
        ("roc_auc", text(["r0,0,1,,EU", *LINES[1:]]), "invalid", "score: 1 of 400 values are missing or not finite"),
        ("accuracy", text(["r0,0,,0.9,EU", *LINES[1:]]), "invalid", "predictions are missing (empty or NaN)"),
        ("accuracy", text(["r0,0,maybe,0.9,EU", *LINES[1:]]), "invalid", "cannot be compared with"),
        ("accuracy", text([",0,1,0.9,EU", *LINES[1:]]), "invalid", "1 row without a key"),
        ("accuracy", HEADER + "\n", "invalid", "there are no rows"),
        ("accuracy", "", "invalid", "the predictions have no column 'label'"),
        ("accuracy", "key,label\n1,2\n", "invalid", "needs a column of predictions"),
        ("accuracy", text(LINES).replace("id,", "key,", 1), "invalid", "the current predictions have no column 'id'"),
        ("accuracy", "id,label\n1\n2,3,4,5\n", "invalid", "no table with commas between its fields"),
        ("accuracy", "id,label\n\0", "invalid", "not a text file"),
    ],
)
def test_rows_that_cannot_be_compared(tmp_path, cli, metric, predictions, outcome, said):
    project = started(tmp_path / "project", cli, config=MODELS + RULES % metric)
    ran(project, cli, sources(predictions))
    found = judged(project, cli)
    rule = only(found)
    assert (rule["outcome"], found["verdict"], found["code"]) == (outcome, "invalid", 2)
    assert said in rule["reason"]
    assert (rule["low"], rule["high"]) == (None, None)


@pytest.mark.parametrize(
    ("metric", "lines", "outcome", "said"),
    [
        (
            "roc_auc",
            relabelled(LINES, "1"),
            "invalid",
            "roc_auc has no value on these rows: the metric is undefined for these rows",
        ),
        ("roc_auc", LINES[:5], "pass", "same predictions"),
        ("accuracy", LINES[:5], "pass", "same predictions"),
        ("accuracy", [], "invalid", "there are no rows"),
    ],
)
def test_rows_that_are_the_same_and_tell_nothing(tmp_path, cli, metric, lines, outcome, said):
    project = started(tmp_path / "project", cli, config=MODELS + RULES % metric, predictions=text(lines))
    ran(project, cli, sources(text(lines[::-1]), model=b"another"))
    found = judged(project, cli)
    rule = only(found)
    assert rule["outcome"] == outcome, rule
    assert said in rule["reason"]
    assert found["verdict"] == outcome


def test_without_predictions_nothing_is_shown(tmp_path, cli):
    config = "mlgit: 1\nmetrics: {accuracy: {direction: higher}}\nmodels: {churn: {metrics: reports/metrics.json}}\n"
    project = started(tmp_path / "project", cli, config=config + RULES % "accuracy")
    ran(project, cli, sources(rows(), metrics={"accuracy": 0.91}))
    found = judged(project, cli)
    assert (only(found)["outcome"], found["verdict"], found["code"]) == ("warn", "warn", 0)
    assert "recorded numbers only" in only(found)["reason"]
    assert only(found)["settle"].split("; ") == [
        "declare models.NAME.predictions and id in mlgit.yaml",
        "declare models.NAME.test, so that it is known whether both were measured on the same test data",
        "keep predictions to judge by rows",
    ]
    assert [(each["metric"], each["standing"]) for each in found["metrics"]] == [("accuracy", "unverified")]


def test_predictions_that_the_baseline_did_not_have(tmp_path, cli):
    config = "mlgit: 1\nmetrics: {accuracy: {direction: higher}}\nmodels: {churn: {metrics: reports/metrics.json}}\n"
    project = started(tmp_path / "project", cli, config=config + RULES % "accuracy")
    files = {"mlgit.yaml": MODELS + RULES % "accuracy"}
    ran(project, cli, sources(rows(), metrics={"accuracy": 0.9}) | files)
    found = judged(project, cli)
    assert (found["tested"][0]["how"], only(found)["outcome"]) == ("unverified", "warn")
    assert [each["id"] for each in found["rule_changes"]] == [
        *("direction of roc_auc", "direction of latency", "predictions of churn", "id of churn", "test of churn")
    ]


def test_metric_that_nobody_has(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS + RULES % "acuracy")
    found = judged(project, cli)
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    assert only(found)["reason"] == "no model has acuracy, did you mean 'accuracy'?"


def test_direction_that_nobody_declared(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS + RULES % "f1")
    assert only(judged(project, cli))["settle"] == "add to mlgit.yaml: metrics: {f1: {direction: higher}} (or lower)"


def test_predictions_that_are_not_in_the_cache(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS + RULES % "accuracy")
    ran(project, cli, sources(rows(wrong=range(50))))
    shutil.rmtree(project / ".dvc/cache")
    found = judged(project, cli)
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    assert only(found)["reason"] == "baseline: reports/predictions.csv: not in the cache"
    assert only(found)["settle"].startswith("--pull fetches it, as does `dvc fetch --all-commits reports/predictions.csv`")
    (project / "reports/predictions.csv").unlink()
    assert only(judged(project, cli))["settle"].startswith("--pull fetches it, as does `dvc pull reports/predictions.csv`")


def test_stale_results_are_not_judged(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS + RULES % "accuracy")
    write_tree(project, {"source/model.bin": b"not trained yet"})
    found = judged(project, cli)
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    assert only(found)["reason"] == "train: stale, so the results do not belong to what is declared"
    assert only(found)["settle"] == "`mlgit run` brings it up to date"
    done = cli(project, "gate", "suggest")
    told = "train: stale, so the results do not belong to what is declared"
    assert (done.code, done.out) == (2, f"churn\naccuracy, roc_auc: {told}\n")


def test_with_pull_the_results_of_the_baseline_come_from_the_remote(tmp_path, cli):
    project = started(tmp_path / "project", cli, config=MODELS + RULES % "accuracy")
    there = tmp_path / "remote"
    write_tree(project, {".dvc/config": f"[core]\n    remote = there\n['remote \"there\"']\n    url = {there}\n"})
    assert dvc(project, "push", "-q").code == 0
    ran(project, cli, sources(rows(wrong=range(50))))
    shutil.rmtree(project / ".dvc/cache")
    assert only(judged(project, cli))["outcome"] == "invalid"
    found = judged(project, cli, "--pull")
    assert (only(found)["outcome"], found["notes"]) == ("pass", [])
    shutil.rmtree(project / ".dvc/cache")
    shutil.rmtree(there / "files")
    found = judged(project, cli, "--pull")
    assert only(found)["outcome"] == "invalid"
    assert "the DVC remote does not have reports/predictions.csv of main" in found["notes"]
    shutil.rmtree(there)
    found = judged(project, cli, "--pull")
    assert only(found)["outcome"] == "invalid"
    assert f"({there}) could not be asked: No such file or directory: {there}; mount it" in found["notes"][0]
