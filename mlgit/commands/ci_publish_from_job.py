"""Shows what a job of CI left, in every open pull request: where nothing starts a job that may write when another has ended.

What the job left is fetched from the forge by the newest run of the job for a pull request, and published as any report is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mlgit import errors
from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.forge.forge import JobRun, Pull
from mlgit.adapters.forge.gitlab import GitLab
from mlgit.adapters.forge.http import HttpError
from mlgit.commands import clients
from mlgit.commands.ci_publish import PublishReporter, ci_publish, fetched_report
from mlgit.errors import MlgitError
from mlgit.report import marker

_ENDED = ("success", "failed")
_HIDDEN = (403, 404)
_NO_JOB = "no pipeline of it has a job '%s'"


@dataclass(frozen=True, slots=True)
class PublishedJobs:
    """Pull requests whose report was published, those without news, and those where it could not be done, with the reason."""

    published: tuple[int, ...] = ()
    left: tuple[int, ...] = ()
    failed: tuple[tuple[int, str], ...] = ()

    @property
    def exit_code(self) -> int:
        """Yes, unless a report could not be published."""
        return errors.EXIT_CANNOT_ANSWER if self.failed else errors.EXIT_YES


def ci_publish_from_job(
    job: CiJob,
    name: str,
    *,
    file: str = "mlgit-report/report.json",
    kind: str | None = None,
    api: str | None = None,
    repository: str | None = None,
    pull: int | None = None,
    key: str = "default",
    when: str = "changes",
    check: str = "mlgit",
    login: str = "",
    reporter: PublishReporter | None = None,
) -> PublishedJobs:
    """Publish the report that the job `name` left in the newest pipeline of each open pull request, or of the one named.

    Raises MlgitError where the forge is not GitLab, or does not list its pull requests; what is wrong with one of them is
    told, and the others are done.
    """
    marker.check_key(key)
    where = clients.place(job, kind=kind, api=api, repository=repository)
    forge = clients.make(where, token=_token(where.kind))
    if not isinstance(forge, GitLab):
        raise MlgitError("only GitLab is asked for what a job left", "name the file: `mlgit ci publish REPORT`")
    told = reporter or PublishReporter()
    published, left, failed = [], [], []
    for each in _pulls(forge, pull):
        try:
            found = forge.newest_run(each.number, name, file=file)
            if found is None or found.state not in _ENDED:
                told.done(f"#{each.number}: " + (f"the job '{name}' is {found.state}" if found else _NO_JOB % name))
                left.append(each.number)
                continue
            about = _job_of(job, each, found)
            report = fetched_report(found.content, about, key=key, source=f"#{each.number}: {file}")
            if each.head_commit not in (found.commit, report.head.commit if found.content is not None else ""):
                told.done(f"#{each.number}: the job '{name}' ran on another commit than {each.head_commit[:10]}, the head")
                left.append(each.number)
                continue
            done = ci_publish(
                about, report, kind=kind, api=api, repository=repository, when=when, check=check, login=login, reporter=told
            )
        except MlgitError as error:
            told.note(f"#{each.number}: {_why(error)}")
            failed.append((each.number, _why(error)))
            continue
        if done.is_published:
            published.append(each.number)
        else:
            failed.append((each.number, "not shown"))
    return PublishedJobs(tuple(published), tuple(left), tuple(failed))


def _why(error: MlgitError) -> str:
    if isinstance(error, HttpError) and error.status in _HIDDEN:
        return f"its pipelines are not shown to the token: {error.message}"
    return error.message


def _token(kind: str) -> str:
    found = ci_env.token(os.environ, kind)
    if not found:
        names = " or ".join(ci_env.token_names(os.environ, kind))
        raise MlgitError("there is no token to publish with", f"set {names}")
    return found


def _pulls(forge: GitLab, pull: int | None) -> Iterator[Pull]:
    if pull is None:
        yield from forge.pulls()
    else:
        yield forge.pull(pull)


def _job_of(job: CiJob, pull: Pull, found: JobRun) -> CiJob:
    """The job that the report is of, in place of the one that publishes it."""
    return replace(
        job,
        head=pull.head_commit,
        head_repository=pull.head_repository,
        head_branch=pull.head_branch,
        pull=pull.number,
        run=found.pipeline,
        attempt=1,
        url=found.url,
    )
