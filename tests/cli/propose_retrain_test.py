"""`mlgit ci propose --retrain`: one pull request for a model in production, with real Git, DVC, tags and a forge."""

from __future__ import annotations

import os
import shutil
import threading

import pytest

from tests.kit import git, write_tree
from tests.kit.forge import State, forge
from tests.kit.forked import mlgit, start
from tests.kit.pulls import CONFIG, PIPELINE, TRAIN

pytestmark = pytest.mark.slow  # every test runs a pipeline

BRANCH = "retrain/churn"
MONITORING = """\
environments:
  - {name: prod}
monitoring:
  churn: {triggers: {new_rows: 1, cooldown: 14d}}
"""
MODEL = "models:\n  churn: {train: [train.csv], "


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A clone of a bare origin with a version in production, a DVC remote and a trigger that fires with one new row."""
    folder = tmp_path_factory.mktemp("original")
    git(folder, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
    git(folder, "clone", "-q", "origin.git", "clone")
    root = folder / "clone"
    git(root, "remote", "set-url", "origin", "../origin.git")
    git(root, "checkout", "-q", "-B", "main")
    config = "[core]\n    remote = there\n['remote \"there\"']\n    url = ../../data\n"
    pipeline = PIPELINE.replace("deps: [train.py]", "deps: [train.py, train.csv]")
    models = (CONFIG % "0.01").replace("models:\n  churn: {", MODEL)
    files = {"dvc.yaml": pipeline, "mlgit.yaml": models + MONITORING, "train.py": TRAIN, "params.yaml": "skill: 80\n"}
    write_tree(root, {**files, ".dvc/config": config, ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n"})
    write_tree(root, {"train.csv": "x\n1\n2\n"})
    assert mlgit(root, "run").code == 0
    git(root, "add", "-A")
    git(root, "commit", "-qm", "start")
    git(root, "push", "-q", "-u", "origin", "main")
    for words in (("register", "churn", "--version", "v1.0.0", "--push"), ("promote", "churn@v1.0.0", "prod", "--push")):
        done = mlgit(root, "model", *words)
        assert done.code == 0, done.said
    return folder


def train(root, skill, rows="x\n1\n2\n3\n"):
    write_tree(root, {"params.yaml": f"skill: {skill}\n", "train.csv": rows})
    assert mlgit(root, "run").code == 0


def environment(state, token="good"):
    job = {"GITHUB_ACTIONS": "true", "GITHUB_API_URL": state.base, "GITHUB_REPOSITORY": "team/models"}
    return {**job, "GITHUB_TOKEN": token}


def propose(root, state, *options, token="good"):
    return mlgit(root, "ci", "propose", "--retrain", "churn", *options, env=environment(state, token))


def tip(root):
    return git(root, "ls-remote", "origin", f"refs/heads/{BRANCH}").split("\t")[0]


def test_better_challenger_is_proposed_once_with_what_asked_for_it(root, state):
    train(root, 90)
    done = propose(root, state, "--json")
    assert (done.code, done.json["what"]) == (0, "opened"), done.said
    assert done.json["retrain"]["triggers"] == [
        {"kind": "new_rows", "reason": "1 row more than the 2 that it was trained with"}
    ]
    (pull,) = state.pulls
    assert (pull["head"]["ref"], pull["title"], {"name": "retrain"} in pull["labels"]) == (BRANCH, "Retrain churn", True)
    assert pull["body"].startswith("<!-- mlgit:retrain v1 model=churn version=v1.0.0 digest=md5:")
    assert "there are new rows: 1 row more" in pull["body"]
    first = tip(root)
    train(root, 95)
    again = propose(root, state, "--json")
    assert (again.json["what"], again.json["pull_request"], len(state.pulls)) == ("updated", pull["number"], 1)
    assert tip(root) != first


def test_baseline_is_the_version_in_production_not_the_last_commit(root, state):
    """What main has learnt since is no baseline: nobody is served by it."""
    train(root, 95)
    git(root, "commit", "-qam", "better")
    git(root, "push", "-q", "origin", "main")
    train(root, 90, rows="x\n1\n2\n3\n4\n")
    done = propose(root, state, "--json")
    assert (done.code, done.json["what"]) == (0, "opened"), done.said
    assert mlgit(root, "gate", "HEAD").code == 1


@pytest.mark.parametrize("kind", ["github", "gitlab", "gitea"])
def test_open_one_is_closed_with_a_sentence_when_it_is_no_longer_better(root, kind):
    with forge(State(kind=kind)) as state:
        state.may.add("pull")
        where = ("--forge", kind, "--api", state.base, "--repository", "team/models")
        env = {"MLGIT_TOKEN": "good"}
        train(root, 90)
        assert mlgit(root, "ci", "propose", "--retrain", "churn", *where, env=env).code == 0
        train(root, 80)
        done = mlgit(root, "ci", "propose", "--retrain", "churn", *where, "--json", env=env)
        assert (done.code, done.json["gain"], done.json["what"]) == (0, False, "closed"), done.said
        (pull,) = state.pulls
        assert (pull["state"], "closed=by-mlgit" in pull["body"]) == ("closed", True)
        (said,) = state.by("mlgit[bot]")
        assert "not shown to be better than `churn@v1.0.0`" in said
        train(root, 90)
        again = mlgit(root, "ci", "propose", "--retrain", "churn", *where, "--json", env=env)
        assert (again.json["what"], len(state.pulls)) == ("opened", 2), again.said


def test_challenger_that_is_not_better_opens_nothing(root, state):
    train(root, 80)
    done = propose(root, state)
    assert (done.code, "nothing to propose: no metric is shown to be better" in done.out) == (0, True), done.said
    assert (state.pulls, tip(root)) == ([], "")


def test_what_people_closed_is_remembered(root, state):
    train(root, 90)
    propose(root, state)
    state.close(1)
    first = tip(root)
    train(root, 95)
    done = propose(root, state, "--json")
    assert (done.code, done.json["what"], len(state.pulls), tip(root)) == (0, "", 1, first), done.said
    assert "#1 was closed on" in done.json["retrain"]["held"]
    assert "#1 was closed on" in propose(root, state).out
    assert propose(root, state, "--reason", "new sensor", "--json").json["what"] == "opened"


def test_another_version_in_production_ends_the_silence(root, state):
    train(root, 90)
    propose(root, state)
    state.close(1)
    git(root, "commit", "-qam", "better")
    git(root, "push", "-q", "origin", "main")
    for words in (("register", "churn", "--version", "v1.1.0"), ("promote", "churn@v1.1.0", "prod")):
        assert mlgit(root, "model", *words).code == 0
    train(root, 97, rows="x\n1\n2\n3\n4\n")
    done = propose(root, state, "--json")
    assert (done.json["what"], len(state.pulls)) == ("opened", 2), done.said


def test_without_a_trigger_nothing_is_proposed_and_a_reason_asks(root, state):
    train(root, 90, rows="x\n1\n2\n")
    done = propose(root, state)
    assert (done.code, "nothing asks for a new churn" in done.out, state.pulls) == (0, True, []), done.said
    asked = propose(root, state, "--reason", "<b>@team</b> wants it", "--json")
    assert asked.json["what"] == "opened"
    assert "<b>" not in state.pulls[0]["body"].partition("mlgit:")[2].partition("### mlgit")[0].replace("<!--", "")


def test_each_model_whose_trigger_fired_is_proposed(root, state):
    train(root, 90)
    done = mlgit(root, "ci", "propose", "--due", "--json", env=environment(state))
    assert (done.code, done.json["models"][0]["model"], done.json["models"][0]["what"]) == (0, "churn", "opened"), done.said
    assert [each["head"]["ref"] for each in state.pulls] == [BRANCH]
    assert "churn:\nnew_rows: 1 row more" in mlgit(root, "ci", "propose", "--due", env=environment(state)).out
    assert mlgit(root, "ci", "propose", "--due", "--branch", "x", env=environment(state)).code == 2


def test_dry_run_needs_no_token_and_asks_no_forge(root, state):
    train(root, 90)
    done = propose(root, state, "--dry-run", token="")
    assert (done.code, "new_rows: 1 row more" in done.out, "would propose" in done.out) == (0, True, True), done.said
    assert (state.requests, tip(root)) == ([], "")


def test_model_without_a_version_in_production_is_told(root, state):
    assert mlgit(root, "model", "unassign", "churn", "prod").code == 0
    train(root, 90)
    done = propose(root, state)
    assert (done.code, "nothing is in 'prod'" in done.err) == (2, True), done.said


def copies(root, number):
    """Runners: clones of the same commit, each of which trained by itself and came to another model."""
    made = []
    for index in range(number):
        other = root.parent / f"runner{index}"
        shutil.copytree(root, other, symlinks=True)
        train(other, 90 + index)
        made.append(other)
    return made


def test_two_runners_at_once_make_one_pull_request_that_says_what_its_branch_holds(root, state):
    runners = copies(root, 2)
    logs = [root.parent / f"log{index}" for index, _ in enumerate(runners)]
    env = {**os.environ, **environment(state)}
    begun = [
        start("mlgit", each, ["ci", "propose", "--retrain", "churn", "--json"], env=env, log=log)
        for each, log in zip(runners, logs, strict=True)
    ]
    waiting = [threading.Thread(target=each.wait) for each in begun]
    for each in waiting:
        each.start()
    for each in waiting:
        each.join(120)
    told = [log.read_text() for log in logs]
    assert all('"what": "' in each for each in told), told
    assert len(state.pulls) == 1
    git(root, "fetch", "-q", "origin", BRANCH)
    skill = git(root, "show", "FETCH_HEAD:params.yaml").removeprefix("skill: ")
    assert f"{int(skill) / 100:g}" in state.pulls[0]["body"], "the text is about another model than the branch"
    assert git(root, "rev-list", "--count", "main..FETCH_HEAD") == "1"
