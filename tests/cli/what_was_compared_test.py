"""What a change did to the rows, the labels and the judges is said in the open part of the comment, whatever the verdict."""

from __future__ import annotations

import pytest

from tests.evaluation.predicting import CONFIG, EVALUATE, FILES, GATES, PIPELINE, made, ran, table
from tests.gate.reviews import comment, judged
from tests.kit import git

pytestmark = pytest.mark.slow  # stages run


@pytest.fixture
def project(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    git(root, "switch", "--quiet", "--create", "change")
    return root


def opened(lines):
    return "\n".join(lines).partition("<details>")[0].replace("<b>", "").replace("</b>", "")


def rows_of(found):
    (one,) = found["tested"]
    return one


def test_rows_that_were_hard_and_are_gone_are_counted_in_the_headline(project, cli):
    header, *rows = FILES["data/test.csv"].splitlines()
    easy = [row for row in rows if (int(row.split(",")[1]) > 50) == (row[-1] == "1")]
    ran(project, cli, {"data/test.csv": "\n".join([header, *easy]) + "\n"})
    found = judged(project, cli, "main")
    gone = 400 - len(easy)
    assert (found["code"], rows_of(found)["changes"]["gone"]) == (0, gone)
    told = comment(project, cli, 0, "--base", "main")
    assert f"test set changed: {gone} of 400 rows are gone" in told[0]
    assert f"The test set changed: `leave`: {gone} of 400 rows are gone; the baseline model was run" in opened(told)
    assert f"leave: the test set changed: {gone} of 400 rows are gone" in cli(project, "gate", "main").out


def test_other_names_and_other_labels_of_rows_are_counted_too(project, cli):
    moved = FILES["data/test.csv"].replace("\n7,", "\n700,").replace("\n8,96,1", "\n8,96,0")
    ran(project, cli, {"data/test.csv": moved})
    told = comment(project, cli, 0, "--base", "main")
    assert "test set changed: 1 of 400 rows is gone, 1 is new, 1 has another label" in told[0]


def test_a_change_of_the_column_that_names_rows_is_said_and_brings_nothing(project, cli):
    renamed = {"mlgit.yaml": CONFIG.replace("id: id", "id: label") + GATES}
    ran(project, cli, renamed)
    found = judged(project, cli, "main")
    assert rows_of(found)["key"] == "id"
    told = comment(project, cli, found["code"], "--base", "main")
    assert "This change edits the rules it is judged by: `id of leave`" in opened(told)
    assert any("`id of leave` | changed | id | label" in line for line in told)
    others = table(1000).replace("\n", "\nu").rstrip("u")
    ran(project, cli, {"data/test.csv": "id,x,label" + others.removeprefix("id,x,label")})
    told = comment(project, cli, judged(project, cli, "main")["code"], "--base", "main")
    assert "400 of 400 rows are gone, 400 are new" in told[0]


def test_a_column_of_names_that_is_gone_is_no_comparison(project, cli):
    ran(project, cli, {"evaluate.sh": EVALUATE.replace('"id,label', '"key,label')})
    told = comment(project, cli, 2, "--base", "main")
    assert "Rows cannot be compared: `leave` reports/predictions.csv: the current predictions have no column 'id'" in opened(
        told
    )


def test_labels_that_are_copied_into_the_predictions_are_said(project, cli):
    ran(project, cli, {"evaluate.sh": EVALUATE.replace("said = ($2 > cut)", "said = $3")})
    told = opened(comment(project, cli, 0, "--base", "main"))
    assert "Look twice: `leave`: the prediction is the label in each of 400 rows." in told
    assert "The code that judges changed: `evaluate.sh`" in told
    assert "leave: the prediction is the label in each of 400 rows" in cli(project, "gate", "main").out


def test_predictions_that_stay_when_the_model_changes_are_said(project, cli):
    ran(project, cli, {"params.yaml": "cut: 50 \n", "train.sh": "mkdir -p models\necho 50.0 > models/cut.txt\n"})
    found = judged(project, cli, "main")
    assert (found["code"], found["rules"][0]["reason"]) == (0, "same predictions")
    said = "the predictions are byte for byte those of the baseline, though the model is another"
    assert f"Look twice: `leave`: {said}." in opened(comment(project, cli, 0, "--base", "main"))


STEP = "    cmd: sh evaluate.sh\n"
NUMBERS = f"{PIPELINE}".replace(STEP, "    cmd: sh evaluate.sh\n    params: [beta]\n")


@pytest.mark.parametrize(
    ("files", "judging"),
    [
        ({"evaluate.sh": EVALUATE + "# more\n"}, ["evaluate.sh"]),
        ({"dvc.yaml": NUMBERS.replace("sh evaluate.sh", "sh  evaluate.sh")}, ["command of evaluate"]),
        ({"params.yaml": "cut: 50\nbeta: 2\n"}, ["parameter beta"]),
        ({"dvc.yaml": NUMBERS.replace("  evaluate:", "  measure:")}, ["stage measure (added)", "stage evaluate (removed)"]),
        ({"train.sh": FILES["train.sh"] + "# more\n", "params.yaml": "cut: 51\nbeta: 1\n"}, []),
        (
            {"dvc.yaml": NUMBERS.replace("deps: [evaluate.sh, ", "deps: ["), "evaluate.sh": EVALUATE + "# more\n"},
            ["evaluate.sh"],
        ),
    ],
)
def test_what_judges_otherwise_is_named(tmp_path, cli, files, judging):
    root = made(tmp_path / "project", cli, {"dvc.yaml": NUMBERS, "params.yaml": "cut: 50\nbeta: 1\n"})
    git(root, "switch", "--quiet", "--create", "change")
    ran(root, cli, files)
    assert rows_of(judged(root, cli, "main"))["judging"] == judging
