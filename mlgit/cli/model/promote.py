"""`mlgit model promote`: put a version into an environment, if its policy lets it."""

from __future__ import annotations

import sys

import click

from mlgit.cli.model.options import writing_options, written_as
from mlgit.cli.remote_options import timeout_option


@click.command(
    epilog="Examples: `mlgit model promote churn staging --push`, `mlgit model promote churn@v1.2.0 prod -m 'fewer alarms'`.",
    short_help="Put a version into an environment, if its policy lets it.",
)
@click.argument("version", metavar="NAME[@V]")
@click.argument("environment", metavar="ENV")
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@click.option("--override", metavar="REASON", help="Promote although policy says no; who and why is recorded for ever.")
@click.option("--new-environment", is_flag=True, help="ENV is a new one, where mlgit.yaml declares no environments.")
@writing_options()
@timeout_option()
def command(version: str, environment: str, *, message: str, override: str | None, new_environment: bool, as_json: bool) -> int:
    """Put a version (without @V: the latest) into an environment, after everything that mlgit.yaml asks there.

    The mlgit.yaml of the default branch decides: what was reviewed, not the workspace. Exit code 1 when a requirement
    is not met, 2 when that cannot be decided, for example because two versions were measured on different test data.
    """
    from mlgit.cli.model.tag_screen import conclude
    from mlgit.commands.model.promote import promote

    if override is not None and not override.strip():
        raise click.UsageError("--override: policy is overridden for a reason only")
    may_ask = not as_json and sys.stdin.isatty() and sys.stdout.isatty()
    result = promote(
        version,
        environment,
        reason=message,
        override=override or "",
        new_environment=new_environment,
        confirm=click.confirm if may_ask else None,
        options=written_as(),
    )
    return conclude(result, as_json=as_json)
