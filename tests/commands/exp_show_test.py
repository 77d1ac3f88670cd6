"""Trials of a project shown and listed."""

from __future__ import annotations

import csv
import io
from contextlib import ExitStack

import pytest

from mlgit.commands.exp_list import list_trials
from mlgit.commands.exp_page import write_page
from mlgit.commands.exp_show import TableView, follow, show, write
from mlgit.errors import MlgitError
from mlgit.experiments import queue, table_text
from mlgit.experiments.run import TRIAL_TAG, MetricPoint
from mlgit.experiments.runs import RunStore
from mlgit.experiments.sweep import Sweep
from mlgit.experiments.trial import Trial, TrialFacts
from tests.kit import git, trials, write_tree


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = trials.project(tmp_path / "project")
    monkeypatch.chdir(found)
    return found


def names(shown):
    return [each.name for each in shown.table.trials]


def test_best_comes_first_below_the_baseline(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.9}], names=["good", "bad"], facts=TrialFacts(objective="roc_auc"))
    found = show()
    assert names(found) == ["good", "bad"]
    assert found.table.rows[0].trial.name == f"main ({git(root, 'rev-parse', '--short=7', 'HEAD')})"
    assert found.document()["best"] == "good"
    assert found.exit_code == 0


def test_trials_of_head_are_meant_or_of_the_nearest_commit_before_it(root):
    trials.add(root, [{"train.lr": 0.1}], names=["old"])
    (root / "notes.md").write_text("words\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Take notes")
    assert names(show()) == ["old"]
    trials.add(root, [{"train.lr": 0.2}], names=["new"])
    found = show()
    assert (names(found), found.n_elsewhere) == (["new"], 1)
    assert names(show(baseline="HEAD~1")) == ["old"]
    assert sorted(names(show(everything=True))) == ["new", "old"]


def test_named_trials_are_shown_with_their_baselines(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.2}], names=["one", "two"])
    assert names(show(["two"])) == ["two"]
    with pytest.raises(MlgitError, match=r"no trial is called 'tow', did you mean 'two'\?"):
        show(["tow"])


def test_baseline_without_trials_is_shown_alone(root):
    found = show()
    assert names(found) == []
    assert found.document()["experiments"] == []
    assert found.document()["baseline"] == git(root, "rev-parse", "HEAD")


def test_repository_without_a_commit_has_nothing_to_show(tmp_path, monkeypatch):
    git(tmp_path, "init", "-q")
    (tmp_path / ".dvc").mkdir()
    monkeypatch.chdir(tmp_path)
    assert show().document() == {**show().document(), "baseline": None, "experiments": []}


def test_trials_that_dvc_wrote_are_shown_alike(root):
    trials.add(root, [{"train.lr": 0.1}], names=["dvc"], by_dvc=True)
    (row,) = show().document()["experiments"]
    assert row["params"] == {"train.lr": 0.1, "train.depth": 2}
    assert (row["sweep"], row["started"], row["status"]) == ("", None, "finished")


def test_trials_of_a_project_in_a_folder_are_read_there(tmp_path, monkeypatch):
    here = trials.project(tmp_path / "project", below="models/churn")
    trials.add(here, [{"train.lr": 0.1}], names=["one"])
    monkeypatch.chdir(here)
    (row,) = show().document()["experiments"]
    assert row["params"]["train.lr"] == 0.1
    assert row["metrics"].keys() == {"accuracy", "roc_auc", "size.leaves"}


def test_trials_are_listed_by_name(root):
    trials.add(root, [{"train.lr": 0.1}, {"train.lr": 0.2}], names=["b", "a"])
    found = list_trials()
    assert [each.name for each in found.trials] == ["a", "b"]
    assert [each["name"] for each in found.document()["experiments"]] == ["a", "b"]
    assert table_text.name_lines(found.trials, only_names=True) == ["a", "b"]


def test_csv_has_every_value_and_no_formula(root):
    params = "train:\n  lr: 0.1\n  depth: 2\nwords: '=1+1'\n"
    trials.add(root, [{"train.lr": 0.1}], names=["one"], files={"params.yaml": params})
    rows = list(csv.DictReader(io.StringIO(table_text.comma_separated(show().table))))
    assert [row["status"] for row in rows] == ["baseline", "finished"]
    assert rows[1]["words"] == "'=1+1"
    assert float(rows[1]["train.lr"]) == 0.1


def test_files_are_written_whole(root):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    found = show(view=TableView(everything=True))
    write(root / "out.csv", table_text.comma_separated(found.table))
    assert (root / "out.csv").read_text().startswith("name,baseline,")
    assert write_page(found, None).read_text().startswith("<!DOCTYPE html>")


def start(root, name, *, status="running", folder="", message=""):
    """A trial as `mlgit exp run` writes down one that runs, or that failed."""
    head = git(root, "rev-parse", "HEAD")
    sweep = Sweep(baseline=head, tree=git(root, "rev-parse", "HEAD^{tree}"), objective="roc_auc", direction="higher")
    facts = TrialFacts(changes={"train.lr": 0.3}, number=1, started=1.0)
    trial = Trial(name, head, status, facts=facts, folder=str(folder), message=message)
    queue.write_trial(queue.common_folder(root), sweep, trial)


def test_running_trial_is_shown_with_its_newest_values(root, tmp_path):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    write_tree(tmp_path / "tree", {"metrics.json": '{"roc_auc": 0.99}'})
    start(root, "two", folder=tmp_path / "tree")
    with queue.running(queue.common_folder(root)):
        found = {each.name: each for each in show().table.trials}
    assert found["two"].status == "running"
    assert found["two"].metrics == {"roc_auc": 0.99}
    assert found["two"].params == {"train.lr": 0.3, "train.depth": 2}


def test_trial_whose_runner_is_gone_is_killed_and_one_that_failed_says_why(root):
    start(root, "gone")
    start(root, "bad", status="failed", message="train: exit code 1")
    found = show()
    assert {each.name: each.status for each in found.table.trials} == {"gone": "killed", "bad": "failed"}
    assert "bad failed: train: exit code 1" in table_text.table(found.table)
    assert {each.name for each in list_trials().trials} == {"gone", "bad"}


def test_trial_that_was_recorded_meanwhile_is_shown_once(root):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    start(root, "one")
    assert [each.status for each in show().table.trials] == ["finished"]


def test_table_is_followed_until_nobody_runs_trials(root):
    trials.add(root, [{"train.lr": 0.1}], names=["one"])
    common = queue.common_folder(root)
    with ExitStack() as held:
        held.enter_context(queue.running(common))
        followed = follow(every=0.01)
        assert names(next(followed)) == ["one"]
        trials.add(root, [{"train.lr": 0.2}], names=["two"])
        assert sorted(names(next(followed))) == ["one", "two"]
        held.close()
        assert len(list(followed)) == 1
    assert len(list(follow())) == 1


def test_running_trial_is_shown_with_what_its_code_logged(root):
    start(root, "one")
    store = RunStore(root, keep_code=False)
    run = store.create(tags={TRIAL_TAG: "one"})
    store.log_batch(run.id, metrics=[MetricPoint("loss", 0.5, 1, 1), MetricPoint("loss", 0.25, 2, 2)])
    with queue.running(queue.common_folder(root)):
        (found,) = show().table.trials
    assert found.metrics == {"loss": 0.25}


@pytest.mark.parametrize("asked", [{"names": ["one"], "everything": True}, {"baseline": "HEAD", "everything": True}])
def test_two_ways_to_say_which_trials_are_refused(root, asked):
    with pytest.raises(MlgitError, match="exclude each other"):
        show(**asked)
