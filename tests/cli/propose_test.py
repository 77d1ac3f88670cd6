"""`mlgit ci propose`: one pull request for a model that is shown to be better, with real Git, DVC and a forge."""

from __future__ import annotations

import pytest

from tests.kit import git, write_tree
from tests.kit.forked import mlgit
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN

pytestmark = pytest.mark.slow  # every test runs a pipeline

BRANCH = "mlgit/retrain"
GAIN = "    - {id: gain, kind: better, metric: accuracy, when: {label: retrain}}\n"


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A clone of a bare origin, on main, whose pipeline has run, with a DVC remote; all of it in one folder."""
    folder = tmp_path_factory.mktemp("original")
    git(folder, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
    git(folder, "clone", "-q", "origin.git", "clone")
    root = folder / "clone"
    git(root, "remote", "set-url", "origin", "../origin.git")
    git(root, "checkout", "-q", "-B", "main")
    config = "[core]\n    remote = there\n['remote \"there\"']\n    url = ../../data\n"
    files = {"dvc.yaml": PIPELINE, "mlgit.yaml": CONFIG % "0.01" + GAIN, "train.py": TRAIN, "params.yaml": "skill: 80\n"}
    write_tree(root, {**files, ".dvc/config": config, ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"})
    assert mlgit(root, "run").code == 0
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    git(root, "push", "-q", "-u", "origin", "main")
    return folder


def train(root, skill):
    write_tree(root, {"params.yaml": f"skill: {skill}\n"})
    assert mlgit(root, "run").code == 0


def propose(root, state, *options, token="good"):
    env = {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": state.base, "GITHUB_REPOSITORY": "team/models", "GITHUB_TOKEN": token}
    return mlgit(root, "ci", "propose", *options, env=env)


def tip(root):
    return git(root, "ls-remote", "origin", f"refs/heads/{BRANCH}").split("\t")[0]


def test_better_model_is_proposed_once_and_the_clone_stays_as_it_was(root, state, tmp_path):
    train(root, 90)
    before = git(root, "status", "--porcelain=v2", "--branch")
    done = propose(root, state, "--label", "retrain", "--json")
    assert (done.code, done.json["gain"], done.json["what"]) == (0, True, "opened"), done.said
    assert sorted(done.json["paths"]) == ["dvc.lock", "metrics.json", "params.yaml"]
    assert git(root, "status", "--porcelain=v2", "--branch") == before
    (pull,) = state.pulls
    assert (pull["head"]["ref"], pull["base"]["ref"], pull["title"]) == (BRANCH, "main", "Retrain the model")
    assert {"name": "retrain"} in pull["labels"]
    assert "accuracy" in pull["body"]
    first = tip(root)
    assert git(root, "ls-remote", "origin", "refs/heads/main").split("\t")[0] == git(root, "rev-parse", "HEAD")
    assert any((tmp_path / "data").rglob("*")), "the data were not pushed"
    again = propose(root, state, "--label", "retrain", "--json")
    assert (again.json["what"], again.json["pull_request"], tip(root)) == ("updated", done.json["pull_request"], first)


def test_a_still_better_model_takes_the_place_of_the_first(root, state):
    train(root, 90)
    propose(root, state)
    first = tip(root)
    train(root, 97)
    assert propose(root, state).code == 0
    assert len(state.pulls) == 1
    assert tip(root) != first
    git(root, "fetch", "-q", "origin", BRANCH)
    assert git(root, "show", "FETCH_HEAD:params.yaml") == "skill: 97"
    assert git(root, "rev-list", "--count", "main..FETCH_HEAD") == "1"


@pytest.mark.parametrize(("skill", "word"), [(80, "nothing differs"), (79, "gates failed: gain"), (60, "failed: kept, gain")])
def test_without_a_gain_nothing_is_asked_of_anybody(root, state, skill, word):
    train(root, skill)
    done = propose(root, state, "--label", "retrain")
    assert (done.code, word in done.out) == (0, True), done.said
    assert (state.requests, tip(root)) == ([], "")


def test_stale_stages_are_refused(root, state):
    write_tree(root, {"params.yaml": "skill: 95\n"})
    done = propose(root, state)
    assert (done.code, "mlgit run" in done.err, tip(root)) == (2, True, "")


def test_without_rules_nothing_was_judged(root, state):
    write_tree(root, {"mlgit.yaml": (root / "mlgit.yaml").read_text().partition("gates:")[0]})
    git(root, "commit", "-qam", "no gates")
    train(root, 90)
    done = propose(root, state)
    assert (done.code, "nothing was compared" in done.err, tip(root)) == (2, True, "")


def test_branch_that_holds_the_work_of_people_is_left_alone(root, state):
    git(root, "push", "-q", "origin", f"HEAD:refs/heads/{BRANCH}")
    there = tip(root)
    train(root, 90)
    done = propose(root, state)
    assert (done.code, "is not by `mlgit ci propose`" in done.err, tip(root), state.pulls) == (2, True, there, [])


def test_without_a_token_nothing_is_pushed(root, state):
    train(root, 90)
    done = propose(root, state, token="")
    assert (done.code, "GITHUB_TOKEN" in done.err, tip(root)) == (2, True, "")


@pytest.mark.parametrize("branch", ["main", "a..b", "-x", "refs/heads/"])
def test_branch_that_cannot_be_proposed_from_is_refused(root, state, branch):
    assert propose(root, state, f"--branch={branch}").code == 2
    assert state.requests == []


def test_dry_run_shows_the_text_and_pushes_nothing(root, state):
    train(root, 90)
    done = propose(root, state, "--dry-run", token="")
    assert (done.code, tip(root), state.requests) == (0, "", [])
    assert done.out.startswith("would propose: shown to be better: accuracy\n")
    assert "### mlgit:" in done.out
