"""`mlgit ci publish`: the half that may write. It takes JSON and nothing else, and runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from mlgit import errors


@click.command(
    epilog="Examples: `mlgit ci publish mlgit-report/report.json`, `mlgit ci publish report.json --dry-run`, "
    "`mlgit ci publish report.json --forge gitlab --api https://gitlab.example.com/api/v4 --repository team/models --pr 7`.",
    short_help="Show a report in its pull request.",
)
@click.argument("report", type=click.Path(path_type=Path), default=Path("mlgit-report/report.json"))
@click.option(
    "--forge", "kind", type=click.Choice(["gitea", "github", "gitlab"]), help="What hosts the repository (default: the job's)."
)
@click.option("--api", help="The address of its API (default: the job's).")
@click.option("--repository", metavar="OWNER/NAME", help="The repository (default: the job's).")
@click.option("--pull-request", "--pr", "pull", type=click.IntRange(min=1), default=None, help="The pull request's number.")
@click.option("--from-job", default="", metavar="NAME", help="Fetch REPORT from what this job left (GitLab).")
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
    from_job: str,
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

    With --from-job the report is that which the job NAME left in the newest pipeline of each open merge request of GitLab (or
    of the one that is named); REPORT is then its path there. One without news stays as it is.

    Without a token, or with one that may not write, the report goes to the step summary. Exit code 0 when it was
    published, 1 (with --exit-by-gates, or without a token) when gates failed, 2 when it could not be published.
    """
    to = _To(kind, api, repository, key, when, check, login)
    if not from_job:
        return _publish_file(report, to, pull=pull, commit=commit, verified=verified, dry_run=dry_run, by_gates=exit_by_gates)
    if commit or verified or dry_run or exit_by_gates:
        others = "--commit, --verified, --dry-run and --exit-by-gates"
        raise click.UsageError(f"--from-job excludes {others}", click.get_current_context())
    return _publish_left_by(from_job, to, file=report.as_posix(), pull=pull)


class _To(NamedTuple):
    """Where a report goes, and as what."""

    kind: str | None
    api: str | None
    repository: str | None
    key: str
    when: str
    check: str
    login: str


def _publish_file(
    report: Path, to: _To, *, pull: int | None, commit: str, verified: bool, dry_run: bool, by_gates: bool
) -> int:
    from mlgit.cli.ci import notices
    from mlgit.commands.ci_publish import ci_publish, published_report
    from mlgit.commands.ci_run import current_job
    from mlgit.report import markdown

    job = current_job()
    found = published_report(report, job, key=to.key, commit=commit)
    with notices.muted(job.kind):  # what is printed has words from the report
        if dry_run:
            click.echo(markdown.comment(found), nl=False)
            return errors.EXIT_YES
        result = ci_publish(
            job,
            found,
            kind=to.kind,
            api=to.api,
            repository=to.repository,
            pull=pull,
            commit=commit,
            verified=verified,
            when=to.when,
            check=to.check,
            login=to.login,
            reporter=notices.Shown(job.summary),
        )
    return result.gates_exit_code if by_gates else result.exit_code


def _publish_left_by(name: str, to: _To, *, file: str, pull: int | None) -> int:
    from mlgit.cli.ci import notices
    from mlgit.commands.ci_publish_from_job import ci_publish_from_job
    from mlgit.commands.ci_run import current_job

    job = current_job()
    with notices.muted(job.kind):
        result = ci_publish_from_job(
            job,
            name,
            file=file,
            kind=to.kind,
            api=to.api,
            repository=to.repository,
            pull=pull,
            key=to.key,
            when=to.when,
            check=to.check,
            login=to.login,
            reporter=notices.Shown(job.summary),
        )
    return result.exit_code
