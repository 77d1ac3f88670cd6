"""The half of continuous integration that may write: a report is shown in its pull request. It takes JSON and nothing else,
and runs nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from mlgit import errors
from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge import forge as forges
from mlgit.adapters.forge.ci_env import CiJob
from mlgit.adapters.forge.forge import CheckRun, Conclusion, Forge, Pull
from mlgit.adapters.forge.http import HttpError
from mlgit.commands import clients
from mlgit.commands.ci_run import run_of
from mlgit.errors import MlgitError
from mlgit.gate import rule_verdicts
from mlgit.render.text import plain
from mlgit.report import codec, content, document, markdown, marker, post
from mlgit.report.document import Report, Side

_REFUSED = (401, 403, 404)
_WORDS = {"created": "a comment was written", "updated": "the comment was updated", "unchanged": "the comment says so already"}


class PublishReporter:
    """Is told what becomes of a report, as it becomes so; this one says nothing."""

    def done(self, text: str) -> None:
        """Something stands where it belongs."""

    def note(self, text: str) -> None:
        """Something does not, and the report is seen all the same."""

    def not_shown(self, report: Report, why: str) -> None:
        """The report is not seen in the pull request."""


@dataclass(frozen=True, slots=True)
class PublishResult:
    """The report as it was sent, and whether comment and check are where they belong."""

    report: Report
    is_published: bool

    @property
    def gates_exit_code(self) -> int:
        """What the gates say."""
        if self.report.state == "invalid" or self.report.verdict == "invalid":
            return errors.EXIT_CANNOT_ANSWER
        return errors.EXIT_NO if conclusion(self.report) == "failure" else errors.EXIT_YES

    @property
    def exit_code(self) -> int:
        """Yes where it was published; else what the gates say."""
        return errors.EXIT_YES if self.is_published else self.gates_exit_code


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the caller says, and the job leaves open."""

    pull: int
    commit: str
    verified: bool
    when: str
    check: str
    login: str


def ci_publish(
    job: CiJob,
    report: Report,
    *,
    kind: str | None = None,
    api: str | None = None,
    repository: str | None = None,
    pull: int | None = None,
    commit: str = "",
    verified: bool = False,
    when: str = "changes",
    check: str = "mlgit",
    login: str = "",
    reporter: PublishReporter | None = None,
) -> PublishResult:
    """Write the comment and the check of a pull request from a report that `published_report` gave.

    Where it goes is never taken from the report: the pull request is the one with the job's repository and commit as its
    head, or the one that is named. Raises MlgitError for a report about another commit, and where the forge does not answer;
    a token that may not write is a result.
    """
    asked = _Asked(pull or job.pull, commit or job.head, verified, when, check, login)
    where = clients.place(job, kind=kind, api=api, repository=repository)
    told = reporter or PublishReporter()
    secret = ci_env.token(os.environ, where.kind)
    if not secret:
        told.not_shown(report, f"no token: set {' or '.join(ci_env.token_names(os.environ, where.kind))}")
        return PublishResult(report, False)
    try:
        sent, is_there = _publish(clients.make(where, token=secret), report, where.repository, job, asked, told)
    except HttpError as error:
        if error.status not in _REFUSED:
            raise
        told.not_shown(report, _why(error))
        return PublishResult(report, False)
    return PublishResult(sent, is_there)


def published_report(path: Path, job: CiJob, *, key: str = "default", commit: str = "") -> Report:
    """The report in a file, as it may be published: read by a strict schema, for this comment, and of this job's run.

    Where a job left none, one that says so, about `commit` or the job's.
    """
    marker.check_key(key)
    return _trusted(_load(path, job, key=key, commit=commit or job.head), job, key=key, source=str(path))


def fetched_report(content: bytes | None, job: CiJob, *, key: str, source: str) -> Report:
    """The report in what a job left, as `published_report`; `job` is the one that left it, `content` None if it left none."""
    found = _read(content, source=source) if content is not None else _missing(job, key=key, commit=job.head)
    return _trusted(found, job, key=key, source=source)


def _load(path: Path, job: CiJob, *, key: str, commit: str) -> Report:
    """The report in a file; where there is none, one that says that the run ended before it had one."""
    try:
        with open(path, "rb") as stream:
            return _read(stream.read(document.MAX_BYTES + 1), source=str(path))
    except FileNotFoundError as error:
        if not job.kind:
            raise MlgitError(
                f"{path}: no such file", "`mlgit ci run` writes one; name it: `mlgit ci publish REPORT`"
            ) from error
        return _missing(job, key=key, commit=commit)
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error


def _read(content: bytes, *, source: str) -> Report:
    found = document.from_json(content, source=source)
    _refuse_better(found, source=source)
    return found


def _missing(job: CiJob, *, key: str, commit: str) -> Report:
    note = "the job ended before it had a report: see its log"
    return Report(key=key, state="run failed", head=Side(commit, job.head_branch), notes=(note,))


def _trusted(found: Report, job: CiJob, *, key: str, source: str) -> Report:
    """The report with what only the forge can know: which run it was. Refused for another comment than was asked for."""
    if found.key != key:
        raise MlgitError(
            f"{source}: it is for the comment '{codec.cut(found.key, longest=64)}', not '{key}'",
            "name the comment with `--key`, if that is what you want",
        )
    return replace(found, run=run_of(job))


def _publish(
    forge: Forge, found: Report, repository: str, job: CiJob, asked: _Asked, reporter: PublishReporter
) -> tuple[Report, bool]:
    """The report as it was sent, and whether both comment and check were taken.

    A token may be allowed one of them only: the other is there all the same.
    """
    pull = _pull(forge, repository, job, asked)
    if found.head.commit != pull.head_commit:
        raise HttpError(
            f"the report is about {found.head.commit[:10] or 'no commit'}, and the head of #{pull.number} is "
            f"{pull.head_commit[:10]}",
            "there is a newer commit, whose own run will report",
        )
    is_fork = pull.head_repository.lower() != repository.lower()
    found = replace(found, is_self_reported=is_fork and not asked.verified)
    is_commented = _comment(forge, pull, found, asked, reporter)
    return found, True if is_commented is None else _check(forge, pull, found, asked, reporter) and is_commented


def _comment(forge: Forge, pull: Pull, found: Report, asked: _Asked, reporter: PublishReporter) -> bool | None:
    """Whether the forge took the comment; None where a newer run has spoken."""
    try:
        posted = post.upsert(
            forge,
            pull.number,
            mark=markdown.mark_of(found),
            body=lambda before: markdown.comment(found, previous=before),
            login=asked.login or forge.login(),
            is_worth_it=_is_worth_it(found, asked.when),
        )
    except HttpError as error:
        if error.status not in _REFUSED:
            raise
        reporter.not_shown(found, _why(error))
        return False
    if posted.what == "left" and not found.run.number:
        raise MlgitError(f"#{pull.number}: {posted.reason}", "publish the report of a job, or take the comment away first")
    reporter.done(f"#{pull.number}: {_WORDS.get(posted.what, posted.reason)}" + _deleted(posted.deleted))
    return None if posted.what == "left" else True


def _check(forge: Forge, pull: Pull, found: Report, asked: _Asked, reporter: PublishReporter) -> bool:
    """Whether the forge took the check."""
    check = CheckRun(asked.check, conclusion(found), headline(found), markdown.summary(found, limit=60_000), found.run.url)
    try:
        forge.set_check(pull.head_commit, check)
    except HttpError as error:
        if error.status not in _REFUSED:
            raise
        reporter.note(f"the check '{asked.check}' is not set: {_why(error)}")
        return False
    reporter.done(f"{pull.head_commit[:10]}: the check '{plain(asked.check)}' is {check.conclusion}")
    return True


def _why(error: HttpError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _pull(forge: Forge, repository: str, job: CiJob, asked: _Asked) -> Pull:
    if asked.pull:
        pull = forge.pull(asked.pull)
        if asked.commit and pull.head_commit != asked.commit:
            raise HttpError(
                f"the head of #{pull.number} is {pull.head_commit[:10]} by now, not {asked.commit[:10]}",
                "its own run will report",
            )
        return pull
    if not asked.commit:
        raise MlgitError("it is not known which pull request this is about", "name it: `--pr NUMBER`")
    pulls = forge.pulls(branch=job.head_branch)
    return forges.the_one(pulls, repository=job.head_repository or repository, commit=asked.commit)


def _refuse_better(found: Report, *, source: str) -> None:
    """A verdict that is better than its own rules was not made by mlgit."""
    of_rules = rule_verdicts.verdict(found.rules)
    if (found.verdict == "pass" and of_rules != "pass") or (found.verdict == "warn" and of_rules not in ("pass", "warn")):
        told = f"{source}: the verdict is {found.verdict}, and that of its rules is {of_rules}"
        raise MlgitError(told, "run `mlgit ci run` again: only what it writes is published")


def _is_worth_it(found: Report, when: str) -> bool:
    if when == "failures":
        return found.verdict in ("fail", "invalid") or found.state in ("run failed", "invalid")
    return when == "always" or found.state != "nothing changed"


def conclusion(found: Report) -> Conclusion:
    """What the check says; what nobody vouches for, and what was not judged, is neither good nor bad."""
    if found.state in ("run failed", "invalid") or found.verdict in ("fail", "invalid"):
        return "failure"
    return "neutral" if found.is_self_reported or not found.verdict else "success"


def headline(found: Report) -> str:
    """The verdict in a sentence, as plain text."""
    return plain("".join(span.text for span in content.headline(found)))


def _deleted(number: int) -> str:
    return f", {number} extra {'copy' if number == 1 else 'copies'} taken away" if number else ""
