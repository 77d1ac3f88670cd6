"""One pull request for a branch, on each forge."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mlgit.adapters.forge.gitea import Gitea
from mlgit.adapters.forge.github import GitHub
from mlgit.adapters.forge.gitlab import GitLab
from mlgit.adapters.forge.http import Api, HttpError
from mlgit.monitoring import retrain_marker
from mlgit.monitoring.retrain_marker import RetrainMarker
from mlgit.report.proposal import Proposal, propose, withdraw
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


def test_pull_request_that_another_opened_meanwhile_is_brought_up_to_date(state):
    there = client(state)
    propose(there, replace(WANTED, body="the other's"))
    state.trouble.append((200, {}, [], False))  # there was none when we looked
    assert propose(there, WANTED).what == "updated"
    assert [each["body"] for each in state.pulls] == ["first"]


MARK = RetrainMarker("tumor", "v1.0.0", "md5:1", ("drift",))


def test_withdrawn_one_is_closed_and_says_by_whom_and_why(state):
    there = client(state)
    propose(there, replace(WANTED, body=f"{MARK}\nwhy"))
    (pull,) = there.pulls()
    assert withdraw(there, pull, title="Retrain", comment="not better").what == "closed"
    (closed,) = there.closed_pulls(branch=WANTED.branch, since=datetime(2000, 1, 1, tzinfo=UTC))
    assert retrain_marker.parse(closed.body) == MARK._replace(is_closed_by_mlgit=True)
    assert state.by("mlgit[bot]") == ["not better"]


def test_comment_without_a_clear_answer_keeps_nothing_open(state):
    there = client(state)
    propose(there, replace(WANTED, body=f"{MARK}"))
    (pull,) = there.pulls()
    state.trouble += [(200, {}, {}, True), (502, {}, None, True)]  # the text is written, the comment unclear
    withdraw(there, pull, title="Retrain", comment="not better")
    assert (there.pulls(), state.by("mlgit[bot]")) == ([], ["not better"])


def test_other_base_is_told(state):
    state.pull(7, "a" * 40, branch="mlgit/retrain")
    with pytest.raises(HttpError, match="not to develop"):
        propose(client(state), replace(WANTED, base="develop"))


def test_refusal_is_told(state):
    state.may.discard("pull")
    with pytest.raises(HttpError, match="403"):
        propose(client(state), WANTED)
