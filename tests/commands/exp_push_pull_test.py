"""Trials that go from one clone to another."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from mlgit.adapters.git.sharing import refs_of
from mlgit.commands.exp_apply import apply_trial
from mlgit.commands.exp_gc import tidy_experiments
from mlgit.commands.exp_promote import promote_trial
from mlgit.commands.exp_pull import pull_trials
from mlgit.commands.exp_push import push_trials
from mlgit.commands.exp_remove import remove_trials
from mlgit.errors import MlgitError
from mlgit.experiments import trial, trial_refs
from mlgit.experiments.runs import RunStore
from tests.kit import FULL, dvc, git, trials
from tests.kit.forked import mlgit

# DVC takes an address that is not absolute for one at the top of the file system, where it pushes trials.
SETTINGS = "[core]\n    remote = there\n['remote \"there\"']\n    url = {}\n"


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A clone with a bare origin and a DVC remote."""
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    found = trials.project(tmp_path / "one", settings=SETTINGS.format(tmp_path / "storage"))
    git(found, "remote", "add", "origin", "../origin.git")
    git(found, "push", "--quiet", "origin", "main")
    assert mlgit(found, "push").code == 0
    monkeypatch.chdir(found)
    return found


def another(root, name="two"):
    """Another clone, with the data of its commit."""
    git(root.parent, "clone", "--quiet", "origin.git", name)
    assert mlgit(root.parent / name, "pull").code == 0
    return root.parent / name


def refs(root):
    return {each.name: each.commit for each in trial_refs.listed(root)}


def stored(root):
    return {path.name for path in (root.parent / "storage").rglob("*") if path.is_file()}


LOW, HIGH = {"train.lr": 0.1}, {"train.lr": 0.9, "train.depth": 5}


def test_trials_go_to_another_clone_with_what_they_made(root, monkeypatch):
    before = stored(root)
    one, other = trials.add(root, [LOW, HIGH])
    sent = push_trials()
    assert {each.name for each in sent.sent} == {one.name, other.name}
    assert (sent.exit_code, sent.n_objects) == (0, len(stored(root) - before)) == (0, 4)
    two = another(root)
    monkeypatch.chdir(two)
    brought = pull_trials()
    assert (len(brought.brought), brought.n_objects, brought.exit_code) == (2, 4, 0)
    assert refs(two) == refs(root)
    apply_trial(one.name)
    assert mlgit(two, "status").code == 0


def test_again_nothing_goes(root):
    trials.add(root, [LOW])
    push_trials()
    again = push_trials()
    assert (again.sent, len(again.same), again.n_objects) == ((), 1, 0)
    pulled = pull_trials()
    assert (pulled.brought, len(pulled.same), pulled.n_objects) == ((), 1, 0)


def test_only_what_is_named_goes(root):
    one, other = trials.add(root, [LOW, HIGH])
    push_trials([one.name])
    assert set(refs_of(root, "origin")) >= {one.ref}
    assert other.ref not in refs_of(root, "origin")
    with pytest.raises(MlgitError, match="no trial is called 'nobody'"):
        push_trials(["nobody"])
    git(root, "update-ref", "-d", one.ref)
    with pytest.raises(MlgitError, match="no trial is called"):
        pull_trials([other.name])
    assert [each.name for each in pull_trials([one.name]).brought] == [one.name]


def test_dry_run_says_the_same_and_sends_nothing(root):
    [one] = trials.add(root, [LOW])
    before = stored(root)
    planned = push_trials(dry_run=True)
    assert one.ref not in refs_of(root, "origin")
    assert stored(root) == before
    done = push_trials()
    assert (planned.sent, planned.n_objects, planned.n_bytes) == (done.sent, done.n_objects, done.n_bytes)
    git(root, "update-ref", "-d", one.ref)
    assert [each.name for each in pull_trials(dry_run=True).brought] == [one.name]
    assert refs(root) == {}


def test_data_goes_first_so_that_a_trial_without_data_is_not_published(root):
    [one] = trials.add(root, [LOW], with_data=False)
    with pytest.raises(MlgitError, match="in neither the cache nor the DVC remote") as refused:
        push_trials()
    assert "--refs-only" in refused.value.hint
    assert one.ref not in refs_of(root, "origin")
    assert [each.name for each in push_trials(allow_missing=True).sent] == [one.name]


def test_refs_alone_are_enough_to_show_them(root, monkeypatch):
    before = stored(root)
    trials.add(root, [LOW])
    sent = push_trials(refs_only=True)
    assert stored(root) == before
    assert "`mlgit exp push` without --refs-only does" in sent.notes[0]
    two = another(root)
    monkeypatch.chdir(two)
    assert pull_trials(refs_only=True).exit_code == 0
    assert refs(two) == refs(root)


def test_outputs_that_are_nowhere_are_told(root, monkeypatch):
    trials.add(root, [LOW])
    push_trials(refs_only=True)
    two = another(root)
    monkeypatch.chdir(two)
    found = pull_trials()
    assert (found.exit_code, found.gone) == (1, ("model.json", "predictions.csv"))
    assert refs(two) == refs(root)


def test_what_is_missing_comes_with_the_next_pull(root, monkeypatch):
    trials.add(root, [LOW])
    push_trials(refs_only=True)
    two = another(root)
    monkeypatch.chdir(two)
    pull_trials()
    monkeypatch.chdir(root)
    assert push_trials().n_objects == 2
    monkeypatch.chdir(two)
    found = pull_trials()
    assert (found.exit_code, found.n_objects, found.brought) == (0, 2, ())


def test_trial_that_both_made_is_one(root, monkeypatch):
    two = another(root)
    [one] = trials.add(root, [LOW])
    [twin] = trials.add(two, [LOW], since=1_800_000_000)
    assert (one.name, one.commit != twin.commit) == (twin.name, True)
    push_trials()
    monkeypatch.chdir(two)
    assert [each.name for each in push_trials().same] == [one.name]
    assert [each.name for each in pull_trials().same] == [one.name]
    assert (refs(two)[one.name], refs_of(two, "origin")[one.ref]) == (twin.commit, one.commit)


def test_trial_with_other_files_is_left_out_on_either_side_and_told(root, monkeypatch):
    two = another(root)
    one, new = trials.add(root, [LOW, HIGH])
    [twin] = trials.add(two, [LOW], files={"metrics.json": "{}\n"})
    push_trials()
    monkeypatch.chdir(two)
    sent = push_trials()
    assert (sent.exit_code, sent.sent, sent.document()["other"]) == (
        1,
        (),
        [{"name": one.name, "commit": twin.commit, "there": one.commit}],
    )
    found = pull_trials()
    assert (found.exit_code, [each.name for each in found.brought]) == (1, [new.name])
    assert refs(two) == {one.name: twin.commit, new.name: new.commit}
    assert refs_of(two, "origin")[one.ref] == one.commit


def test_force_replaces_it(root, monkeypatch):
    two = another(root)
    [one] = trials.add(root, [LOW])
    [twin] = trials.add(two, [LOW], files={"metrics.json": "{}\n"})
    push_trials()
    monkeypatch.chdir(two)
    assert pull_trials(force=True).exit_code == 0
    assert refs(two) == {one.name: one.commit}
    git(two, "update-ref", one.ref, twin.commit)
    assert push_trials(force=True).exit_code == 0
    assert refs_of(two, "origin")[one.ref] == twin.commit


def test_what_dvc_keeps_below_the_same_folder_is_neither_sent_nor_brought(root, monkeypatch):
    head = git(root, "rev-parse", "HEAD")
    reserved = [f"{trial.SPACE}{name}" for name in ("stash", "exec/EXEC_HEAD", "apply")]
    for ref in reserved:
        git(root, "update-ref", ref, head)
    trials.add(root, [LOW])
    push_trials()
    assert not set(reserved) & set(refs_of(root, "origin"))
    git(root, "push", "--quiet", "origin", *(f"{ref}:{ref}" for ref in reserved))
    two = another(root)
    monkeypatch.chdir(two)
    pull_trials()
    assert [row for row in git(two, "for-each-ref", "--format=%(refname)", trial.SPACE).splitlines() if row in reserved] == []


def test_remote_that_is_not_there_is_told(root):
    trials.add(root, [LOW])
    with pytest.raises(MlgitError, match="remote 'nowhere' not found"):
        push_trials(remote="nowhere")
    git(root, "remote", "add", "gone", "../gone.git")
    for call in (push_trials, pull_trials):
        with pytest.raises(MlgitError, match="the remote 'gone' does not answer"):
            call(remote="gone")


def test_refusal_of_the_remote_is_told_with_its_reason(root):
    one, other = trials.add(root, [LOW, HIGH])
    hook = root.parent / "origin.git" / "hooks" / "update"
    hook.write_text(f"#!/bin/sh\ncase $1 in *{one.name}) exit 1;; esac\n")
    hook.chmod(0o755)
    done = push_trials()
    assert ([each.name for each in done.sent], done.exit_code) == ([other.name], 1)
    assert [(each.name, "hook" in reason) for each, reason in done.refused] == [(one.name, True)]


def test_project_without_a_dvc_remote_publishes_refs_when_told_to(tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    root = trials.project(tmp_path / "one")
    git(root, "remote", "add", "origin", "../origin.git")
    monkeypatch.chdir(root)
    trials.add(root, [LOW])
    with pytest.raises(MlgitError, match="no DVC remote for the data"):
        push_trials()
    assert len(push_trials(refs_only=True).sent) == 1


def test_repository_with_long_ids_is_one_as_others_are(tmp_path, monkeypatch):
    git(tmp_path, "init", "--quiet", "--bare", "--object-format=sha256", "origin.git")
    root = trials.project(tmp_path / "one", object_format="sha256")
    git(root, "remote", "add", "origin", "../origin.git")
    monkeypatch.chdir(root)
    one, other = trials.add(root, [LOW, HIGH])
    assert len(one.commit) == 64
    apply_trial(one.name)
    apply_trial(other.name)
    assert mlgit(root, "status").code == 0
    assert promote_trial(one.name).is_new
    assert len(push_trials(refs_only=True).sent) == 2
    assert len(remove_trials([one.name]).here) == 1
    assert [each.name for each in pull_trials(refs_only=True).brought] == [one.name]
    assert len(tidy_experiments(keep=1).removed) == 1
    assert git(root, "fsck", "--no-dangling") == ""


def test_a_thousand_trials_go_by_one_process_each_way(root, monkeypatch):
    trials.add(root, [{"train.lr": number / 1000} for number in range(1, 1001 if FULL else 201)], with_data=False)
    push_trials(refs_only=True)
    two = another(root)
    monkeypatch.chdir(two)
    assert len(pull_trials(refs_only=True).brought) == len(refs(root))
    assert refs(two) == refs(root)


def test_trials_that_hold_nonsense_do_not_keep_others_away(root, monkeypatch):
    strange = trials.add(root, [{"train.lr": 0.3}], names=["aaa"], files={"dvc.yaml": "["})
    [good, *more] = trials.add(root, [LOW, *({"train.lr": number / 10} for number in range(4, 9))])
    head = git(root, "rev-parse", "HEAD")
    blob, tree = git(root, "rev-parse", "HEAD:dvc.yaml"), git(root, "rev-parse", "HEAD^{tree}")
    for name, oid in (("a-blob", blob), ("a-tree", tree)):
        git(root, "update-ref", trial.ref_of(head, name), oid)
    push_trials([good.name, *(each.name for each in more)])
    names = [strange[0].ref, *(trial.ref_of(head, name) for name in ("a-blob", "a-tree"))]
    git(root, "push", "--quiet", "origin", *(f"{ref}:{ref}" for ref in names))
    two = another(root)
    monkeypatch.chdir(two)
    found = pull_trials()
    assert (len(found.brought), found.n_objects, found.exit_code) == (9, 10, 0)
    assert len(found.notes) == 2
    apply_trial(good.name)
    assert mlgit(two, "status").code == 0
    for name in ("aaa", "a-blob"):
        with pytest.raises(MlgitError):
            apply_trial(name)
    for name in ("aaa", "a-blob", "a-tree"):
        with pytest.raises(MlgitError):
            promote_trial(name)
    assert promote_trial(good.name).is_new


def test_large_files_of_runs_come_with_a_pull_of_all_or_by_the_id_of_the_run(root, monkeypatch):
    store = RunStore(root, keep_code=False)
    (root.parent / "weights.bin").write_bytes(b"w" * 200_000)
    runs = [store.create("0", name=name) for name in ("a", "b")]
    for number, run in enumerate(runs):
        (root.parent / "weights.bin").write_bytes(b"%d" % number * 200_000)
        store.artifacts.put(run.id, {"weights.bin": root.parent / "weights.bin"})
        store.update(run.id, status="FINISHED")
    assert mlgit(root, "push").code == 0
    two = another(root)
    monkeypatch.chdir(two)
    with pytest.raises(MlgitError, match="is not in this clone"):
        RunStore(two).artifacts.read(runs[0].id, "weights.bin")
    assert pull_trials([runs[0].id]).n_files == 1
    assert pull_trials(refs_only=True).n_files == 0
    assert pull_trials().n_files == 1
    for number, run in enumerate(runs):
        assert RunStore(two).artifacts.read(run.id, "weights.bin") == b"%d" % number * 200_000
    assert pull_trials().n_files == 0


@pytest.mark.slow  # many pushes
@pytest.mark.parametrize("seed", range(6 if FULL else 1))
def test_clones_that_experimented_apart_end_with_the_same_trials(root, monkeypatch, seed):
    two = another(root)
    rates = [round(0.01 * number, 2) for number in range(1, 101)]
    chance = random.Random(seed)
    chance.shuffle(rates)
    names = [
        each.name
        for clone, some in ((root, rates[:50]), (two, rates[50:]))
        for each in trials.add(clone, [{"train.lr": rate} for rate in some])
    ]
    steps = [(clone, call) for clone in (root, two) for call in (push_trials, pull_trials) for _ in range(2)]
    chance.shuffle(steps)
    for clone, call in [*steps, (root, push_trials), (two, push_trials), (root, pull_trials), (two, pull_trials)]:
        monkeypatch.chdir(clone)
        mine = list(refs(clone))
        words = chance.sample(mine, k=len(mine) // 2) if call is push_trials and chance.random() < 0.5 else []
        assert call(words).exit_code == 0
    for clone in (root, two):  # what was left out by chance
        monkeypatch.chdir(clone)
        push_trials()
    for clone in (root, two):
        monkeypatch.chdir(clone)
        pull_trials()
    assert set(refs(root)) == set(refs(two)) == set(names)
    assert refs(root) == refs(two)
    assert git(two, "fsck", "--no-dangling") == ""


@pytest.mark.slow  # DVC is asked
def test_dvc_pulls_what_mlgit_pushed_and_the_other_way_round(root, monkeypatch):
    one, other = trials.add(root, [LOW, HIGH])
    push_trials([one.name])
    two = another(root)
    done = dvc(two, "exp", "pull", "origin", one.name)
    assert done.code == 0, done.said
    assert refs(two) == {one.name: one.commit}
    assert dvc(two, "exp", "list", "--all-commits", "--names-only").out.split() == [one.name]
    assert dvc(root, "exp", "push", "origin", other.name).code == 0
    monkeypatch.chdir(two)
    assert [each.name for each in pull_trials().brought] == [other.name]
    apply_trial(other.name)
    assert json.loads(Path("model.json").read_text())["lr"] == 0.9
