"""The queue of a clone: what stands in its files may be edited, of another version, or in use by another process."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from mlgit.commands.exp_remove import remove_trials
from mlgit.commands.exp_run import SweepPlan, exp_run
from mlgit.errors import MlgitError
from mlgit.experiments import queue, trial_commits
from mlgit.experiments.sweep import Sweep, TrialEnd
from mlgit.experiments.sweep_reporter import SweepReporter
from tests.kit import git, repository, write_tree
from tests.kit.experiments import commands_run, searched_project, trial_refs

SWEEP = Sweep("1" * 40, "2" * 40, space=("a=1",))
TRIAL = {"schema": 1, "name": "a-1", "status": "failed", "number": 1, "sweep": SWEEP.document()}
ODD = [None, [], "x", {"x": 1}, -1, True, 1e400, [["x"]]]


@pytest.fixture
def project(tmp_path, monkeypatch):
    return searched_project(tmp_path / "project", monkeypatch)


class Told(SweepReporter):
    """Keeps what it is told beside the results."""

    def __init__(self):
        self.notes = []

    def note(self, text):
        """Keep it."""
        self.notes.append(text)


@pytest.mark.parametrize("key", ["name", "status", "changes", "params", "number", "started", "message", "sweep"])
def test_file_of_a_trial_that_was_edited_is_read_or_passed_over(tmp_path, key):
    for value in ODD:
        write_tree(tmp_path, {"queue/trials/a-1.json": json.dumps({**TRIAL, key: value})})
        for each in queue.load(tmp_path):
            facts = each.facts
            assert (type(facts.number), type(facts.started or 0.0)) == (int, float)
            assert dict(facts.changes) == facts.changes


@pytest.mark.parametrize("key", sorted(TrialEnd(1, "a-1", "failed").document()))
def test_end_that_was_edited_is_read_or_passed_over(tmp_path, key):
    good = TrialEnd(2, "a-2", "failed")
    for value in ODD:
        rows = [json.dumps({**TrialEnd(1, "a-1", "failed").document(), key: value}), json.dumps(good.document()), "{"]
        write_tree(tmp_path, {f"queue/sweeps/{SWEEP.id}.ends.jsonl": "\n".join(rows)})
        found = queue.ends(tmp_path, SWEEP)
        assert found[-1] == good
        assert all(type(each.number) is int and dict(each.changes) == each.changes for each in found)


@pytest.mark.parametrize("key", sorted(SWEEP.document()))
def test_search_that_was_edited_is_passed_over(tmp_path, key):
    for value in ODD:
        write_tree(tmp_path, {f"queue/sweeps/{SWEEP.id}.json": json.dumps({**SWEEP.document(), key: value})})
        assert queue.asked(tmp_path) in ((), (SWEEP,))


def test_search_that_cannot_be_run_here_does_not_hold_up_the_others(project):
    common = queue.common_folder(project)
    baseline, tree = (git(project, "rev-parse", each) for each in ("HEAD", "HEAD^{tree}"))
    odd = replace(SWEEP, baseline=baseline, tree=tree, space=("train.lr=0.1..0.2",), sampler="cmaes")
    queue.add(common, odd)
    told = Told()
    assert [each.status for each in exp_run(SweepPlan(("train.lr=0.7",)), reporter=told).trials] == ["finished"]
    assert any("cannot be run (train.lr=0.1..0.2)" in each for each in told.notes)
    with pytest.raises(MlgitError, match="cmaes"):
        exp_run(SweepPlan())
    assert remove_trials(queued=True).queued == (odd.id,)
    assert queue.asked(common) == ()


def test_search_that_was_given_up_is_told_of_before_and_not_run(project):
    exp_run(SweepPlan(("train.lr=0.7",)), only_queue=True)
    told = Told()
    exp_run(SweepPlan(("train.lr=0.6",)), only_queue=True, reporter=told)
    assert any("exp remove --queued" in each for each in told.notes)
    remove_trials(queued=True)
    exp_run(SweepPlan(("train.lr=0.8",)))
    assert [name.split("-")[1] for name in trial_refs(project)] == ["0.8"]


def test_condition_about_a_metric_that_no_trial_has_is_told(project):
    told = Told()
    exp_run(SweepPlan(("train.lr=0.7,0.8",), until="scre>=0"), reporter=told)
    assert [each for each in told.notes if "scre" in each and "score" in each] == told.notes


def test_search_of_which_git_has_removed_the_files_is_told_of_and_others_run(project):
    write_tree(project, {"train.py": (project / "train.py").read_text() + "# not committed\n"})
    exp_run(SweepPlan(("train.lr=0.7",)), only_queue=True)
    git(project, "checkout", "--", "train.py")
    git(project, "gc", "--quiet", "--prune=now")
    told = Told()
    assert [each.status for each in exp_run(SweepPlan(("train.lr=0.8",)), reporter=told).trials] == ["finished"]
    assert any("not in this clone any more" in each for each in told.notes)
    assert queue.load(queue.common_folder(project)) == ()


def test_working_tree_of_a_trial_is_no_place_to_search_from(project, monkeypatch):
    exp_run(SweepPlan(("train.lr=0.7",)))
    monkeypatch.chdir(project / ".git/mlgit/worktrees/0")
    with pytest.raises(MlgitError, match="working tree of a trial"):
        exp_run(SweepPlan(("train.lr=0.8",)))


def test_submodules_are_told_of(project, tmp_path):
    library = repository(tmp_path / "library", {"data.csv": "1\n"})
    git(project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(library), "lib")
    told = Told()
    exp_run(SweepPlan(("train.lr=0.7",)), only_queue=True, reporter=told)
    assert any("submodules: lib" in each for each in told.notes)


def test_search_inside_of_a_trial_is_refused(project, monkeypatch):
    monkeypatch.setenv("MLGIT_TRIAL", "lr-0.1-abcdef")
    with pytest.raises(MlgitError, match="wait for itself"):
        exp_run(SweepPlan(("train.lr=0.7",)))
    assert commands_run(project) == []


def test_trial_that_a_worker_of_a_killed_search_has_recorded_is_taken_as_it_is(project):
    trial = exp_run(SweepPlan(("train.lr=0.7",))).trials[0]
    other = git(project, "commit-tree", "HEAD^{tree}", "-m", "by hand")
    publish = {"changes": {"train.lr": 0.7}, "replaced": ""}
    assert trial_commits.publish(project, trial.ref, commit=other, **publish) == trial.commit
    with pytest.raises(MlgitError, match="another process"):
        trial_commits.publish(project, trial.ref, commit=other, changes={"train.lr": 0.8})
    assert trial_refs(project) == {trial.name: trial.commit}


def test_lock_of_a_ref_that_was_left_long_ago_is_taken_away(project):
    trial = exp_run(SweepPlan(("train.lr=0.7",))).trials[0]
    git(project, "update-ref", "-d", trial.ref)
    lock = project / ".git" / f"{trial.ref}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    failed = exp_run(SweepPlan(("train.lr=0.7",))).trials[0]
    assert (failed.status, str(lock) in failed.message) == ("failed", True)
    os.utime(lock, (1e9, 1e9))
    assert exp_run(SweepPlan(("train.lr=0.7",))).trials[0].status == "finished"
