"""Trials removed, here and at a remote."""

from __future__ import annotations

import pytest

from mlgit.adapters.git.sharing import refs_of
from mlgit.commands.exp_remove import remove_trials
from mlgit.errors import MlgitError
from mlgit.experiments import queue, trial, trial_refs
from mlgit.experiments.sweep import Sweep
from mlgit.experiments.trial import Trial, TrialFacts
from tests.kit import dvc, git, trials

CHANGES = [{"train.lr": 0.1}, {"train.lr": 0.2}, {"train.lr": 0.3}]


@pytest.fixture
def root(tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    found = trials.project(tmp_path / "project")
    git(found, "remote", "add", "origin", "../origin.git")
    monkeypatch.chdir(found)
    return found


def names(root):
    return [each.name for each in trial_refs.listed(root)]


def test_named_trials_go_and_can_be_had_again(root):
    one, other, last = trials.add(root, CHANGES)
    done = remove_trials([one.name, last.ref])
    assert names(root) == [other.name]
    assert {each.commit for each in done.here} == {one.commit, last.commit}
    git(root, "update-ref", one.ref, one.commit)
    assert set(names(root)) == {one.name, other.name}


def test_name_that_is_nowhere_removes_nothing(root):
    one, *_ = trials.add(root, CHANGES)
    with pytest.raises(MlgitError, match="no trial is called 'nobody'"):
        remove_trials([one.name, "nobody"])
    assert len(names(root)) == 3


def test_all_leaves_what_dvc_keeps_below_the_same_folder(root):
    trials.add(root, CHANGES)
    git(root, "update-ref", f"{trial.SPACE}stash", "HEAD")
    done = remove_trials(all_of_them=True)
    assert len(done.here) == 3
    assert git(root, "for-each-ref", "--format=%(refname)", trial.SPACE) == f"{trial.SPACE}stash"


def test_trials_of_a_search_go_together(root):
    trials.add(root, CHANGES[:2], facts=TrialFacts(sweep="a1b2c3d4"))
    [other] = trials.add(root, CHANGES[2:], facts=TrialFacts(sweep="b2c3d4e5"))
    with pytest.raises(MlgitError, match=r"no trial is of a sweep 'b2c3d4', did you mean 'b2c3d4e5'"):
        remove_trials(sweep="b2c3d4")
    remove_trials(sweep="a1b2c3d4")
    assert names(root) == [other.name]


def test_what_is_kept_of_failed_trials_is_forgotten(root):
    trials.add(root, CHANGES)
    common, sweep = queue.common_folder(root), Sweep(git(root, "rev-parse", "HEAD"), "")
    for name in ("broken", "gone"):
        status = {"broken": "failed", "gone": "running"}[name]
        queue.write_trial(common, sweep, Trial(name, sweep.baseline, status))
    assert remove_trials(failed=True, dry_run=True).failed == ("broken", "gone")
    assert len(queue.load(common)) == 2
    assert remove_trials(failed=True).failed == ("broken", "gone")
    assert queue.load(common) == ()
    assert len(names(root)) == 3


def test_dry_run_removes_nothing(root):
    trials.add(root, CHANGES)
    assert len(remove_trials(all_of_them=True, dry_run=True).here) == 3
    assert len(names(root)) == 3


def test_trials_go_at_the_remote_too_where_it_is_named(root):
    one, other, last = trials.add(root, CHANGES)
    git(root, "push", "--quiet", "origin", *(f"{each.ref}:{each.ref}" for each in (one, other)))
    done = remove_trials([one.name, last.name], remote="origin")
    assert ([each.name for each in done.there], len(done.here)) == ([one.name], 2)
    assert {each for each in refs_of(root, "origin") if each.startswith(trial.SPACE)} == {other.ref}


def test_trial_that_is_only_at_the_remote_is_removed_there(root):
    one, *_ = trials.add(root, CHANGES)
    git(root, "push", "--quiet", "origin", f"{one.ref}:{one.ref}")
    remove_trials([one.name])
    done = remove_trials([one.name], remote="origin")
    assert (done.here, [each.name for each in done.there]) == ((), [one.name])
    assert one.ref not in refs_of(root, "origin")


def test_remote_that_keeps_one_is_told(root):
    one, *_ = trials.add(root, CHANGES)
    git(root, "push", "--quiet", "origin", f"{one.ref}:{one.ref}")
    hook = root.parent / "origin.git" / "hooks" / "update"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    done = remove_trials([one.name], remote="origin")
    assert (done.exit_code, done.there) == (1, ())
    assert [each.name for each, _ in done.refused] == [one.name]
    assert one.ref in refs_of(root, "origin")


@pytest.mark.slow  # DVC is asked
def test_dvc_and_mlgit_remove_the_trials_of_one_another(root):
    one, other, _ = trials.add(root, CHANGES)
    assert dvc(root, "exp", "remove", one.name).code == 0
    remove_trials([other.name])
    assert dvc(root, "exp", "list", "--names-only").out.split() == names(root)
    assert len(names(root)) == 1
