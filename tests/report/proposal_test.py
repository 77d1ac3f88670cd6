"""One pull request for a branch, on each forge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlgit.adapters.forge.gitea import Gitea
from mlgit.adapters.forge.github import GitHub
from mlgit.adapters.forge.gitlab import GitLab
from mlgit.adapters.forge.http import Api, HttpError
from mlgit.report.proposal import Proposal, propose
from tests.kit.forge import State, forge

KINDS = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}
WANTED = Proposal("team/models", "mlgit/retrain", "main", "Retrain", "first", ("retrain",))


@pytest.fixture(params=sorted(KINDS))
def state(request):
    with forge(State(kind=request.param)) as found:
        found.may.add("pull")
        yield found


def client(state):
    headers = {"PRIVATE-TOKEN": "good"} if state.kind == "gitlab" else {"Authorization": "Bearer good"}
    return KINDS[state.kind](Api(state.base, headers=headers, sleep=lambda _: None), state.repository)


def test_first_call_opens_and_the_second_updates(state):
    opened = propose(client(state), WANTED)
    again = propose(client(state), replace(WANTED, body="second"))
    assert (opened.what, again.what, opened.number) == ("opened", "updated", again.number)
    assert [each["body"] for each in state.pulls] == ["second"]
    assert client(state).pull(opened.number).labels.count("retrain") == 1


def test_branch_of_the_same_name_in_a_fork_is_somebody_elses(state):
    state.pull(7, "a" * 40, repository="fork/models", branch="mlgit/retrain")
    assert propose(client(state), WANTED).what == "opened"
    assert len(state.pulls) == 2


def test_opening_without_a_clear_answer_does_not_open_twice(state):
    there = client(state)
    state.trouble.append((200, {}, [], False))  # there was none when we looked
    state.fail(502, after_doing=True)
    assert propose(there, WANTED).what == "opened"
    assert len(state.pulls) == 1


def test_other_base_is_told(state):
    state.pull(7, "a" * 40, branch="mlgit/retrain")
    with pytest.raises(HttpError, match="not to develop"):
        propose(client(state), replace(WANTED, base="develop"))


def test_refusal_is_told(state):
    state.may.discard("pull")
    with pytest.raises(HttpError, match="403"):
        propose(client(state), WANTED)
