"""Numbers that are none and files that cannot be read hide nothing else, and the report says that they were not used."""

from __future__ import annotations

import shutil

import pytest

from tests.gate.reviews import MODELS, comment, judged, ran, started
from tests.kit import dvc, write_tree

pytestmark = pytest.mark.slow  # stages run

RULES = """\
gates:
  stats: {resamples: 199}
  rules:
  - {id: fast, kind: no_worse, metric: latency, margin: 1}
  - {id: kept, kind: no_worse, metric: accuracy, margin: 0.05}
"""
CACHED = """\
stages:
  evaluate:
    cmd: mkdir -p reports && cp source/predictions.csv source/metrics.json reports/
    deps: [source/predictions.csv, source/metrics.json, data/test.csv]
    outs: [reports/predictions.csv]
    metrics: [reports/metrics.json]
"""


def measured(latency, *, accuracy="0.9", loss="0.5"):
    return {"source/metrics.json": f'{{"accuracy": {accuracy}, "latency": {latency}, "loss": {loss}}}'}


@pytest.fixture
def project(tmp_path, cli):
    return started(tmp_path / "project", cli, config=MODELS + RULES)


@pytest.mark.parametrize(("word", "shown"), [("NaN", "nan"), ("1e999", "inf")])
def test_number_that_is_none_is_shown_and_the_rest_is_compared(project, cli, word, shown):
    ran(project, cli, measured(word))
    told = f"reports/metrics.json: latency is {shown}, which is not used"
    found = judged(project, cli, "main")
    assert {each["id"]: each["outcome"] for each in found["rules"]} == {"fast": "invalid", "kept": "pass"}
    assert [each for each in found["notes"] if told in each] == found["notes"]
    rows_of = {each["name"]: each for each in cli(project, "diff", "main", "--format", "json").json["metrics"]}
    assert (rows_of["latency"]["verdict"] == "same", rows_of["loss"]["verdict"]) == (False, "added")
    (line,) = (each.split() for each in cli(project, "diff", "main").out.splitlines() if "18.2" in each)
    assert (line[2], line[-1]) == (shown, "invalid")
    (note,) = (line for line in comment(project, cli, 2, "--base", "main") if "not used" in line)
    assert note.startswith("> <b>Note: </b>workspace: ")


def test_two_keys_of_one_name_are_no_value_but_nan_is_one(project, cli):
    ran(project, cli, {"source/metrics.json": '{"latency": NaN, "a.b": NaN, "a": {"b": NaN}, "accuracy": 0.9}'})
    assert "cannot be read" not in cli(project, "diff", "main").out
    ran(project, cli, {"source/metrics.json": '{"latency": 1, "a.b": 1, "a": {"b": NaN}, "accuracy": 0.9}'})
    assert "two values are called 'a.b'" in cli(project, "diff", "main").out


def test_baseline_that_is_not_in_the_cache_removes_no_metrics(tmp_path, cli):
    config = MODELS.replace("    predictions: reports/predictions.csv\n    id: id\n", "") + RULES
    project = started(tmp_path / "project", cli, config=config, pipeline=CACHED)
    there = tmp_path / "remote"
    write_tree(project, {".dvc/config": f"[core]\n    remote = there\n['remote \"there\"']\n    url = {there}\n"})
    assert dvc(project, "push", "-q").code == 0
    ran(project, cli, measured("30"))
    shutil.rmtree(project / ".dvc/cache")
    found = judged(project, cli, "main")
    assert {each["id"]: each["outcome"] for each in found["rules"]} == {"fast": "invalid", "kept": "invalid"}
    assert "latency of the baseline is not known: reports/metrics.json: not in the cache" in found["rules"][0]["reason"]
    assert found["rules"][0]["settle"].startswith("--pull fetches it")
    done = cli(project, "diff", "main")
    assert ["latency", "30", "not", "compared"] in [line.split() for line in done.out.splitlines()]
    assert "--pull fetches it" in done.said
    assert "not compared" not in cli(project, "diff", "main", "--pull").out


def test_file_that_cannot_be_read_is_told_in_the_comment(project, cli):
    ran(project, cli, {"source/metrics.json": '{"accuracy": '})
    lines = comment(project, cli, 2, "--base", "main")
    assert any("reports/metrics.json: line 1" in line for line in lines[:8]), lines
    assert any("accuracy" in line and "0.9" in line for line in lines)
