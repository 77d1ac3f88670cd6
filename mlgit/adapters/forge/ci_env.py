"""Where a job of CI runs, by the variables and the event file of GitHub, Gitea/Forgejo and GitLab."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mlgit.errors import MlgitError

Kind = Literal["github", "gitlab", "gitea", ""]
_TOKENS = {"github": ("GITHUB_TOKEN",), "gitlab": ("GITLAB_TOKEN",), "gitea": ("GITEA_TOKEN", "FORGEJO_TOKEN")}
_MOST_BYTES = 16 << 20
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class CiJob:
    """What the forge says of the job and of what it is about; '' and 0 where it says nothing (as on a laptop).

    `head` is the commit that was proposed, never the merge that a forge makes of it; `run` is a number that later runs
    exceed. `is_fork`: the head lies in another repository than the one this job belongs to.
    """

    kind: Kind = ""
    api: str = ""
    repository: str = ""
    event: str = ""
    head: str = ""
    head_repository: str = ""
    head_branch: str = ""
    base_branch: str = ""
    pull: int = 0
    labels: tuple[str, ...] = ()
    run: int = 0
    attempt: int = 1
    url: str = ""
    summary: str = ""
    is_fork: bool = False


def read(environ: Mapping[str, str]) -> CiJob:
    """The job that this process is part of. Raises MlgitError for an event file that is no JSON object."""
    if environ.get("GITHUB_ACTIONS") == "true":
        return _of_actions(environ)
    return _of_gitlab(environ) if environ.get("GITLAB_CI") else CiJob()


def token_names(environ: Mapping[str, str], kind: str) -> tuple[str, ...]:
    """The variables that may hold a token for a kind of forge: one forge's token is never sent to another.

    Jobs of Gitea and Forgejo have their own token in GITHUB_TOKEN.
    """
    is_of_gitea = _is_of_gitea(environ)
    own = tuple(name for name in _TOKENS.get(kind, ()) if name != "GITHUB_TOKEN" or not is_of_gitea)
    return ("MLGIT_TOKEN", *own, *(("GITHUB_TOKEN",) if kind == "gitea" and is_of_gitea else ()))


def token(environ: Mapping[str, str], kind: str) -> str:
    """The first token for a kind of forge that is set; '' where none is."""
    return next((found for name in token_names(environ, kind) if (found := environ.get(name, "").strip())), "")


def _is_of_gitea(environ: Mapping[str, str]) -> bool:
    return bool(environ.get("GITEA_ACTIONS") or environ.get("FORGEJO_ACTIONS"))


def _of_actions(environ: Mapping[str, str]) -> CiJob:
    """GitHub, and what speaks its language: Gitea and Forgejo set the same variables and one of their own."""
    kind: Kind = "gitea" if _is_of_gitea(environ) else "github"
    server, repository = environ.get("GITHUB_SERVER_URL", ""), environ.get("GITHUB_REPOSITORY", "")
    run = environ.get("GITHUB_RUN_ID", "")
    job = CiJob(
        kind=kind,
        api=environ.get("GITHUB_API_URL", "") or (f"{server}/api/v1" if kind == "gitea" else "https://api.github.com"),
        repository=repository,
        event=environ.get("GITHUB_EVENT_NAME", ""),
        head=environ.get("GITHUB_SHA", ""),
        head_repository=repository,
        head_branch=environ.get("GITHUB_HEAD_REF", "") or environ.get("GITHUB_REF_NAME", ""),
        base_branch=environ.get("GITHUB_BASE_REF", ""),
        run=_number(run),
        attempt=_number(environ.get("GITHUB_RUN_ATTEMPT", "")) or 1,
        url=f"{server}/{repository}/actions/runs/{run}" if server and run else "",
        summary=environ.get("GITHUB_STEP_SUMMARY", ""),
    )
    event = _event(environ.get("GITHUB_EVENT_PATH", ""))
    if "workflow_run" in event:
        return _of_another_run(job, _object(event["workflow_run"]))
    if "pull_request" in event:
        return _of_pull(job, _object(event["pull_request"]))
    asked = _object(event.get("inputs")) if job.event == "workflow_dispatch" else {}
    return _asked_for(job, asked) if asked.get("commit") else job


def _asked_for(job: CiJob, inputs: Mapping[str, Any]) -> CiJob:
    """A job that a person started for one commit of a pull request; its own commit is that of the default branch."""
    return replace(job, head=_text(inputs["commit"]), head_branch="", pull=_number(str(inputs.get("pull_request", ""))))


def _of_pull(job: CiJob, pull: Mapping[str, Any]) -> CiJob:
    head, base = _object(pull.get("head")), _object(pull.get("base"))
    repository = _text(_object(head.get("repo")).get("full_name"))
    rows = pull.get("labels")
    labels = tuple(_text(_object(each).get("name")) for each in rows) if isinstance(rows, list) else ()
    return replace(
        job,
        head=_text(head.get("sha")) or job.head,
        head_repository=repository,
        head_branch=_text(head.get("ref")) or job.head_branch,
        base_branch=_text(base.get("ref")) or job.base_branch,
        pull=_number(str(pull.get("number", ""))),
        labels=labels,
        is_fork=repository.lower() != job.repository.lower(),
    )


def _of_another_run(job: CiJob, run: Mapping[str, Any]) -> CiJob:
    """The run that this one was started by: what it is about, and its place among the runs."""
    repository = _text(_object(run.get("head_repository")).get("full_name"))
    return replace(
        job,
        head=_text(run.get("head_sha")),
        head_repository=repository,
        head_branch=_text(run.get("head_branch")),
        run=_number(str(run.get("id", ""))),
        attempt=_number(str(run.get("run_attempt", ""))) or 1,
        url=_text(run.get("html_url")),
        is_fork=repository.lower() != job.repository.lower(),
    )


def _of_gitlab(environ: Mapping[str, str]) -> CiJob:
    """A job of GitLab; MLGIT_COMMIT names what a person started it for, where that is not the commit of its pipeline."""
    repository = environ.get("CI_PROJECT_PATH", "")
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "") or repository
    # of a merged result the commit is GitLab's own; the proposed one is named apart
    head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "") or environ.get("CI_COMMIT_SHA", "")
    job = CiJob(
        kind="gitlab",
        api=environ.get("CI_API_V4_URL", ""),
        repository=repository,
        event=environ.get("CI_PIPELINE_SOURCE", ""),
        head=head,
        head_repository=source,
        head_branch=environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "") or environ.get("CI_COMMIT_REF_NAME", ""),
        base_branch=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""),
        pull=_number(environ.get("CI_MERGE_REQUEST_IID", "")),
        labels=tuple(filter(None, environ.get("CI_MERGE_REQUEST_LABELS", "").split(","))),
        run=_number(environ.get("CI_PIPELINE_ID", "")),
        url=environ.get("CI_PIPELINE_URL", ""),
        is_fork=source.lower() != (environ.get("CI_MERGE_REQUEST_PROJECT_PATH", "") or repository).lower(),
    )
    asked = environ.get("MLGIT_COMMIT", "")
    if not asked:
        return job
    return replace(job, head=asked, head_branch="", pull=_number(environ.get("MLGIT_MERGE_REQUEST", "")))


def _event(path: str) -> Mapping[str, Any]:
    if not path or not Path(path).is_file():
        return {}
    with open(path, "rb") as stream:
        content = stream.read(_MOST_BYTES)
    try:
        return _object(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise MlgitError(f"GITHUB_EVENT_PATH: {path}: not JSON") from error


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS else 0
