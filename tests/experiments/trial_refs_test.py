"""Trials on refs/exps, as DVC and mlgit write them, read at once."""

from __future__ import annotations

import hashlib

import pytest

from mlgit import project
from mlgit.adapters.git import git as adapter
from mlgit.errors import MlgitError
from mlgit.experiments import trial, trial_message, trial_refs
from mlgit.experiments.trial import TrialFacts
from tests.kit import git, repository, write_tree

PIPELINE = {
    "dvc.yaml": "stages: {train: {cmd: python t.py, params: [train], metrics: [{metrics.json: {cache: false}}]}}\n",
    "params.yaml": "train:\n  lr: 0.1\n  depth: 3\nother: x\n",
    "metrics.json": '{"auc": 0.8, "val": {"loss": 0.5}}',
}


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path / "project", PIPELINE)


def record(root, name, files, *, facts=None, baseline=None):
    """Write a trial's ref; `files` are those that differ from the baseline, None takes one away."""
    base = baseline or git(root, "rev-parse", "HEAD")
    contents = {}
    for row in git(root, "ls-tree", "-r", base).splitlines():
        head, path = row.split("\t")
        contents[path] = (head.split()[0], adapter.read_objects(root, [head.split()[2]])[head.split()[2]][1])
    contents |= {path: ("100644", text.encode()) for path, text in files.items() if text is not None}
    tree = adapter.write_tree(root, {path: each for path, each in contents.items() if files.get(path, "") is not None})
    message = trial_message.write("0" * 64, facts) if facts else f"dvc: commit experiment {'0' * 64}"
    commit = adapter.write_commit(root, tree, message=message, signature="A <a@b.c> 1700000000 +0000", parents=[base])
    git(root, "update-ref", trial.ref_of(base, name), commit)
    return commit


def load(root, **asked):
    found = project.find(root)
    return trial_refs.load(found, trial_refs.listed(found.git_root), **asked)


def test_values_of_trials_and_baseline_are_read_by_dotted_name(root):
    commit = record(root, "one", {"params.yaml": "train: {lr: 0.2}\n", "metrics.json": '{"auc": 0.9}'})
    found = load(root)
    (one,) = found.trials
    assert (one.name, one.commit, one.status, one.committed) == ("one", commit, "finished", 1700000000)
    assert dict(one.params) == {"train.lr": 0.2}
    assert dict(one.metrics) == {"auc": 0.9}
    (base,) = found.baselines
    assert (base.name, base.commit) == ("", git(root, "rev-parse", "HEAD"))
    assert dict(base.metrics) == {"auc": 0.8, "val.loss": 0.5}
    assert base.params["other"] == "x"


def test_facts_come_from_the_message_and_are_kept(root):
    facts = TrialFacts(changes={"train.lr": 0.2}, sweep="s", number=3, sampler="grid", space=("train.lr=0.1,0.2",), seconds=1.5)
    record(root, "one", {"params.yaml": "train: {lr: 0.2}\n"}, facts=facts)
    assert load(root).trials[0].facts == facts
    assert load(root).trials[0].facts == facts


def test_second_reading_opens_no_commit(root, monkeypatch):
    record(root, "one", {"metrics.json": '{"auc": 0.9}'})
    first = load(root)
    monkeypatch.setattr(trial_refs, "_read", None)
    assert load(root) == first


def test_refs_that_dvc_keeps_for_itself_are_no_trials(root):
    head = git(root, "rev-parse", "HEAD")
    for name in ("stash", "exec/EXEC_BASELINE", "celery/stash", "apply/x"):
        git(root, "update-ref", f"refs/exps/{name}", head)
    assert trial_refs.listed(root) == ()


def test_trial_is_found_by_name_ref_and_commit(root):
    commit = record(root, "one", {"metrics.json": '{"auc": 0.9}'})
    (ref,) = trial_refs.listed(root)
    assert ref.commit == commit
    for word in ("one", ref.ref, commit, commit[:7]):
        assert trial_refs.find(root, word) == ref


def test_digits_at_the_end_of_a_name_may_be_left_out(root):
    head = git(root, "rev-parse", "HEAD").strip()
    for each in ("C-0.5-0a1b2c", "C-1-0a1b2c", "C-1-0a1b2d", "fast-ada"):
        git(root, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{each}", head)
    assert trial_refs.find(root, "C-0.5").name == "C-0.5-0a1b2c"
    assert trial_refs.find(root, "C-1-0a1b2d").name == "C-1-0a1b2d"
    for word, said in (("C-1", "2 trials are called"), ("C", "no trial"), ("fast", "no trial"), ("C-0.5-0a", "no trial")):
        with pytest.raises(MlgitError, match=said):
            trial_refs.find(root, word)


def test_unknown_name_is_refused_with_the_near_miss(root):
    record(root, "lr-0.1", {})
    with pytest.raises(MlgitError, match=r"no trial is called 'lr_0.1', did you mean 'lr-0.1'\?"):
        trial_refs.find(root, "lr_0.1")


def test_name_on_two_baselines_is_that_of_the_preferred_one_or_refused(root):
    first = git(root, "rev-parse", "HEAD")
    record(root, "one", {"metrics.json": '{"auc": 0.9}'})
    git(root, "commit", "--allow-empty", "-qm", "next")
    second = git(root, "rev-parse", "HEAD")
    record(root, "one", {"metrics.json": '{"auc": 0.7}'})
    assert trial_refs.find(root, "one", prefer=second).baseline == second
    with pytest.raises(MlgitError, match="2 trials are called 'one'") as refused:
        trial_refs.find(root, "one")
    assert trial.ref_of(first, "one") in refused.value.hint


def test_ref_that_leads_to_no_commit_is_left_out(root):
    head = git(root, "rev-parse", "HEAD")
    record(root, "good", {"metrics.json": '{"auc": 0.9}'})
    git(root, "tag", "-a", "-m", "words", "v1")
    for name, revision in (("tag", "v1"), ("blob", "HEAD:metrics.json"), ("tree", "HEAD^{tree}")):
        git(root, "update-ref", trial.ref_of(head, name), git(root, "rev-parse", revision))
    assert [each.name for each in load(root).trials] == ["good"]
    assert [each.name for each in load(root).trials] == ["good"]


def test_baseline_that_is_not_in_this_clone_is_left_out(root):
    record(root, "one", {"metrics.json": '{"auc": 0.9}'})
    (ref,) = trial_refs.listed(root)
    git(root, "update-ref", trial.ref_of("0123456789" * 4, "lost"), ref.commit)
    found = load(root)
    assert {each.name for each in found.trials} == {"lost", "one"}
    assert [each.commit for each in found.baselines] == [ref.baseline]


def test_name_that_means_something_to_a_terminal_or_a_browser_is_kept_as_it_is(root):
    commit = record(root, "one", {})
    head = git(root, "rev-parse", "HEAD")
    name = "<b>$(x)|=1+1"
    git(root, "update-ref", trial.ref_of(head, name), commit)
    assert name in {each.name for each in load(root).trials}


def test_packed_refs_and_objects_are_read_alike(root):
    record(root, "one", {"metrics.json": '{"auc": 0.9}'})
    first = load(root)
    (root / ".dvc/tmp/mlgit/trials").unlink()
    git(root, "gc", "--quiet")
    assert load(root) == first


def test_note_that_somebody_else_wrote_is_passed_over(root):
    record(root, "one", {"metrics.json": '{"auc": 0.9}'})
    first = load(root)
    note = root / ".dvc/tmp/mlgit/trials"
    for content in (b"", b"x" * 500, note.read_bytes()[:-3]):
        note.write_bytes(content)
        assert load(root) == first


def test_values_that_the_cache_lacks_are_looked_for_again(root):
    git(root, "rm", "-q", "--cached", "metrics.json")
    out = "{{path: metrics.json, hash: md5, md5: {}, size: 14}}"
    lock = f"schema: '2.0'\nstages:\n  train:\n    cmd: python t.py\n    outs:\n    - {out}\n"
    pipeline = PIPELINE["dvc.yaml"].replace("{metrics.json: {cache: false}}", "metrics.json")
    content = b'{"auc": 0.75}\n'
    digest = hashlib.md5(content).hexdigest()
    record(root, "one", {"dvc.yaml": pipeline, "dvc.lock": lock.format(digest), "metrics.json": None})
    assert load(root).trials[0].metrics == {}
    assert "not in the cache" in load(root).trials[0].notes[0]
    place = root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    assert load(root).trials[0].metrics == {"auc": 0.75}


def test_repository_with_sha256_ids_is_read(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--object-format=sha256")
    write_tree(root, {**PIPELINE, ".dvc/config": ""})
    git(root, "add", "-A")
    git(root, "commit", "-qm", "First")
    base = git(root, "rev-parse", "HEAD")
    (root / "metrics.json").write_text('{"auc": 0.95}')
    git(root, "add", "-A")
    commit = git(root, "commit-tree", git(root, "write-tree"), "-p", base, "-m", "dvc: commit experiment 0")
    git(root, "update-ref", trial.ref_of(base, "one"), commit)
    found = load(root)
    assert found.trials[0].metrics == {"auc": 0.95}
    assert found.baselines[0].metrics == {"auc": 0.8, "val.loss": 0.5}


def test_what_is_kept_of_other_baselines_stays(root, monkeypatch):
    record(root, "one", {"metrics.json": '{"auc": 0.9}'})
    git(root, "commit", "--allow-empty", "-qm", "next")
    record(root, "two", {"metrics.json": '{"auc": 0.7}'})
    everything = load(root)
    record(root, "three", {"metrics.json": '{"auc": 0.6}'})
    found = project.find(root)
    trial_refs.load(found, [each for each in trial_refs.listed(root) if each.name == "three"])
    monkeypatch.setattr(trial_refs, "_read", None)
    kept = trial_refs.load(found, [each for each in trial_refs.listed(root) if each.name != "three"])
    assert kept == everything
