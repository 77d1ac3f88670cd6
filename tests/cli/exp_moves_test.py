"""Trials moved from the command line: what is printed, and with which exit code."""

from __future__ import annotations

import pytest

from mlgit.experiments.trial import TrialFacts
from tests.kit import git, trials

LOW, HIGH = {"train.lr": 0.1}, {"train.lr": 0.9, "train.depth": 5}
FACTS = TrialFacts(sampler="grid", space=("train.lr=0.1,0.9",), objective="roc_auc", direction="higher", sweep="s1")


@pytest.fixture
def root(tmp_path):
    git(tmp_path, "init", "--quiet", "--bare", "origin.git")
    config = f"[core]\n    remote = there\n['remote \"there\"']\n    url = {tmp_path / 'storage'}\n"
    found = trials.project(tmp_path / "project", settings=config)
    git(found, "remote", "add", "origin", "../origin.git")
    return found


def test_trial_is_applied_and_the_next_steps_are_named(root, cli):
    [one] = trials.add(root, [LOW], names=["good"])
    planned = cli(root, "exp", "apply", "good", "--dry-run")
    assert planned.out.splitlines() == [
        "3 files would be written: dvc.lock, metrics.json, params.yaml",
        "2 outputs would be put in place: model.json, predictions.csv",
    ]
    done = cli(root, "exp", "apply", "good")
    assert "this is good now; `git diff` shows it, `mlgit exp promote` makes it a branch" in done.out
    assert cli(root, "exp", "apply", one.commit[:7]).out == "all is as good left it\n"


def test_change_in_the_way_is_an_error_with_the_way_out(root, cli):
    trials.add(root, [LOW], names=["good"])
    (root / "params.yaml").write_text("mine: 1\n")
    done = cli(root, "exp", "apply", "good")
    assert done.code == 2
    assert "error: changed here and not committed: params.yaml; nothing was replaced" in done.err
    assert "--force replaces them" in done.err


def test_trial_is_promoted_and_what_is_to_be_said_is_shown(root, cli):
    trials.add(root, [LOW, HIGH], names=["good", "bad"], facts=FACTS)
    shown = cli(root, "exp", "promote", "good", "--dry-run")
    assert "would make the branch exp/good at " in shown.out
    assert "Set train.lr to 0.1\n" in shown.out
    done = cli(root, "exp", "promote", "good")
    assert "exp/good is a branch now: " in done.out
    assert "the best of 2 trials by roc_auc (higher is better), every setting of train.lr=0.1,0.9." in done.out
    assert "next: `git switch exp/good`, `mlgit run` (restores what it made), `mlgit push`" in done.out
    assert "the branch exp/good is there already" in cli(root, "exp", "promote", "good").out
    assert cli(root, "exp", "promote", "good", "--json").json["new"] is False


def test_trials_are_pushed_and_pulled(root, cli):
    one, _ = trials.add(root, [LOW, HIGH], names=["good", "bad"])
    assert "2 trials would go to origin: bad, good" in cli(root, "exp", "push", "--dry-run").out
    done = cli(root, "exp", "push")
    assert "sent to the DVC remote" in done.out
    assert "2 trials sent to origin: bad, good" in done.out
    assert cli(root, "exp", "push").out == "origin has all of them\n"
    assert cli(root, "exp", "pull").out == "all trials of origin are here\n"
    git(root, "update-ref", "-d", one.ref)
    assert cli(root, "exp", "pull", "good").out == "1 trial came from origin: good\n"
    assert cli(root, "exp", "pull", "--json").json["same"] == ["bad", "good"]


def test_trial_that_is_another_there_is_told_on_both_ways(root, cli):
    [there] = trials.add(root, [LOW], names=["good"], files={"metrics.json": "{}\n"})
    assert cli(root, "exp", "push").code == 0
    git(root, "update-ref", "-d", there.ref)
    trials.add(root, [LOW], names=["good"])
    sent, brought = cli(root, "exp", "push"), cli(root, "exp", "pull")
    assert (sent.code, brought.code) == (1, 1)
    assert "good has other files at origin (" in sent.err
    assert "and was not sent: --force replaces it there" in sent.err
    assert "good has other files here (" in brought.err


def test_trials_are_removed_and_named_with_their_commits(root, cli):
    one, _ = trials.add(root, [LOW, HIGH], names=["good", "bad"])
    assert f"would be removed: good ({one.commit[:10]})" in cli(root, "exp", "remove", "good", "--dry-run").out
    done = cli(root, "exp", "remove", "good")
    assert f"removed: good ({one.commit[:10]})" in done.out
    assert f"to have one again: `git update-ref {one.ref} {one.commit[:10]}`" in done.out
    assert cli(root, "exp", "remove", "--failed").out == "there is nothing to remove\n"


@pytest.mark.parametrize("words", [[], ["--all", "good"], ["--all", "--sweep", "s1"]])
def test_what_to_remove_has_to_be_said(root, cli, words):
    assert cli(root, "exp", "remove", *words).code == 2


def test_tidying_says_what_stays(root, cli):
    trials.add(root, [LOW, HIGH], names=["good", "bad"])
    assert cli(root, "exp", "gc", "--keep", "1", "--dry-run").out.splitlines()[-1] == "1 trial stays"
    assert cli(root, "exp", "gc", "--keep", "1").out.splitlines()[-1] == "1 trial stays; refs and objects are packed"
    [removed] = cli(root, "exp", "gc", "--older-than", "30d", "--json").json["removed"]
    assert removed["name"] == "bad"
    assert cli(root, "exp", "gc", "--older-than", "soon").code == 2


def test_names_with_control_letters_are_shown_plain(root, cli):
    head = git(root, "rev-parse", "HEAD")
    name = "evil\u202e\u009b31m"
    git(root, "update-ref", f"refs/exps/{head[:2]}/{head[2:]}/{name}", head)
    done = cli(root, "exp", "remove", "--all")
    assert done.code == 0
    assert "\u202e" not in done.out
    assert "\u009b" not in done.out
