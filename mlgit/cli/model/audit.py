"""`mlgit model audit`: where a model comes from, and what of it is proven."""

from __future__ import annotations

import click

from mlgit.cli.format_options import format_options
from mlgit.cli.remote_options import timeout_option


@click.command(
    epilog="Examples: `mlgit model audit churn@v1.2.0`, `mlgit model audit 'churn#prod' --at 2026-05-03`, "
    "`mlgit model audit model.skops`, `mlgit model audit 1f3a...`.",
    short_help="Tell where a model comes from, and what of it is proven.",
)
@click.argument("subject", metavar="NAME[@VERSION|#ENVIRONMENT]|FILE|DIGEST")
@click.option("--at", "when", metavar="DATE", help="With #ENVIRONMENT: what was there at that time (2026-05-03T10:00Z).")
@format_options(("md", "json", "in-toto", "cyclonedx"), default="md")
@timeout_option()
def command(subject: str, *, when: str | None, form: str) -> int:
    """Tell which data, code, parameters, environment, people and checks made a model, and where it was in use.

    The subject is a version, a file (a model, its data, its predictions) or a digest, md5 or sha256. The verdict stands
    first: PROVEN, or GAPS with what to do about each. Exit code 0 when all is proven, 1 for gaps and for content that
    belongs to no version, 2 where the DVC remote could not be asked for what is not here.
    """
    from mlgit.commands.model.audit import audit

    result = audit(subject, at=when)
    is_page = form == "md" and result.evidence is not None
    click.echo(result.text(form), nl=not is_page, err=result.evidence is None and form in ("in-toto", "cyclonedx"))
    return result.exit_code
