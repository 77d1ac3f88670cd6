"""One comment, whoever else writes comments, whatever the order in which runs end, and whatever goes wrong on the way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.forge.github import GitHub
from mlgit.adapters.forge.http import Api, HttpError
from mlgit.errors import MlgitError
from mlgit.report import marker
from mlgit.report.marker import Marker
from mlgit.report.post import upsert
from tests.kit.forge import State, forge

ME = "mlgit[bot]"


@pytest.fixture
def state():
    with forge(State()) as found:
        yield found


def run(state, number, text, *, attempt=1, key="default", is_worth_it=True, head="a" * 40):
    """Publish as one run of CI does; a report made by hand has the number 0."""
    api = Api(state.base, headers={"Authorization": "Bearer good"}, sleep=lambda seconds: None)
    mark = Marker(key, head, number, attempt)
    return upsert(
        GitHub(api, state.repository),
        7,
        mark=mark,
        body=lambda before: f"{mark}\n{text}",
        login=ME,
        is_worth_it=is_worth_it,
    )


def texts(state):
    return [body.split("\n", 1)[1] for body in state.by(ME)]


def test_first_run_creates_and_the_second_updates(state):
    assert run(state, 1, "one").what == "created"
    assert run(state, 2, "two").what == "updated"
    assert texts(state) == ["two"]


def test_what_is_said_already_is_not_written_again(state):
    run(state, 1, "one")
    state.requests.clear()
    assert run(state, 1, "one").what == "unchanged"
    assert not [request for request in state.requests if not request.startswith("GET")]


def test_an_older_run_leaves_what_a_newer_one_said(state):
    run(state, 5, "five", attempt=2)
    for number, attempt in ((4, 9), (5, 1)):
        posted = run(state, number, "old", attempt=attempt)
        assert (posted.what, "newer" in posted.reason) == ("left", True)
    assert texts(state) == ["five"]


@pytest.mark.parametrize("number", [0, 3, 9])
def test_head_of_the_pull_request_has_the_word_whatever_the_numbers(state, number):
    run(state, 5, "of the commit before")
    state.pull(7, "b" * 40)
    assert run(state, number, "now", head="b" * 40).what == "updated"
    with pytest.raises(HttpError, match="the head of #7 is bbbbbbbbbb by now, not aaaaaaaaaa"):
        run(state, 99, "late")
    assert texts(state) == ["now"]


def test_report_by_hand_does_not_replace_that_of_a_job_on_the_same_commit(state):
    assert [run(state, 0, "one").what, run(state, 0, "two").what] == ["created", "updated"]
    run(state, 5, "of a job")
    posted = run(state, 0, "by hand")
    assert (posted.what, "run 5.1 has reported on aaaaaaaaaa already" in posted.reason) == ("left", True)


def test_a_marker_that_somebody_else_wrote_does_not_count(state):
    forged = f"{Marker('default', 'b' * 40, 999, 1)}\nall is well"
    state.comment(7, "mallory", forged)
    run(state, 1, "one")
    run(state, 2, "two")
    assert state.by("mallory") == [forged]
    assert texts(state) == ["two"]


def test_a_marker_that_is_not_in_the_first_line_does_not_count(state):
    state.comment(7, ME, f"something else\n{Marker('default', 'b' * 40, 9, 1)}")
    assert run(state, 1, "one").what == "created"


def test_each_key_has_a_comment_of_its_own(state):
    run(state, 1, "a", key="a")
    run(state, 1, "b", key="b")
    run(state, 2, "a2", key="a")
    assert texts(state) == ["a2", "b"]


def test_extra_copies_are_deleted_and_the_first_is_kept(state):
    first = state.comment(7, ME, f"{Marker('default', '', 1, 1)}\nx")["id"]
    for number in (2, 3):
        state.comment(7, ME, f"{Marker('default', '', number, 1)}\nx{number}")
    posted = run(state, 4, "four")
    assert (posted.comment, posted.deleted) == (first, 2)
    assert texts(state) == ["four"]


def test_of_copies_the_newest_word_stays_when_an_older_run_cleans_up(state):
    state.comment(7, ME, f"{Marker('default', '', 1, 1)}\none")
    state.comment(7, ME, f"{Marker('default', '', 9, 1)}\nnine")
    assert run(state, 4, "four").what == "left"
    assert texts(state) == ["nine"]


def test_the_comment_is_found_behind_many_others(state):
    run(state, 1, "one")
    state.comments.insert(0, state.comments.pop())
    for number in range(230):
        state.comments.insert(0, {"id": number, "pull": 7, "body": "hi", "user": {"login": "ada"}})
    assert run(state, 2, "two").what == "updated"
    assert texts(state) == ["two"]


def test_comment_that_was_written_without_a_clear_answer_is_not_written_twice(state):
    state.fail(200, [])  # the list of comments
    state.fail(502, after_doing=True)
    posted = run(state, 1, "one")
    assert posted.what in ("created", "unchanged")
    assert texts(state) == ["one"]


def test_comment_that_was_not_written_is_written_at_the_next_try(state):
    state.fail(200, [])
    state.fail(502)
    run(state, 1, "one")
    assert texts(state) == ["one"]


def test_comment_that_is_taken_away_in_the_same_moment_is_written_anew(state):
    run(state, 1, "one")
    lost = state.comments.copy()
    state.comments.clear()
    state.fail(200, lost)  # what the list still shows
    assert run(state, 2, "two").what == "created"
    assert texts(state) == ["two"]


def test_other_ends_of_lines_are_no_other_text(state):
    run(state, 1, "one\n\ntwo\n")
    state.comments[0]["body"] = state.comments[0]["body"].replace("\n", "\r\n").rstrip()
    assert run(state, 1, "one\n\ntwo\n").what == "unchanged"


def test_no_first_comment_without_something_to_say(state):
    assert run(state, 1, "nothing", is_worth_it=False).what == "nothing to say"
    run(state, 2, "much")
    assert run(state, 3, "nothing again", is_worth_it=False).what == "updated"
    assert texts(state) == ["nothing again"]


def test_refusal_of_the_forge_is_told(state):
    state.may.discard("comment")
    with pytest.raises(HttpError, match="403"):
        run(state, 1, "one")


def test_comment_that_is_too_long_is_never_sent(state):
    with pytest.raises(MlgitError, match="too long"):
        run(state, 1, "x" * 70_000)
    assert not [request for request in state.requests if request.startswith("POST")]


@given(key=st.text(), head=st.text(), number=st.integers(-5, 10**12), attempt=st.integers(-5, 100))
def test_every_marker_is_one_line_that_is_read_back(key, head, number, attempt):
    made = marker.make(key=key, head=head, number=number, attempt=attempt)
    assert marker.parse(f"{made}\nrest") == made
    assert str(made).count("-->") == 1
    assert "\n" not in str(made)


class _Interrupted(GitHub):
    """A client whose n-th request waits until another run has done all of its own."""

    def __init__(self, api, repository, *, at, other):
        super().__init__(api, repository)
        self.left, self.other = at, other

    def _turn(self):
        self.left -= 1
        if self.left == -1:
            self.other()

    def comments(self, pull):
        self._turn()
        return super().comments(pull)

    def create_comment(self, pull, body):
        self._turn()
        return super().create_comment(pull, body)

    def delete_comment(self, pull, comment):
        self._turn()
        super().delete_comment(pull, comment)


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize(("mine", "others"), [(1, 2), (2, 1)])
def test_two_runs_at_once_leave_one_comment_with_the_newest_word(state, at, mine, others):
    api = Api(state.base, headers={"Authorization": "Bearer good"})
    there = _Interrupted(api, state.repository, at=at, other=lambda: run(state, others, f"run {others}"))
    mark = Marker("default", "a" * 40, mine, 1)
    upsert(there, 7, mark=mark, body=lambda before: f"{mark}\nrun {mine}", login=ME)
    if there.left >= 0:  # it was done before
        run(state, others, f"run {others}")
    assert texts(state) == ["run 2"]
