"""`mlgit exp show`, `list`, `compare` and `diff` on the command line."""

from __future__ import annotations

import json

import pytest

from mlgit.experiments.trial import TrialFacts
from tests.kit import trials

SEARCHED = TrialFacts(sweep="s", sampler="grid", objective="roc_auc", direction="higher")


@pytest.fixture
def root(tmp_path):
    found = trials.project(tmp_path / "project")
    trials.add(found, [{"train.lr": 0.1}, {"train.lr": 0.9}], names=["good", "bad"], facts=SEARCHED)
    return found


def test_table_has_the_baseline_and_then_the_best(root, cli):
    done = cli(root, "exp", "show")
    assert done.code == 0
    rows = done.out.splitlines()
    assert rows[0].split() == ["trial", "roc_auc", "accuracy", "train.lr"]
    assert [row.split()[0] for row in rows[1:4]] == ["main", "good", "bad"]
    assert rows[4:] == ["* best roc_auc (higher is better)", "the same in all rows: size.leaves=4, train.depth=2"]


@pytest.mark.parametrize(
    ("form", "begins"), [("md", "| trial |"), ("csv", "name,baseline,"), ("json", "{"), ("table", "trial ")]
)
def test_every_form_is_printed_or_written(root, cli, form, begins):
    done = cli(root, "exp", "show", "--format", form)
    assert done.out.startswith(begins)
    assert cli(root, "exp", "show", "--format", form, "-o", "out").out == "wrote out\n"
    assert (root / "out").read_text().rstrip("\n") == done.out.rstrip("\n")


def test_rows_and_columns_are_chosen(root, cli):
    done = cli(root, "exp", "show", "--filter", "train.lr<0.5", "--only", "train.*,roc_auc", "--json")
    assert [each["name"] for each in json.loads(done.out)["experiments"]] == ["good"]
    done = cli(root, "exp", "show", "--sort", "-train.lr", "-n", "1")
    assert [row.split()[0] for row in done.out.splitlines()[1:3]] == ["main", "bad"]
    assert "1 more trial" in done.out
    assert "--sort and --objective are both an order" in cli(root, "exp", "show", "--sort", "x", "--objective", "y").err


def test_page_is_written_where_git_does_not_look(root, cli):
    done = cli(root, "exp", "show", "--format", "html")
    assert done.out.endswith(".dvc/tmp/mlgit/trials.html\n")
    assert (root / ".dvc/tmp/mlgit/trials.html").is_file()


def test_following_ends_where_nothing_runs(root, cli):
    assert "good" in cli(root, "exp", "show", "--follow").out
    assert "--follow draws a table" in cli(root, "exp", "show", "--follow", "--json").err


def test_names_alone_are_for_scripts(root, cli):
    assert cli(root, "exp", "list", "--names-only").out.splitlines() == ["bad", "good"]
    lines = cli(root, "exp", "list").out.splitlines()
    assert lines[0].startswith("main (")
    assert [line.split()[0] for line in lines[1:]] == ["trial", "bad", "good"]


def test_project_without_trials_says_how_to_make_some(tmp_path, cli):
    done = cli(trials.project(tmp_path / "project"), "exp", "show")
    assert (done.code, done.err) == (0, "note: no trials yet: `mlgit exp run --set PARAMETER=VALUE,VALUE` makes some\n")


def test_comparison_says_what_the_gain_is_worth(root, cli):
    done = cli(root, "exp", "compare")
    assert done.code == 0
    assert "Trial good, the best of 2 trials by roc_auc" in done.out
    assert "Heeding that it was picked" in done.out
    assert "Heeding" in cli(root, "exp", "compare", "--format", "md").out
    assert json.loads(cli(root, "exp", "compare", "--json").out)["selection"]["trial"] == "good"


def test_comparison_without_an_order_has_no_answer(root, cli):
    done = cli(root, "exp", "compare", "--sort", "name")
    assert done.code == 2
    assert "nothing says which metric is to be better" in done.err


def test_trial_is_compared_with_its_baseline(root, cli):
    done = cli(root, "exp", "diff", "good")
    assert done.code == 0
    assert done.out.startswith("diff baseline (")
    assert "-> good (" in done.out
    (row,) = json.loads(cli(root, "exp", "diff", "good", "bad", "--json").out)["parameters"]
    assert (row["old"], row["new"]) == (0.1, 0.9)
