"""The clients of GitHub, GitLab and Gitea beside servers that keep the documented rules."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlgit.adapters.forge import forge as forges
from mlgit.adapters.forge.forge import CheckRun
from mlgit.adapters.forge.gitea import Gitea
from mlgit.adapters.forge.github import GitHub
from mlgit.adapters.forge.gitlab import GitLab
from mlgit.adapters.forge.http import ATTEMPTS, Api, HttpError, UnclearError
from mlgit.errors import MlgitError
from tests.kit.forge import State, forge

KINDS = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}
COMMIT = "a" * 40
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Patience:
    """Stands for the clock: nobody waits, and what was waited is written down."""

    def __init__(self):
        self.waited = []
        self.now = 1000.0

    def sleep(self, seconds):
        self.waited.append(seconds)
        self.now += seconds

    def clock(self):
        return self.now


@pytest.fixture
def patience():
    return Patience()


@pytest.fixture(params=sorted(KINDS))
def state(request):
    with forge(State(kind=request.param)) as found:
        yield found


@pytest.fixture
def github():
    with forge(State()) as found:
        yield found


def client(state, patience, token="good"):
    headers = {"PRIVATE-TOKEN": token} if state.kind == "gitlab" else {"Authorization": f"Bearer {token}"}
    return KINDS[state.kind](Api(state.base, headers=headers, sleep=patience.sleep, clock=patience.clock), state.repository)


def test_comments_are_made_changed_and_deleted(state, patience):
    state.comment(7, "ada", "looks good")
    there = client(state, patience)
    made = there.create_comment(7, "first")
    assert made.author == there.login() == "mlgit[bot]"
    there.update_comment(7, made.id, "second")
    assert [(each.author, each.body) for each in there.comments(7)] == [("ada", "looks good"), ("mlgit[bot]", "second")]
    there.delete_comment(7, made.id)
    assert [each.body for each in there.comments(7)] == ["looks good"]


def test_every_page_is_read(state, patience):
    for number in range(230):
        state.comment(7, "ada", f"no {number}")
    assert [each.body for each in client(state, patience).comments(7)] == [f"no {number}" for number in range(230)]


def test_open_pull_requests_are_found_by_repository_and_commit(state, patience):
    state.pull(1, COMMIT, repository="fork/models")
    state.pull(2, COMMIT, repository="other/models")
    state.pull(3, "b" * 40)
    state.pull(4, COMMIT, repository="fork/models", state="closed")
    pulls = client(state, patience).pulls()
    assert forges.the_one(pulls, repository="fork/models", commit=COMMIT).number == 1
    with pytest.raises(HttpError, match="no open pull request"):
        forges.the_one(pulls, repository="nobody/models", commit=COMMIT)
    state.pull(5, COMMIT, repository="fork/models")
    with pytest.raises(HttpError, match="2 pull requests"):
        forges.the_one(client(state, patience).pulls(), repository="fork/models", commit=COMMIT)


def test_pull_request_is_opened_between_branches(state, patience):
    state.may.add("pull")
    there = client(state, patience)
    opened = there.open_pull(branch="retrain", base="main", title="Retrain", body="why")
    assert [each.number for each in there.pulls(branch="retrain")] == [opened.number]
    assert there.pulls(branch="other") == []
    with pytest.raises(HttpError, match="already exists"):
        there.open_pull(branch="retrain", base="main", title="Retrain", body="why")


def test_pull_request_is_written_anew_and_keeps_its_labels(state, patience):
    state.may.add("pull")
    state.pull(7, COMMIT)
    there = client(state, patience)
    for _ in range(2):
        there.update_pull(7, title="Retrain", body="today", labels=("retrain", "model"))
    assert (state.pulls[0]["title"], state.pulls[0]["body"]) == ("Retrain", "today")
    assert there.pull(7).labels == ("improvement", "retrain", "model")


def test_pull_request_that_is_closed_is_no_longer_open_and_keeps_its_text(state, patience):
    state.may.add("pull")
    there = client(state, patience)
    opened = there.open_pull(branch="retrain/tumor", base="main", title="Retrain", body="why")
    assert there.pull(opened.number).body == "why"
    for _ in range(2):
        there.close_pull(opened.number)
    assert there.pulls(branch="retrain/tumor") == []
    (closed,) = there.closed_pulls(branch="retrain/tumor", since=LONG_AGO)
    assert (closed.number, closed.is_merged, closed.body) == (opened.number, False, "why")
    assert closed.head_repository == state.repository


def test_closed_pull_requests_of_a_branch_are_found_the_last_one_first(state, patience):
    for number, day in ((1, "03"), (2, "09"), (3, "05"), (4, "01")):
        state.pull(number, COMMIT, branch="retrain/tumor")
        state.close(number, when=f"2026-05-{day}T10:00:00Z", is_merged=number == 3)
    state.pull(5, COMMIT, branch="retrain/tumor")
    state.pull(6, COMMIT, branch="other", state="closed")
    found = client(state, patience).closed_pulls(branch="retrain/tumor", since=datetime(2026, 5, 2, tzinfo=UTC))
    assert [(each.number, each.is_merged) for each in found] == [(2, False), (3, True), (1, False)]
    assert found[0].closed == datetime(2026, 5, 9, 10, tzinfo=UTC)


def test_what_was_changed_since_but_closed_before_is_left_out(state, patience):
    state.pull(1, COMMIT, branch="retrain/tumor")
    state.close(1, when="2026-05-01T10:00:00Z")
    state.pulls[0]["updated_at"] = "2026-05-20T10:00:00Z"
    assert client(state, patience).closed_pulls(branch="retrain/tumor", since=datetime(2026, 5, 2, tzinfo=UTC)) == []


def test_long_list_of_closed_pull_requests_is_not_read_to_its_end(patience):
    with forge(State(kind="gitea")) as found:
        for number in range(1, 301):
            found.pull(number, COMMIT)
            found.close(number, when="2026-05-01T10:00:00Z" if number > 3 else "2026-05-09T10:00:00Z")
        since = datetime(2026, 5, 2, tzinfo=UTC)
        assert len(client(found, patience).closed_pulls(branch="topic", since=since)) == 3
        assert len(found.requests) == 1


@pytest.mark.parametrize("time", ["yesterday", "2026-05-01T10:00:00", 5])
def test_time_that_is_none_is_told(state, patience, time):
    state.pull(1, COMMIT, branch="retrain/tumor", state="closed")
    state.pulls[0]["closed_at"] = time
    with pytest.raises(HttpError, match="where a time should be"):
        client(state, patience).closed_pulls(branch="retrain/tumor", since=LONG_AGO)


@pytest.mark.parametrize("conclusion", ["success", "failure", "neutral"])
def test_check_is_set_and_neutral_is_never_green(state, patience, conclusion):
    client(state, patience).set_check(
        COMMIT, CheckRun("mlgit", conclusion, "1 of 4 gates failed", "text", "https://example.com/1")
    )
    if state.kind == "github":
        assert [each["conclusion"] for each in state.checks] == [conclusion]
    else:
        green = [each["state"] == "success" for each in state.statuses]
        assert green == [conclusion == "success"]


def test_token_that_may_make_no_check_sets_a_status(github, patience):
    github.may.discard("check")
    client(github, patience).set_check(COMMIT, CheckRun("mlgit", "neutral", "self-reported"))
    assert [(each["sha"], each["state"]) for each in github.statuses] == [(COMMIT, "pending")]


def test_login_of_a_workflows_token_comes_from_the_other_api(github, patience):
    github.may.discard("user")
    assert client(github, patience).login() == "mlgit[bot]"


def test_wrong_token_is_told_and_not_shown(state, patience):
    with pytest.raises(HttpError) as caught:
        client(state, patience, token="secret-token").create_comment(7, "x")
    assert caught.value.status == 401
    assert "secret-token" not in f"{caught.value.message} {caught.value.hint}"
    assert patience.waited == []


def test_token_that_the_server_quotes_is_not_shown(state, patience):
    for status, value in ((401, "no such token: secret-token"), (422, {"error": {"header": ["Bearer secret-token"]}})):
        state.fail(status, value)
        with pytest.raises(HttpError) as caught:
            client(state, patience, token="secret-token").comments(7)
        assert "secret-token" not in f"{caught.value.message} {caught.value.hint}"
        assert "***" in caught.value.message


def test_missing_permission_is_told_with_the_forges_words(state, patience):
    state.may.discard("comment")
    with pytest.raises(HttpError, match="403 Resource not accessible by integration") as caught:
        client(state, patience).create_comment(7, "x")
    assert "permissions" in caught.value.hint
    assert patience.waited == []


def test_comment_that_is_too_long_is_refused_by_the_forge(state, patience):
    there = client(state, patience)
    there.create_comment(7, "x" * there.longest_comment)
    with pytest.raises(HttpError, match="422"):
        there.create_comment(7, "x" * (there.longest_comment + 1))


def test_errors_of_the_server_are_waited_out(state, patience):
    for status in (500, 502, 503):
        state.fail(status)
    assert client(state, patience).comments(7) == []
    assert patience.waited == [1.0, 2.0, 4.0]


def test_server_that_stays_broken_is_given_up(state, patience):
    for _ in range(ATTEMPTS):
        state.fail(503, value="unicorn")
    with pytest.raises(HttpError, match="503 unicorn"):
        client(state, patience).comments(7)
    assert len(patience.waited) == ATTEMPTS - 1


def test_limits_of_rate_are_waited_out_as_long_as_asked(github, patience):
    github.fail(403, value="You have exceeded a secondary rate limit", X_RateLimit_Remaining="9", X_RateLimit_Reset="9000")
    github.fail(429, Retry_After="7")
    github.fail(429, Retry_After="Thu, 01 Jan 1970 00:17:51 GMT")
    github.fail(403, value="You have exceeded a secondary rate limit", Retry_After="3")
    github.fail(403, value="API rate limit exceeded", X_RateLimit_Remaining="0", X_RateLimit_Reset="1094")
    client(github, patience).create_comment(7, "x")
    assert patience.waited == [60.0, 7.0, 4.0, 3.0, 20.0]
    assert github.by("mlgit[bot]") == ["x"]


def test_limit_that_would_take_too_long_is_told(github, patience):
    github.fail(403, value="API rate limit exceeded", X_RateLimit_Remaining="0", X_RateLimit_Reset="9000")
    with pytest.raises(HttpError, match="rate limit"):
        client(github, patience).comments(7)
    assert patience.waited == []


def test_a_limit_of_the_future_does_not_delay_what_a_broken_server_may_answer_soon(github, patience):
    github.fail(502, X_RateLimit_Remaining="4999", X_RateLimit_Reset="9000")
    github.fail(503, Retry_After="soon", X_RateLimit_Remaining="4999", X_RateLimit_Reset="9000")
    assert client(github, patience).comments(7) == []
    assert patience.waited == [1.0, 2.0]


def test_an_answer_that_ends_in_the_middle_is_asked_for_again(state, patience):
    state.cut = 1
    assert client(state, patience).comments(7) == []
    state.cut = ATTEMPTS
    with pytest.raises(HttpError, match="no whole answer"):
        client(state, patience).comments(7)


def test_a_check_is_set_again_where_the_answer_was_unclear(state, patience):
    if state.kind == "gitlab":
        state.fail(404)  # statuses are not shown to it
    state.fail(502, after_doing=True)
    client(state, patience).set_check(COMMIT, CheckRun("mlgit", "success", "fine"))
    assert len(state.checks or state.statuses) == 2
    assert len({str(each) for each in state.checks or state.statuses}) == 1


def test_login_comes_from_the_other_api_on_a_server_of_ones_own_and_after_trouble(patience):
    with forge(State(is_own_server=True)) as found:
        found.may.discard("user")
        found.fail(403, value="Resource not accessible by integration")
        found.fail(502)
        assert client(found, patience).login() == "mlgit[bot]"
        assert found.requests[-1] == "POST /api/graphql"


@pytest.mark.parametrize("value", [None, [5], [{}], [{"id": 1}], {}, {"data": None}])
@pytest.mark.parametrize("verb", ["login", "pull", "comments", "create_comment", "pulls"])
def test_an_address_that_is_no_api_is_told(state, patience, verb, value):
    there = client(state, patience)
    given = {"login": (), "pulls": (), "pull": (1,), "comments": (1,), "create_comment": (1, "x")}[verb]
    state.fail(200, value)
    with pytest.raises(HttpError) as caught:
        getattr(there, verb)(*given)
    assert "API" in caught.value.hint


def test_a_private_fork_of_somebody_hides_no_other_merge_request(patience):
    with forge(State(kind="gitlab")) as found:
        found.pull(1, "b" * 40, repository="secret/models")
        found.pull(2, COMMIT)
        found.hidden.add(50)
        pulls = client(found, patience).pulls()
    assert [each.head_repository for each in pulls] == ["", "team/models"]
    assert forges.the_one(pulls, repository="team/models", commit=COMMIT).number == 2


def test_a_write_without_a_clear_answer_is_not_repeated(github, patience):
    github.fail(502, after_doing=True)
    with pytest.raises(UnclearError):
        client(github, patience).create_comment(7, "x")
    assert github.by("mlgit[bot]") == ["x"]


def test_server_that_is_not_there_is_told(patience):
    with forge(State()) as state:
        there = client(state, patience)
    with pytest.raises(HttpError, match="no answer"):
        there.comments(7)


def test_pages_on_another_host_are_not_followed(github, patience):
    github.fail(200, value=[], Link='<http://127.0.0.2:1/next>; rel="next"')
    with pytest.raises(HttpError, match="another host"):
        client(github, patience).comments(7)


def test_redirects_are_not_followed(github, patience):
    github.fail(301, Location="http://127.0.0.2:1/")
    with pytest.raises(HttpError, match="301") as caught:
        client(github, patience).comments(7)
    assert "moved" in caught.value.hint


@pytest.mark.parametrize("name", ["models", "../../user", "a/..", "team/mod els", "team/models?x=1", "a/b#c", ""])
def test_name_that_would_lead_elsewhere_is_refused(patience, name):
    with pytest.raises(HttpError, match="not a valid repository name"):
        GitHub(Api("https://api.example.com", headers={}), name)


@pytest.mark.parametrize("base", ["ftp://example.com", "example.com", "https://user:pw@example.com", "http://example.com"])
def test_address_that_would_show_the_token_is_refused(base):
    with pytest.raises(MlgitError):
        Api(base, headers={})


def test_status_that_says_so_already_is_not_set_again(patience):
    with forge(State(kind="gitlab")) as state:
        there = client(state, patience)
        for conclusion in ("success", "success", "failure", "failure", "success"):
            there.set_check(COMMIT, CheckRun("mlgit", conclusion, "as it is", url="https://example.com/1"))
        assert [each["state"] for each in state.statuses] == ["success", "failed", "success"]


def test_what_a_job_left_is_found_in_the_newest_pipeline_that_has_it_and_in_its_children(patience):
    with forge(State(kind="gitlab")) as state:
        there = client(state, patience)
        state.pull(7, COMMIT)
        assert there.newest_run(7, "check", file="a/b.json") is None
        state.ran(7, 1, {"check": "failed"}, file="a/b.json", left=b"old")
        state.ran(7, 2, {"start": "success"})
        state.ran(7, 3, {"lint": "success", "check": "failed"}, file="a/b.json", left=b"new", parent=2)
        state.ran(7, 4, {"external": "success"})
        found = there.newest_run(7, "check", file="a/b.json")
        assert (found.pipeline, found.commit, found.state, found.content) == (3, COMMIT, "failed", b"new")
        assert there.newest_run(7, "check", file="a/c.json").content is None
        state.ran(7, 5, {"check": "running"}, file="a/b.json", left=b"half")
        assert there.newest_run(7, "check", file="a/b.json").content is None


def test_what_lies_in_a_hidden_fork_is_refused(patience):
    with forge(State(kind="gitlab")) as state:
        state.pull(7, COMMIT, repository="stranger/models")
        state.ran(7, 1, {"check": "success"}, file="r.json", left=b"{}")
        assert client(state, patience).newest_run(7, "check", file="r.json").content == b"{}"
        state.hidden = {state.pulls[0]["source_project_id"]}
        with pytest.raises(HttpError, match="404"):
            client(state, patience).newest_run(7, "check", file="r.json")
