"""Working trees of trials that a stage, a crash or a copy has broken are made anew; those of the user are left alone."""

from __future__ import annotations

import shutil

import pytest

from mlgit.commands.exp_run import SweepPlan, exp_run
from mlgit.experiments import worktrees
from tests.kit import commit, git, write_tree
from tests.kit.experiments import searched_project, trial_refs


@pytest.fixture
def project(tmp_path, monkeypatch):
    return searched_project(tmp_path / "project", monkeypatch)


def tried(value):
    """One trial; how it ended, and why."""
    (trial,) = exp_run(SweepPlan((f"train.lr={value}",)), jobs=1).trials
    return trial.status, trial.message


def test_stage_that_takes_git_away_harms_neither_its_trial_nor_the_next(project):
    pipeline = (project / "dvc.yaml").read_text()
    write_tree(project, {"dvc.yaml": pipeline.replace("python3 train.py", "python3 train.py; rm -rf .git")})
    commit(project)
    result = exp_run(SweepPlan(("train.lr=0.1,0.2",)), jobs=1)
    assert [(each.status, each.message) for each in result.trials] == [("finished", "")] * 2


@pytest.mark.parametrize(
    "broken", [("HEAD.lock", ""), ("index.lock", ""), ("index", "DIRC"), ("HEAD", ""), ("gitdir", ""), ("commondir", "")]
)
def test_what_a_killed_git_left_is_mended(project, broken):
    assert tried(0.1) == ("finished", "")
    name, content = broken
    (project / ".git/worktrees/0" / name).write_text(content)
    git(project, "commit", "--quiet", "--allow-empty", "--message", "another baseline")
    assert tried(0.2) == ("finished", "")


def test_copy_of_a_clone_has_working_trees_of_its_own(project, tmp_path, monkeypatch):
    assert tried(0.1) == ("finished", "")
    shutil.copytree(project, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    git(tmp_path / "copy", "commit", "--quiet", "--allow-empty", "--message", "only in the copy")
    before = (project / ".git/worktrees/0/HEAD").read_text()
    assert tried(0.2) == ("finished", "")
    assert (project / ".git/worktrees/0/HEAD").read_text() == before


def test_working_tree_of_the_user_on_a_disk_that_is_away_is_not_forgotten(project, tmp_path):
    git(project, "worktree", "add", "--quiet", "-b", "mine", str(tmp_path / "mine"))
    (tmp_path / "mine").rename(tmp_path / "away")
    assert tried(0.1) == ("finished", "")
    assert worktrees.remove_all(project / ".git/mlgit") == 1
    (tmp_path / "away").rename(tmp_path / "mine")
    assert git(tmp_path / "mine", "status", "--porcelain") == ""
    assert "mlgit" not in git(project, "worktree", "list")


def test_project_and_folder_are_part_of_what_a_trial_is(tmp_path, monkeypatch):
    """Two projects of a repository: neither takes the trials of the other for its own, nor its cache."""
    top = tmp_path / "top"
    for name in ("one", "two"):
        searched_project(top / name, monkeypatch)
    shutil.move(top / "one/.git", top / ".git")
    shutil.rmtree(top / "two/.git")
    commit(top)
    monkeypatch.chdir(top / "one")
    exp_run(SweepPlan(("train.lr=0.1,0.2",)), only_queue=True)
    monkeypatch.chdir(top / "two")
    assert [each.metrics["score"] for each in exp_run(SweepPlan(("train.lr=0.1,0.2",)), jobs=2).trials] == pytest.approx(
        [0.92, 0.95]
    )
    assert len(trial_refs(top)) == 4
    assert {name: len(list((top / name / ".dvc/cache/files").rglob("*"))) > 3 for name in ("one", "two")} == {
        "one": True,
        "two": True,
    }


def test_trial_has_the_files_that_the_user_has_in_a_sparse_checkout(project):
    pipeline = (project / "dvc.yaml").read_text().replace("deps: [raw.csv]", "deps: [raw.csv, big]")
    write_tree(project, {"big/x": "1", "other/y": "2", "dvc.yaml": pipeline})
    commit(project)
    git(project, "sparse-checkout", "set", ".dvc", "other")
    assert "'big' does not exist" in tried(0.1)[1]
    git(project, "sparse-checkout", "add", "big")
    assert tried(0.2) == ("finished", "")
    git(project, "sparse-checkout", "disable")
    write_tree(project, {"dvc.yaml": pipeline.replace("raw.csv, big", "raw.csv, big, third"), "third/z": "3"})
    commit(project)
    assert tried(0.3) == ("finished", "")


def test_folder_that_git_does_not_track_is_no_hindrance(project, monkeypatch):
    (project / "scratch").mkdir()
    monkeypatch.chdir(project / "scratch")
    assert tried(0.1) == ("finished", "")
