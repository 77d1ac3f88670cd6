"""A metric that mlgit cannot compute from predictions, known as one number of each side: told as it is, and never green."""

from __future__ import annotations

import json

import pytest

from tests.gate.reviews import comment, judged, only
from tests.kit import git, repository, write_tree

pytestmark = pytest.mark.slow  # a repository each

CONFIG = """\
mlgit: 1
metrics: {ndcg: {direction: higher}}
models: {ranker: {metrics: metrics.json, test: [test.csv]}}
gates: {rules: [{id: ranks, kind: no_worse, metric: ndcg, margin: 0.02%s}]}
"""


def started(folder, more="", rows=1000, config=CONFIG):
    files = {"mlgit.yaml": config % more, "metrics.json": '{"ndcg": 0.7}', "test.csv": "q,d\n" + "1,2\n" * rows}
    root = repository(folder, {"dvc.yaml": "artifacts: {ranker: {path: model.txt}}\n", "model.txt": "1\n", **files})
    git(root, "checkout", "--quiet", "-b", "change")
    return root


def measured(root, value):
    write_tree(root, {"metrics.json": json.dumps({"ndcg": value}), "model.txt": f"{value}\n"})


def test_ruined_ranking_is_red_and_the_comment_says_what_it_rests_on(tmp_path, cli):
    root = started(tmp_path / "project")
    measured(root, 0.03)
    found = judged(root, cli)
    assert (only(found)["outcome"], found["verdict"], found["code"]) == ("fail", "fail", 1)
    lines = comment(root, cli, 1, "--no-run")
    assert lines[0] == "### mlgit: ⛔ 1 of 1 gate failed · `ndcg` −0.67, needed: worse by at most 0.02"
    (row,) = (line for line in lines if "`ranks`" in line)
    assert "recorded numbers only: ndcg 0.7 → 0.03, beyond the margin of 0.02" in row
    assert "an unchanged model of 1000 rows is beyond this margin in less than 1 of 100 reviews" in row
    assert "To settle it: declare models.NAME.predictions, id and query in mlgit.yaml" in row
    assert "keep predictions to judge by rows" in row


@pytest.mark.parametrize(
    ("more", "value", "outcome", "code"),
    [
        ("", 0.69, "warn", 0),
        (", if_recorded: invalid", 0.03, "invalid", 2),
    ],
)
def test_rule_says_what_a_recorded_loss_counts_as(tmp_path, cli, more, value, outcome, code):
    root = started(tmp_path / "project", more)
    measured(root, value)
    assert (only(judged(root, cli))["outcome"], judged(root, cli)["code"]) == (outcome, code)


def test_numbers_of_other_test_data_are_not_compared(tmp_path, cli):
    root = started(tmp_path / "project")
    measured(root, 0.69)
    write_tree(root, {"test.csv": "q,d\n3,4\n"})
    found = judged(root, cli)
    assert (only(found)["outcome"], found["code"]) == ("invalid", 2)
    assert "different test data" in only(found)["reason"]


def test_promotion_judges_them_alike(tmp_path, cli):
    limit = CONFIG.replace("[{id: ranks", "[{id: floor, kind: bound, metric: ndcg, min: 0.5}, {id: ranks")
    root = started(tmp_path / "project", config=limit + "environments: [{name: prod, requires: {gates: pass}}]\n")
    done = [cli(root, "model", *words, "ranker", *more) for words, more in ((["register"], []), (["promote"], ["prod"]))]
    assert [each.code for each in done] == [0, 0], done[-1].said
    assert "by recorded numbers only: gate floor" in done[-1].out
    for value, code in ((0.69, 0), (0.6, 1)):
        measured(root, value)
        git(root, "commit", "--quiet", "--all", "--message", "another")
        assert cli(root, "model", "register", "ranker").code == 0
        promoted = cli(root, "model", "promote", "ranker", "prod")
        assert promoted.code == code, promoted.said
    assert "recorded numbers only: ndcg 0.69 → 0.6, beyond the margin of 0.02" in promoted.out
    assert "floor: ndcg is 0.6 (recorded value, no interval: there are no predictions)" in promoted.out
