"""What `mlgit ci publish --from-job` does with the open merge requests of a GitLab: each in its own right."""

from __future__ import annotations

import pytest

from mlgit.adapters.forge import ci_env
from mlgit.commands.ci_publish import PublishReporter
from mlgit.commands.ci_publish_from_job import PublishedJobs, ci_publish_from_job
from mlgit.errors import MlgitError
from mlgit.report import document
from mlgit.report.document import Report, Run, Side
from tests.kit.forge import State, forge
from tests.kit.forked import mlgit
from tests.kit.pulls import ME

HEADS = {number: str(number) * 40 for number in range(1, 9)}
JOB = "pipeline and gates"
FILE = "mlgit-report/report.json"


class Told(PublishReporter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.out, self.err = "", ""

    def done(self, text: str) -> None:
        self.out += text + "\n"

    def note(self, text: str) -> None:
        self.err += text + "\n"


@pytest.fixture
def state(monkeypatch):
    monkeypatch.setenv("GITLAB_TOKEN", "secret")
    with forge(State(kind="gitlab")) as found:
        found.tokens["secret"] = ME
        yield found


def publish(state: State, pull: int | None = None) -> tuple[PublishedJobs, Told]:
    env = {
        "GITLAB_CI": "true",
        "CI_API_V4_URL": state.base,
        "CI_PROJECT_PATH": "team/models",
        "CI_COMMIT_SHA": "f" * 40,
        "CI_COMMIT_REF_NAME": "main",
        "CI_PIPELINE_ID": "999",
    }
    told = Told()
    return ci_publish_from_job(ci_env.read(env), JOB, pull=pull, reporter=told), told


def left(commit: str, **more: object) -> bytes:
    report = Report(state="compared", head=Side(commit, "topic"), run=Run(5), **more)  # type: ignore[arg-type]
    return document.to_json(report).encode()


def ran(state: State, pull: int, pipeline: int, report: bytes, *, job: str = "success", repository: str = "") -> None:
    state.pull(pull, HEADS[pull], repository=repository, branch=f"topic-{pull}")
    state.ran(pull, pipeline, {JOB: job}, file=FILE, left=report)


def notes(state: State) -> dict[int, str]:
    return {each["pull"]: each["body"] for each in state.comments}


def test_each_merge_request_gets_one_note_however_often_it_is_published(state):
    ran(state, 1, 11, left(HEADS[1]))
    ran(state, 2, 12, left(HEADS[2]), job="failed")
    for _ in range(2):
        done, told = publish(state)
        assert (done.published, done.exit_code) == ((1, 2), 0), told.err
    assert {*notes(state)} == {1, 2}
    assert len(state.by(ME)) == len(state.statuses) == 2
    assert "run=11.1" in notes(state)[1]  # the run that made the report, not the one that published it
    state.ran(1, 13, {JOB: "success"}, file=FILE, left=left(HEADS[1]))
    publish(state)
    assert len(state.by(ME)) == 2
    assert "run=13.1" in notes(state)[1]


def test_what_has_no_news_is_left(state):
    ran(state, 1, 11, left(HEADS[1]), job="running")
    ran(state, 2, 12, left(HEADS[2]), job="canceled")
    state.pull(3, HEADS[3])
    ran(state, 4, 14, left(HEADS[4]))
    state.pulls[-1]["sha"] = HEADS[5]  # somebody pushed after the run
    done, said = publish(state)
    assert (done.left, done.exit_code) == ((1, 2, 3, 4), 0)
    for told in (
        "#1: the job 'pipeline and gates' is running",
        "#2: ",
        "#3: no pipeline of it has a job",
        "#4: ",
        "another commit",
    ):
        assert told in said.out
    assert (state.comments, state.statuses) == ([], [])


def test_job_that_left_no_report_is_told_as_failed(state):
    state.pull(1, HEADS[1])
    state.ran(1, 11, {JOB: "failed"})
    publish(state)
    assert "before it had a report" in notes(state)[1]
    assert [each["state"] for each in state.statuses] == ["failed"]


def test_what_a_stranger_left_stops_no_other_and_is_believed_no_further(state):
    ran(state, 1, 11, b'{"extra": 1}')
    ran(state, 2, 12, b"[" * 100_000)
    ran(state, 3, 13, left(HEADS[4]))  # about the head of another
    ran(state, 4, 14, left(HEADS[4]), repository="stranger/models")
    ran(state, 5, 15, left(HEADS[5], key="other"))
    done, told = publish(state)
    assert (done.published, [number for number, _ in done.failed], done.exit_code) == ((4,), [1, 2, 3, 5], 2)
    assert told.err.count("\n") == 4
    assert {*notes(state)} == {4}
    assert "Self-reported by a fork" in notes(state)[4]
    assert [each["state"] for each in state.statuses] == ["skipped"]


def test_fork_that_is_hidden_is_told_and_one_can_be_named(state):
    ran(state, 1, 11, left(HEADS[1]), repository="stranger/models")
    ran(state, 2, 12, left(HEADS[2]))
    state.hidden = {state.pulls[0]["source_project_id"]}
    done, told = publish(state)
    assert (done.exit_code, {*notes(state)}) == (2, {2})
    assert "#1: its pipelines are not shown to the token" in told.err
    assert publish(state, 2)[0].exit_code == 0


def test_token_that_may_not_write_is_a_failure(state):
    ran(state, 1, 11, left(HEADS[1]))
    state.may = {"user"}
    assert publish(state)[0].failed == ((1, "not shown"),)


def test_token_that_is_missing_and_forges_that_keep_no_artifacts_are_told(state, monkeypatch):
    monkeypatch.setenv("MLGIT_TOKEN", "secret")
    with pytest.raises(MlgitError, match="only GitLab is asked"):
        ci_publish_from_job(ci_env.read({}), JOB, kind="github", repository="a/b")
    monkeypatch.delenv("MLGIT_TOKEN")
    monkeypatch.delenv("GITLAB_TOKEN")
    with pytest.raises(MlgitError, match="no token to publish with") as caught:
        publish(state)
    assert "MLGIT_TOKEN or GITLAB_TOKEN" in caught.value.hint
    assert state.requests == []


@pytest.mark.parametrize("options", [("--verified",), ("--dry-run",), ("--commit", "a" * 40), ("--exit-by-gates",)])
def test_what_means_one_report_does_not_go_with_many(tmp_path, options):
    done = mlgit(tmp_path, "ci", "publish", "--from-job", JOB, *options)
    assert (done.code, "--from-job excludes" in done.err) == (2, True)
