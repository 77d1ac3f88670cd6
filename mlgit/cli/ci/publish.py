"""`mlgit ci publish`: the half that may write. It takes JSON and nothing else, and runs nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import click

from mlgit import errors
from mlgit.adapters.forge import ci_env
from mlgit.adapters.forge import forge as forges
from mlgit.adapters.forge.ci_env import Job
from mlgit.adapters.forge.forge import Check, Conclusion, Forge, Pull
from mlgit.adapters.forge.http import HttpError
from mlgit.cli.ci import notices
from mlgit.cli.error_boundary import note
from mlgit.commands import clients
from mlgit.errors import MlgitError
from mlgit.gate import rule_verdicts
from mlgit.render.markdown import markdown_text
from mlgit.render.text import plain
from mlgit.report import codec, content, document, markdown, marker, post
from mlgit.report.document import Report, Run, Side

_REFUSED = (401, 403, 404)
_WORDS = {"created": "a comment was written", "updated": "the comment was updated", "unchanged": "the comment says so already"}


@dataclass(frozen=True, slots=True)
class _Wish:
    """What the command line says, and the job leaves open."""

    pull: int
    commit: str
    verified: bool
    when: str
    check: str
    login: str
    key: str


@click.command(
    epilog="Examples: `mlgit ci publish mlgit-report/report.json`, `mlgit ci publish report.json --dry-run`, "
    "`mlgit ci publish report.json --forge gitlab --api https://gitlab.example.com/api/v4 --repository team/models --pr 7`.",
    short_help="Show a report in its pull request.",
)
@click.argument("report", type=click.Path(path_type=Path), default=Path("mlgit-report/report.json"))
@click.option(
    "--forge", "kind", type=click.Choice(sorted(clients.KINDS)), help="What hosts the repository (default: the job's)."
)
@click.option("--api", help="The address of its API (default: the job's).")
@click.option("--repository", metavar="OWNER/NAME", help="The repository (default: the job's).")
@click.option("--pull-request", "--pr", "pull", type=click.IntRange(min=1), default=None, help="The pull request's number.")
@click.option("--commit", default="", help="The commit that the report has to be about (default: the job's).")
@click.option("--verified", is_flag=True, help="A person has read the commit that was run, so its numbers count.")
@click.option(
    "--comment", "when", type=click.Choice(["always", "changes", "failures"]), default="changes", show_default=True,
    help="When to write the first comment.",
)  # fmt: skip
@click.option("--key", default="default", show_default=True, help="Which comment it is, as `mlgit ci run --key` named it.")
@click.option("--check", default="mlgit", show_default=True, help="The name of the check.")
@click.option("--login", default="", help="Whom the token belongs to (default: the forge is asked).")
@click.option("--dry-run", is_flag=True, help="Print the comment, and send nothing.")
@click.option("--exit-by-gates", is_flag=True, help="Exit as the gates say, also when all was published.")
def command(
    report: Path,
    *,
    kind: str | None,
    api: str | None,
    repository: str | None,
    pull: int | None,
    commit: str,
    verified: bool,
    when: str,
    key: str,
    check: str,
    login: str,
    dry_run: bool,
    exit_by_gates: bool,
) -> int:
    """Write the comment and the check of a pull request from a REPORT that `mlgit ci run` left.

    The report is read by a strict schema and rendered anew; where it goes is never taken from it. The pull request is the
    one with the job's repository and commit as its head, or the one that is named. A report about another commit is refused.
    The comment of this repository's own login is updated; what a newer run has said of the same commit stays.

    Without a token, or with one that may not write, the report goes to the step summary. Exit code 0 when it was
    published, 1 (with --exit-by-gates, or without a token) when gates failed, 2 when it could not be published.
    """
    marker.check_key(key)
    job = ci_env.read(os.environ)
    wish = _Wish(pull or job.pull, commit or job.head, verified, when, check, login, key)
    found = _trusted(_load(report, job, wish), job, wish, source=report)
    with notices.muted(job.kind):  # what is printed has words from the report
        if dry_run:
            click.echo(markdown.comment(found), nl=False)
            return errors.EXIT_YES
        is_all_there = _show(found, job, wish, clients.place(job, kind=kind, api=api, repository=repository))
    return _by_gates(found) if exit_by_gates or not is_all_there else errors.EXIT_YES


def _show(found: Report, job: Job, wish: _Wish, where: clients.Place) -> bool:
    """Whether comment and check are where they belong; what may not be written goes to the step summary."""
    secret = ci_env.token(os.environ, where.kind)
    if not secret:
        _instead(found, job, f"no token: set {' or '.join(ci_env.token_names(os.environ, where.kind))}")
        return False
    try:
        return _publish(clients.make(where, token=secret), found, where.repository, job, wish)
    except HttpError as error:
        if error.status not in _REFUSED:
            raise
        _instead(found, job, _why(error))
        return False


def _load(path: Path, job: Job, wish: _Wish) -> Report:
    """The report in a file; where there is none, one that says that the run ended before it had one."""
    try:
        with open(path, "rb") as stream:
            found = document.from_json(stream.read(document.MAX_BYTES + 1), source=str(path))
            _refuse_better(found, source=str(path))
            return found
    except FileNotFoundError as error:
        if not job.kind:
            raise MlgitError(
                f"{path}: no such file", "`mlgit ci run` writes one; name it: `mlgit ci publish REPORT`"
            ) from error
        note = "the job ended before it had a report: see its log"
        return Report(key=wish.key, state="run failed", head=Side(wish.commit, job.head_branch), notes=(note,))
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error


def _trusted(found: Report, job: Job, wish: _Wish, *, source: Path) -> Report:
    """The report with what only the forge can know: which run it was. Refused for another comment than was asked for."""
    if found.key != wish.key:
        raise MlgitError(
            f"{source}: it is for the comment '{codec.cut(found.key, longest=64)}', not '{wish.key}'",
            "name the comment with `--key`, if that is what you want",
        )
    return replace(found, run=Run(job.run, job.attempt, str(job.run or ""), job.url))


def _publish(forge: Forge, found: Report, repository: str, job: Job, wish: _Wish) -> bool:
    """Whether both comment and check were taken. A token may be allowed one of them only: the other is there all the same."""
    pull = _pull(forge, repository, job, wish)
    if found.head.commit != pull.head_commit:
        raise HttpError(
            f"the report is about {found.head.commit[:10] or 'no commit'}, and the head of #{pull.number} is "
            f"{pull.head_commit[:10]}",
            "there is a newer commit, whose own run will report",
        )
    is_fork = pull.head_repository.lower() != repository.lower()
    found = replace(found, is_self_reported=is_fork and not wish.verified)
    is_commented = _comment(forge, pull, found, job, wish)
    return True if is_commented is None else _check(forge, pull, found, wish) and is_commented


def _comment(forge: Forge, pull: Pull, found: Report, job: Job, wish: _Wish) -> bool | None:
    """Whether the forge took the comment; None where a newer run has spoken."""
    try:
        posted = post.upsert(
            forge,
            pull.number,
            mark=markdown.mark_of(found),
            body=lambda before: markdown.comment(found, previous=before),
            login=wish.login or forge.login(),
            is_worth_it=_is_worth_it(found, wish.when),
        )
    except HttpError as error:
        if error.status not in _REFUSED:
            raise
        _instead(found, job, _why(error))
        return False
    if posted.what == "left" and not found.run.number:
        raise MlgitError(f"#{pull.number}: {posted.reason}", "publish the report of a job, or take the comment away first")
    click.echo(f"#{pull.number}: {_WORDS.get(posted.what, posted.reason)}" + _deleted(posted.deleted))
    return None if posted.what == "left" else True


def _check(forge: Forge, pull: Pull, found: Report, wish: _Wish) -> bool:
    """Whether the forge took the check."""
    check = Check(wish.check, conclusion(found), headline(found), markdown.summary(found, limit=60_000), found.run.url)
    try:
        forge.set_check(pull.head_commit, check)
    except HttpError as error:
        if error.status not in _REFUSED:
            raise
        note(f"the check '{wish.check}' is not set: {_why(error)}")
        return False
    click.echo(f"{pull.head_commit[:10]}: the check '{plain(wish.check)}' is {check.conclusion}")
    return True


def _why(error: HttpError) -> str:
    return f"{error.message}; {error.hint}" if error.hint else error.message


def _pull(forge: Forge, repository: str, job: Job, wish: _Wish) -> Pull:
    if wish.pull:
        pull = forge.pull(wish.pull)
        if wish.commit and pull.head_commit != wish.commit:
            raise HttpError(
                f"the head of #{pull.number} is {pull.head_commit[:10]} by now, not {wish.commit[:10]}",
                "its own run will report",
            )
        return pull
    if not wish.commit:
        raise MlgitError("it is not known which pull request this is about", "name it: `--pr NUMBER`")
    pulls = forge.pulls(branch=job.head_branch)
    return forges.the_one(pulls, repository=job.head_repository or repository, commit=wish.commit)


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


def _instead(found: Report, job: Job, why: str) -> None:
    """The report where it can be shown, and a sentence that says why not in the pull request."""
    note(f"not shown in the pull request: {why}")
    text = markdown.summary(found)
    if not job.summary or not notices.summarize(
        Path(job.summary), f"> Not shown in the pull request: {markdown_text(why)}\n\n{text}"
    ):
        click.echo(text, nl=False)


def _by_gates(found: Report) -> int:
    if found.state == "invalid" or found.verdict == "invalid":
        return errors.EXIT_CANNOT_ANSWER
    return errors.EXIT_NO if conclusion(found) == "failure" else errors.EXIT_YES
