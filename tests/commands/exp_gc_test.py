"""What is tidied up after experiments, and what stays."""

from __future__ import annotations

import os
import time

import pytest

from mlgit.commands.exp_gc import tidy_experiments
from mlgit.experiments import trial_refs
from mlgit.experiments.runs import RunStore
from tests.kit import commit, dvc, git, trials, write_tree
from tests.kit.forked import mlgit

CHANGES = [{"train.lr": 0.1}, {"train.lr": 0.2}, {"train.lr": 0.3}]
OLD = 30 * 86_400


@pytest.fixture
def root(tmp_path, monkeypatch):
    found = trials.project(tmp_path / "project")
    monkeypatch.chdir(found)
    return found


def names(root):
    return {each.name for each in trial_refs.listed(root)}


def make_old(root):
    """Let all files that runs keep be a month old."""
    for path in (root / ".git" / "mlgit" / "artifacts").rglob("*"):
        os.utime(path, (time.time() - OLD, time.time() - OLD))


def kept_files(root):
    return sorted(path for path in (root / ".git" / "mlgit" / "artifacts").rglob("*") if path.is_file())


def test_without_a_condition_no_trial_goes(root):
    found = trials.add(root, CHANGES)
    done = tidy_experiments()
    assert (done.removed, done.n_kept) == ((), 3)
    assert names(root) == {each.name for each in found}


def test_newest_of_each_baseline_stay(root):
    *_, last = trials.add(root, CHANGES)
    commit(root, "Go on")
    *_, before, newest = trials.add(root, CHANGES, names=["a", "b", "c"])
    tidy_experiments(keep=1)
    assert names(root) == {last.name, newest.name}
    tidy_experiments(keep=0)
    assert names(root) == set()
    assert before.name == "b"


def test_old_ones_go_but_for_those_that_are_kept(root):
    old = trials.add(root, CHANGES, since=time.time() - OLD)
    [new] = trials.add(root, [{"train.lr": 0.4}], since=time.time())
    assert {each.name for each in tidy_experiments(older_than=OLD / 2, dry_run=True).removed} == {each.name for each in old}
    tidy_experiments(older_than=OLD / 2, keep=2)
    assert names(root) == {new.name, old[-1].name}


def test_trials_whose_baseline_is_on_no_branch_go(root):
    [kept] = trials.add(root, CHANGES[:1])
    git(root, "switch", "--quiet", "-c", "idea")
    commit(root, "Try an idea")
    [lost, tagged] = trials.add(root, CHANGES[1:])
    git(root, "switch", "--quiet", "main")
    assert tidy_experiments(off_branches=True, dry_run=True).removed == ()
    git(root, "branch", "-D", "idea")
    done = tidy_experiments(off_branches=True)
    assert {each.name for each in done.removed} == {lost.name, tagged.name}
    assert names(root) == {kept.name}


def test_dry_run_changes_nothing(root):
    trials.add(root, CHANGES)
    before = git(root, "for-each-ref")
    done = tidy_experiments(keep=1, dry_run=True)
    assert (len(done.removed), done.n_kept) == (2, 1)
    assert git(root, "for-each-ref") == before
    assert not (root / ".git" / "packed-refs").exists()


def test_refs_and_objects_are_packed_and_whole(root):
    found = trials.add(root, CHANGES)
    tidy_experiments()
    assert "refs/exps" in (root / ".git" / "packed-refs").read_text()
    assert git(root, "fsck", "--no-dangling") == ""
    assert names(root) == {each.name for each in found}


@pytest.mark.slow  # trials are run
def test_working_trees_that_nobody_uses_go(root):
    assert mlgit(root, "exp", "run", "--set", "train.lr=0.1,0.2").code == 0
    assert "mlgit/worktrees" in git(root, "worktree", "list")
    done = tidy_experiments()
    assert done.n_worktrees >= 1
    assert len(git(root, "worktree", "list").splitlines()) == 1
    assert len(names(root)) == 2


def logged(root, name="weights.bin", content="x" * 100_000):
    store = RunStore(root)
    run = store.create("0", name="r")
    source = root.parent / "source.bin"
    source.write_text(content)
    store.artifacts.put(run.id, {name: source})
    return store, run


def test_file_that_a_run_in_git_names_stays_and_one_that_none_names_goes(root):
    store, run = logged(root)
    store.update(run.id, status="FINISHED")
    make_old(root)
    orphan = root / ".git/mlgit/artifacts/files/md5/ab" / ("c" * 30)
    write_tree(root / ".git/mlgit/artifacts", {f"files/md5/ab/{'c' * 30}": "nobody's", "0123.tmp": "half"})
    make_old(root)
    planned = tidy_experiments(dry_run=True)
    assert (planned.n_files, planned.n_bytes) == (2, len("nobody's") + len("half"))
    done = tidy_experiments()
    assert (done.n_files, orphan.exists()) == (2, False)
    assert len(kept_files(root)) == 1
    assert RunStore(root).artifacts.read(run.id, "weights.bin") == b"x" * 100_000


def test_file_of_a_run_that_is_being_written_stays(root):
    store, run = logged(root)
    make_old(root)
    assert tidy_experiments().n_files == 0
    assert store.artifacts.read(run.id, "weights.bin") == b"x" * 100_000


def test_file_that_was_taken_from_a_run_goes(root):
    store, run = logged(root)
    store.update(run.id, status="FINISHED")
    RunStore(root).artifacts.delete(run.id)
    RunStore(root).seal_lost()
    make_old(root)
    assert tidy_experiments().n_files == 1
    assert kept_files(root) == []


def test_young_file_stays_for_it_may_be_about_to_be_named(root):
    write_tree(root / ".git/mlgit/artifacts", {f"files/md5/ab/{'c' * 30}": "nobody's yet"})
    assert tidy_experiments().n_files == 0
    assert len(kept_files(root)) == 1


def test_content_that_is_kept_again_is_young_again(root):
    store, run = logged(root)
    make_old(root)
    store.artifacts.put(run.id, {"again.bin": root.parent / "source.bin"})
    assert kept_files(root)[0].stat().st_mtime > time.time() - 3600


def test_list_that_cannot_be_read_leaves_all_files(root):
    store, run = logged(root)
    store.update(run.id, status="FINISHED")
    [ref] = git(root, "for-each-ref", "--format=%(refname)", "refs/mlgit/runs").split()
    blob = git(root, "hash-object", "-w", "--stdin", stdin="no list")
    tree = git(root, "mktree", stdin=f"100644 blob {blob}\tartifacts.json")
    git(root, "update-ref", ref, git(root, "commit-tree", tree, "-p", ref, "-m", "broken"))
    make_old(root)
    done = tidy_experiments()
    assert (done.n_files, len(kept_files(root))) == (0, 1)
    assert "files of runs were left as they are" in done.notes[0]


@pytest.mark.slow  # DVC looks through the cache
def test_garbage_collection_of_dvc_keeps_trials_and_files_of_runs(root):
    found = trials.add(root, CHANGES)
    gone = trials.add(root, [{"train.lr": 0.9}], names=["gone"])
    store, run = logged(root)
    store.update(run.id, status="FINISHED")
    git(root, "update-ref", "-d", gone[0].ref)
    assert dvc(root, "gc", "--workspace", "--all-experiments", "--force").code == 0
    for each in found:
        assert mlgit(root, "exp", "apply", each.name).code == 0
    assert mlgit(root, "status").code == 0
    digest = gone[0].files["dvc.lock"].partition("path: model.json")[2].split("md5: ")[1].split()[0]
    assert not (root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]).exists()
    assert RunStore(root).artifacts.read(run.id, "weights.bin") == b"x" * 100_000
