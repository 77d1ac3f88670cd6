"""`mlgit model audit`: where a model, or an answer of one, comes from, and what of it is proven."""

from __future__ import annotations

import sys

import click

from mlgit.cli.format_options import format_options
from mlgit.cli.remote_options import timeout_option


@click.command(
    epilog="Examples: `mlgit model audit churn@v1.2.0`, `mlgit model audit 'churn#prod' --at 2026-05-03`, "
    "`mlgit model audit model.skops`, `mlgit model audit 1f3a...`, "
    "`mlgit model audit --request 01a227e5-0949-751e-8dea-d94c97f1d1d0`, `tail -1 log.jsonl | mlgit model audit --request -`.",
    short_help="Tell where a model or an answer comes from, and what of it is proven.",
)
@click.argument("subject", metavar="[NAME[@VERSION|#ENVIRONMENT]|FILE|DIGEST|UUID]", required=False)
@click.option("--at", "when", metavar="DATE", help="With #ENVIRONMENT: what was there at that time (2026-05-03T10:00Z).")
@click.option(
    "--request", metavar="ID|LINE|FILE|-", help="What a served model answered: an id, a line of its log, lines in a file."
)
@click.option("--log", "logs", multiple=True, metavar="PATH", type=click.Path(), help="Look for the request in this log.")
@format_options(("md", "json", "in-toto", "cyclonedx"), default="md")
@timeout_option()
def command(subject: str | None, *, when: str | None, request: str | None, logs: tuple[str, ...], form: str) -> int:
    """Tell which data, code, parameters, environment, people and checks made a model, and where it was in use.

    The subject is a version, a file (a model, its data, its predictions), a digest, md5 or sha256, or a request to a served
    model: then its log is held against the tags first, for the digest of the model and for the time. A UUID that stands alone
    is a request, too. The verdict stands first: PROVEN, or GAPS with what to do about each. Exit code 0 when all is proven, 1
    for gaps and for content that belongs to no version, 2 where the DVC remote could not be asked for what is not here, and
    for a request that no log has.
    """
    from mlgit.commands.model.audit_request import audit_requests, is_request

    if (subject is None) == (request is None):
        raise click.UsageError("name either a version, file or digest, or a request by --request")
    if subject is not None and is_request(subject):
        subject, request = None, subject
    if request is not None:
        if when is not None:
            raise click.UsageError("--at goes with #ENVIRONMENT; a request has its own time")
        given = sys.stdin.buffer.read().decode("utf-8", "replace") if request == "-" else ""
        found = audit_requests(request, logs=logs, stdin=given)
        text = found.text(form)
        click.echo(text, nl=not text.endswith("\n"))
        return found.exit_code
    return _audit(str(subject), when, form, has_log=bool(logs))


def _audit(subject: str, when: str | None, form: str, *, has_log: bool) -> int:
    from mlgit.commands.model.audit import audit

    if has_log:
        raise click.UsageError("--log goes with --request")
    result = audit(subject, at=when)
    is_page = form == "md" and result.evidence is not None
    click.echo(result.text(form), nl=not is_page, err=result.evidence is None and form in ("in-toto", "cyclonedx"))
    return result.exit_code
