"""Which job this is, by the variables that forges set."""

from __future__ import annotations

import json

import pytest

from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.errors import MlgitError

HEAD, MERGE = "a" * 40, "b" * 40


@pytest.fixture
def actions(tmp_path):
    """The variables of a job of GitHub, with an event."""

    def make(event, name="pull_request", **more):
        path = tmp_path / "event.json"
        path.write_text(event if isinstance(event, str) else json.dumps(event))
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": "https://api.example.com",
            "GITHUB_SERVER_URL": "https://example.com",
            "GITHUB_REPOSITORY": "team/models",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_SHA": MERGE,
            "GITHUB_RUN_ID": "812",
            "GITHUB_RUN_ATTEMPT": "2",
        } | more

    return make


def pull(repository="team/models"):
    head = {"sha": HEAD, "ref": "topic", "repo": {"full_name": repository} if repository else None}
    return {"pull_request": {"number": 7, "head": head, "base": {"ref": "release"}, "labels": [{"name": "refactor"}]}}


def test_the_commit_of_a_pull_request_is_the_proposed_one_not_the_merge(actions):
    job = ci_env.read(actions(pull()))
    assert (job.head, job.pull, job.base_branch, job.labels) == (HEAD, 7, "release", ("refactor",))
    assert (job.run, job.attempt, job.url) == (812, 2, "https://example.com/team/models/actions/runs/812")
    assert not job.is_fork


@pytest.mark.parametrize("repository", ["stranger/models", ""])
def test_a_head_in_another_repository_or_in_none_is_a_forks(actions, repository):
    assert ci_env.read(actions(pull(repository))).is_fork


def test_another_run_is_known_by_its_own_number_and_commit(actions):
    run = {"id": 99, "run_attempt": 3, "head_sha": HEAD, "head_branch": "topic", "html_url": "https://example.com/99"}
    job = ci_env.read(actions({"workflow_run": run | {"head_repository": {"full_name": "stranger/models"}}}, "workflow_run"))
    assert (job.head, job.head_repository, job.run, job.attempt) == (HEAD, "stranger/models", 99, 3)
    assert (job.url, job.is_fork, job.pull) == ("https://example.com/99", True, 0)


def test_a_push_is_about_its_own_commit(actions):
    job = ci_env.read(actions({"before": HEAD}, "push"))
    assert (job.head, job.pull, job.is_fork) == (MERGE, 0, False)


def test_gitea_speaks_githubs_language(actions):
    assert ci_env.read(actions(pull(), GITEA_ACTIONS="true")).kind == "gitea"
    assert ci_env.read(actions(pull(), FORGEJO_ACTIONS="true")).kind == "gitea"
    assert ci_env.read(actions(pull())).kind == "github"


@pytest.mark.parametrize(
    "event",
    [
        "[]",
        "null",
        '{"pull_request": {"number": "x", "labels": 5}}',
        '{"workflow_run": {"id": [], "run_attempt": "9999999999999999999999", "head_sha": 5}}',
        '{"pull_request": 5}',
        '{"workflow_run": null}',
        '{"inputs": []}',
        "{}",
    ],
)
def test_odd_events_say_nothing(actions, event):
    assert ci_env.read(actions(event, "workflow_dispatch")).pull == 0


def test_an_event_that_is_no_json_is_named(actions):
    with pytest.raises(MlgitError, match="GITHUB_EVENT_PATH"):
        ci_env.read(actions("{"))


def test_a_merge_request_of_gitlab():
    job = ci_env.read(
        {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
            "CI_PROJECT_PATH": "group/sub/models",
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_COMMIT_SHA": MERGE,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": HEAD,
            "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "stranger/models",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "topic",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_LABELS": "refactor,urgent",
            "CI_PIPELINE_ID": "812",
        }
    )
    assert (job.kind, job.repository, job.head, job.pull) == ("gitlab", "group/sub/models", HEAD, 7)
    assert (job.labels, job.is_fork, job.run) == (("refactor", "urgent"), True, 812)


def test_a_merge_request_of_a_fork_is_known_where_the_fork_runs_it():
    where = {"CI_PROJECT_PATH": "stranger/models", "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "stranger/models"}
    assert ci_env.read({"GITLAB_CI": "true", **where, "CI_MERGE_REQUEST_PROJECT_PATH": "team/models"}).is_fork
    assert not ci_env.read({"GITLAB_CI": "true", **where, "CI_MERGE_REQUEST_PROJECT_PATH": "stranger/models"}).is_fork


def test_a_pipeline_of_gitlab_that_was_started_for_a_commit_is_about_that_one():
    asked = {"MLGIT_COMMIT": HEAD, "MLGIT_MERGE_REQUEST": "7"}
    job = ci_env.read({"GITLAB_CI": "true", "CI_COMMIT_SHA": MERGE, "CI_COMMIT_REF_NAME": "main", **asked})
    assert (job.head, job.head_branch, job.pull) == (HEAD, "", 7)


def test_a_laptop_is_no_job():
    assert ci_env.read({}) == CiJob()


def test_the_first_token_that_is_set_is_taken():
    assert ci_env.token({"GITHUB_TOKEN": "b", "MLGIT_TOKEN": "a"}, "github") == "a"
    assert ci_env.token({"GITLAB_TOKEN": " c\n", "GITHUB_TOKEN": ""}, "gitlab") == "c"
    assert ci_env.token({}, "github") == ""


@pytest.mark.parametrize(
    ("kind", "where", "token"),
    [
        ("github", {}, "h"),
        ("gitlab", {}, "l"),
        ("gitea", {}, "t"),
        ("", {}, ""),
        ("github", {"GITEA_ACTIONS": "true"}, ""),  # it is Gitea's there
        ("gitlab", {"GITEA_ACTIONS": "true"}, "l"),
    ],
)
def test_one_forges_token_is_for_no_other(kind, where, token):
    assert ci_env.token({"GITHUB_TOKEN": "h", "GITLAB_TOKEN": "l", "GITEA_TOKEN": "t"} | where, kind) == token


def test_the_token_of_a_job_of_gitea_has_githubs_name():
    assert ci_env.token({"GITHUB_TOKEN": "h", "FORGEJO_ACTIONS": "true"}, "gitea") == "h"
    assert ci_env.token({"GITHUB_TOKEN": "h"}, "gitea") == ""
