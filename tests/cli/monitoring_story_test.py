"""From a release to its successor: quiet days, drift, one pull request by two runners at once, merged, promoted, watched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mlgit.monitoring import chain, verdict_refs
from tests.cli import digits
from tests.kit import FULL, commit, example, git, repository, write_tree
from tests.kit.forge import State
from tests.kit.forked import mlgit, start
from tests.kit.programs import Completed

pytestmark = pytest.mark.slow  # real drift, real training

REF = chain.ref_of("digits", "prod")
BRANCH = "retrain/digits"
DRIFTED = range(digits.N_QUIET, 15)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A clone of a bare origin with a version in production, the DVC remote beside it, and two quiet days that were judged."""
    top = tmp_path_factory.mktemp("original")
    git(top, "init", "-q", "--bare", "--initial-branch=main", "origin.git")
    config = "[core]\n    remote = there\n['remote \"there\"']\n    url = ../../data\n"
    files = {**digits.FILES, "data/digits.csv": digits.table(digits.reference()), ".dvc/config": config}
    root = repository(top / "clone", files)
    git(root, "remote", "add", "origin", "../origin.git")
    done(root, "run")
    commit(root)
    git(root, "push", "-q", "-u", "origin", "HEAD:main")
    release(root, "v1.0.0")
    done(root, "push")
    digits.arrive(root, *map(digits.quiet, range(digits.N_QUIET)))
    assert done(root, "monitor", "run", "--push", "--json").code == 0
    return top


def done(root: Path, *words: str, code: int = 0, env: dict[str, str] | None = None) -> Completed:
    found = mlgit(root, *words, env=example.environment() | (env or {}))
    assert found.code == code, (words, found.said)
    return found


def release(root: Path, version: str) -> None:
    done(root, "model", "register", "digits", "--version", version, "--push")
    done(root, "model", "promote", f"digits@{version}", "prod", "--push")


def job(state: State) -> dict[str, str]:
    named = {"GITHUB_API_URL": state.base, "GITHUB_REPOSITORY": "team/models", "GITHUB_TOKEN": "good"}
    return {"GITHUB_ACTIONS": "true", **named}


def at_once(runners: list[Path], *words: str, env: dict[str, str]) -> list[str]:
    """What runners say that begin in one moment."""
    logs = [each.parent / f"{each.name}-{words[1]}.log" for each in runners]
    begun = [
        start("mlgit", each, words, env={**os.environ, **example.environment(), **env}, log=log)
        for each, log in zip(runners, logs, strict=True)
    ]
    for each in begun:
        each.wait()
    return [each.read_text() for each in logs]


def runners_of(root: Path) -> list[Path]:
    made = [root.parent / f"runner{number}" for number in range(2)]
    return [Path(shutil.copytree(root, each, symlinks=True)) for each in made]


def labelled(root: Path, days: range) -> None:
    """The truth about days has come: they are trained with from now on."""
    rows = [row for day in days for row in digits.later(day)]
    write_tree(root, {"data/digits.csv": digits.table([*digits.reference(), *rows])})
    done(root, "run")


def judged(root: Path) -> chain.Chain:
    return verdict_refs.load(root, REF)


@pytest.mark.full
def test_drift_leads_to_one_pull_request_and_the_monitor_follows_what_was_merged(root, state):
    env = job(state)
    done(root, "monitor", "trigger", "digits", code=1, env=env)
    digits.arrive(root, *map(digits.later, DRIFTED))
    runners = runners_of(root)

    at_once(runners, "monitor", "run", "--push", env=env)
    origin = judged(root.parent / "origin.git")
    assert len(origin.entries) == len(origin.timeline) == digits.N_QUIET + len(DRIFTED), "a window was judged twice"
    assert [judged(each).tip for each in runners] == [origin.tip] * 2
    words = [each.verdict.verdict for each in origin.timeline]
    assert set(words[: digits.N_QUIET]) == {"quiet"}
    assert "page" in words

    found = done(root, "monitor", "trigger", "--json", env=env).json
    assert [each["kind"] for each in found["models"][0]["triggers"]] == ["drift"]
    labelled(runners[0], DRIFTED)
    labelled(runners[1], DRIFTED[:-1])  # which began a little before, with a day less
    said = at_once(runners, "ci", "propose", "--due", "--json", env=env)
    assert all('"what": "opened"' in each or '"what": "updated"' in each for each in said), said
    (pull,) = state.pulls
    assert "the data have drifted" in pull["body"]
    assert "What moved in" in pull["body"]

    follow_the_merge(root, state)


def follow_the_merge(root: Path, state: State) -> None:
    """The pull request is merged and promoted: what comes then is held against the new version."""
    git(root, "fetch", "-q", "origin", BRANCH)
    git(root, "merge", "-q", "--ff-only", "FETCH_HEAD")
    git(root, "push", "-q", "origin", "HEAD:main")
    state.close(1, is_merged=True)
    held = done(root, "monitor", "trigger", "--json", env=job(state), code=1).json["models"][0]
    assert held["held"].startswith("#1 was merged on"), "merged, and not promoted yet"
    done(root, "run", "--pull")
    release(root, "v1.1.0")
    digits.arrive(root, digits.later(DRIFTED.stop))
    told = mlgit(root, "monitor", "run", "--push", env=example.environment())
    last = judged(root.parent / "origin.git").entries[-1].verdict
    assert last is not None
    assert (last.version, last.window.name) == ("v1.1.0", digits.later(DRIFTED.stop)[0][1]), told.said
    again = mlgit(root, "monitor", "trigger", "--json", env=job(state)).json["models"][0]
    assert (again["version"], again["held"]) == ("v1.1.0", "")


@pytest.mark.skipif(not FULL, reason="one story is played every time; what becomes of a challenger is tested by itself too")
def test_challenger_that_is_not_better_opens_nothing_and_closes_what_was_open(root, state):
    env = job(state)
    digits.arrive(root, *map(digits.later, DRIFTED))
    done(root, "monitor", "run", "--push", code=1)
    labelled(root, DRIFTED[:1])
    poor = done(root, "ci", "propose", "--due", "--json", env=env).json["models"][0]
    assert (poor["gain"], poor["reason"], state.pulls) == (False, "not shown: gains", [])

    labelled(root, DRIFTED)
    assert done(root, "ci", "propose", "--due", "--json", env=env).json["models"][0]["what"] == "opened"
    labelled(root, DRIFTED[:1])
    closed = done(root, "ci", "propose", "--due", "--json", env=env).json["models"][0]
    assert (closed["what"], closed["pull_request"], state.pulls[0]["state"]) == ("closed", 1, "closed")
    (said,) = state.by("mlgit[bot]")
    assert "not shown to be better than `digits@v1.0.0`" in said
    assert done(root, "monitor", "trigger", env=env).code == 0, "no person closed it"
