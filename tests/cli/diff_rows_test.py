"""`mlgit diff` of models whose predictions are there row by row."""

from __future__ import annotations

import json

import pytest

from tests.evaluation.predicting import CONFIG, change, made, ran, table

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def root(tmp_path, cli):
    return made(tmp_path / "project", cli)


def diff(root, cli, *words):
    done = cli(root, "diff", *words, "--format", "json")
    assert done.code == 0, done.said
    return json.loads(done.out)


def lines(root, cli, *words):
    return [" ".join(line.split()) for line in cli(root, "diff", *words).out.splitlines()]


def test_worse_model_is_proven_worse_with_rows_and_cause(root, cli):
    change(root, cli, {"params.yaml": "cut: 70\n"})
    found = diff(root, cli)
    [accuracy] = found["comparisons"]
    assert (accuracy["model"], accuracy["metric"], accuracy["standing"], accuracy["n"]) == ("leave", "accuracy", "worse", 400)
    assert accuracy["low"] < accuracy["delta"] < accuracy["high"] < 0
    [rows] = found["rows"]
    assert (rows["how"], rows["key"], rows["fixed"] - rows["broken"]) == ("paired", "id", round(400 * accuracy["delta"]))
    assert len(rows["broken_keys"]) == rows["broken"] == accuracy["n_discordant"] - rows["fixed"]
    assert found["causes"]["reports/metrics.json"] == [
        {"kind": "parameter", "stage": "train", "name": "cut", "change": "changed", "old": 50, "new": 70}
    ]
    text = lines(root, cli)
    assert text[3] == "metric HEAD workspace change 90 % interval, 5 % a side p"
    assert text[4].endswith(" <0.001 worse")
    assert f"leave 400 by id {rows['fixed']} {rows['broken']} broken: " in "\n".join(text)


def test_difference_that_the_rows_cannot_tell_is_not_called_better(root, cli):
    change(root, cli, {"params.yaml": "cut: 51\n"})
    found = diff(root, cli)
    [accuracy] = found["comparisons"]
    assert (found["metrics"][0]["verdict"], accuracy["standing"], accuracy["low"] < 0 < accuracy["delta"]) == (
        "better",
        "no worse",
        True,
    )
    assert next(line for line in lines(root, cli) if line.startswith("accuracy")).endswith("no worse")
    assert (found["rows"][0]["fixed"], found["rows"][0]["broken"]) == (3, 1)


def test_other_test_rows_are_not_compared_until_the_old_model_was_judged_on_them(root, cli):
    change(root, cli, {"params.yaml": "cut: 70\n", "data/test.csv": table(500)})
    found = diff(root, cli)
    assert (found["comparisons"][0]["low"], found["rows"][0]["how"]) == (None, "unpaired")
    text = "\n".join(lines(root, cli))
    assert "of other rows" in text
    assert "not judged on the new rows: that was not done here yet; `mlgit gate` does it" in text
    assert cli(root, "gate").code == 1
    again = diff(root, cli)
    assert (again["comparisons"][0]["standing"], again["rows"][0]["how"]) == ("worse", "re-evaluated")
    assert "400 by id, the old model evaluated again on the new rows" in "\n".join(lines(root, cli))


def test_two_commits_are_compared_without_their_files(root, cli):
    ran(root, cli, {"params.yaml": "cut: 70\n"})
    assert diff(root, cli, "HEAD~1", "HEAD")["comparisons"][0]["standing"] == "worse"
    assert diff(root, cli, "HEAD", "HEAD~1")["comparisons"][0]["standing"] == "better"


def test_same_predictions_need_no_comparison(root, cli):
    change(root, cli, {"evaluate.sh": (root / "evaluate.sh").read_text() + "true\n"})
    found = diff(root, cli)
    assert (found["comparisons"], found["rows"], found["changed"]) == ([], [], True)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (CONFIG.replace("id: id", "id: who"), "the baseline predictions have no column 'who'"),
        (CONFIG.replace("id: id, ", ""), "models.leave.id names no column to align rows by"),
    ],
)
def test_rows_that_cannot_be_aligned_say_why(root, cli, config, said):
    change(root, cli, {"params.yaml": "cut: 70\n", "mlgit.yaml": config})
    found = diff(root, cli)
    assert said in found["rows"][0]["trouble"]
    assert found["comparisons"][0]["low"] is None
    assert any(said in line for line in lines(root, cli))


def test_stale_workspace_is_told_once_and_its_rows_are_not_compared(root, cli):
    change(root, cli, {"params.yaml": "cut: 70\n"})
    (root / "params.yaml").write_text("cut: 80\n")
    found = diff(root, cli)
    assert (found["rows"], found["comparisons"], found["head"]["stale"]) == ([], [], ["train"])
