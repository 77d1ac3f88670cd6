"""Test rows in the training data are counted by gate, diff and comment, and it is said where nobody could look."""

from __future__ import annotations

import pytest

from tests.evaluation.predicting import CONFIG, GATES, ran
from tests.evaluation.predicting import made as project_of
from tests.gate.reviews import comment, judged
from tests.kit import git, write_tree

pytestmark = pytest.mark.slow  # stages run

STRICT = "gates: {leakage: {severity: fail}, rules: [{id: kept, kind: no_worse, metric: accuracy, margin: 0.05}]}\n"
LOOSE = STRICT.replace("severity: fail", "max_rows: 8, severity: fail")


def wide(first, number=400):
    """Rows of which no two are the same, whatever names them."""
    return {key: f"{key},{key * 37 % 100},{int(key * 37 % 100 > 50)},{key / 7:.6f}" for key in range(first, first + number)}


def text(rows):
    return "\n".join(["id,x,label,more", *rows]) + "\n"


TEST, TRAIN = list(wide(0).values()), list(wide(10_000).values())
CLEAN = {"data/test.csv": text(TEST), "data/train.csv": text(TRAIN)}
# other names for five rows, written in another way, and other rows under three names
LEAKED = [f"{90 + place}{row[row.index(',') :]}0" for place, row in enumerate(TEST[:5], 10_000)]
NAMED = [f"{key},1,0,{key}.5" for key in (7, 8, 9)]
LEAK = {"data/train.csv": text([*TRAIN, *LEAKED, *NAMED])}
SAID = "8 of 400 test rows are in the training data (5 whole rows, 3 by id)"


@pytest.fixture
def project(tmp_path, cli, request):
    root = project_of(tmp_path / "project", cli, {"mlgit.yaml": CONFIG + getattr(request, "param", GATES), **CLEAN})
    git(root, "switch", "--quiet", "--create", "change")
    return root


def leaks(found):
    return [(each["outcome"], each["effect"], each["reason"]) for each in found["rules"] if each["kind"] == "leakage"]


@pytest.mark.parametrize(
    ("project", "code", "verdict", "outcome"), [(GATES, 0, "warn", "warn"), (STRICT, 1, "fail", "fail")], indirect=["project"]
)
def test_rows_that_leak_count_in_the_verdict_and_stand_in_the_open_part(project, cli, code, verdict, outcome):
    assert judged(project, cli, "main")["leakage"][0]["leaked"] == 0
    ran(project, cli, LEAK)
    found = judged(project, cli, "main")
    assert (found["code"], found["verdict"], leaks(found)) == (code, verdict, [(outcome, outcome, SAID)])
    assert found["leakage"] == [{"model": "leave", "leaked": 8, "rows": 5, "ids": 3, "of": 400, "unchecked": ""}]
    told = comment(project, cli, code, "--base", "main")
    assert f"<b>Leakage: </b>`leave`: {SAID}." in "\n".join(told).partition("<details>")[0]
    assert SAID in told[0]
    assert SAID in cli(project, "gate", "main").out
    assert SAID in cli(project, "diff", "main").out


@pytest.mark.parametrize("project", [LOOSE], indirect=True)
def test_as_many_rows_as_are_allowed_pass_and_are_told(project, cli):
    ran(project, cli, LEAK)
    found = judged(project, cli, "main")
    assert (found["code"], leaks(found)) == (0, [("pass", "pass", SAID)])
    assert f"<b>Leakage: </b>`leave`: {SAID}." in "\n".join(comment(project, cli, 0, "--base", "main"))


def test_rows_that_had_leaked_before_warn_again_only_for_another_model(project, cli):
    ran(project, cli, LEAK)
    git(project, "branch", "--quiet", "--force", "main")
    write_tree(project, {"README.md": "x"})
    assert (judged(project, cli, "main")["verdict"], SAID in cli(project, "gate", "main").out) == ("pass", True)
    ran(project, cli, {"params.yaml": "cut: 51\n"})
    assert leaks(judged(project, cli, "main")) == [("warn", "warn", SAID)]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (CONFIG.replace("train: [data/train.csv], ", ""), "mlgit.yaml does not declare models.leave.train"),
        (CONFIG.replace("train: [data/train.csv]", "train: [train.sh]"), "train.sh: no table: it ends in none of csv"),
    ],
)
def test_it_is_said_where_nobody_could_look(tmp_path, cli, config, said):
    root = project_of(tmp_path / "project", cli, {"mlgit.yaml": config + GATES, **CLEAN})
    told = f"leakage was not looked for: {said}"
    assert judged(root, cli, "main")["verdict"] == "pass"
    assert f"`leave`: {told}" in "\n".join(comment(root, cli, 0, "--base", "main"))
    write_tree(root, {"mlgit.yaml": config + STRICT})
    found = judged(root, cli, "HEAD")
    assert leaks(found) == []  # the rules of the base


@pytest.mark.parametrize("project", [STRICT], indirect=True)
def test_a_change_cannot_take_away_what_is_looked_at(project, cli):
    hidden = CONFIG.replace("train: [data/train.csv], ", "") + GATES
    ran(project, cli, {**LEAK, "mlgit.yaml": hidden})
    found = judged(project, cli, "main")
    assert (found["code"], leaks(found)) == (1, [("fail", "fail", SAID)])
    assert {"leakage.severity", "train of leave"} <= {each["id"] for each in found["rule_changes"]}
