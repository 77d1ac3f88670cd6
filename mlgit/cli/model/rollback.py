"""`mlgit model rollback`: go back to the last good version of an environment."""

from __future__ import annotations

import click

from mlgit.cli.model.options import writing_options, written_as
from mlgit.cli.remote_options import timeout_option


@click.command(
    epilog="Example: `mlgit model rollback churn prod -m 'scores drift since Monday' --push`.",
    short_help="Go back to the last good version of an environment.",
)
@click.argument("name")
@click.argument("environment", metavar="ENV")
@click.option("--message", "-m", required=True, metavar="TEXT", help="Why; recorded for ever.")
@writing_options()
@timeout_option()
def command(name: str, environment: str, *, message: str, as_json: bool) -> int:
    """Assign the version that was in ENV before the current one, and was not withdrawn; again for the one before that.

    A version that was left by a rollback is not gone back to. Gates are not asked again, but the bytes must be at hand:
    in Git, in the cache, or in the DVC remote.
    """
    from mlgit.cli.model.tag_screen import conclude
    from mlgit.commands.model.rollback import rollback

    if not message.strip():
        raise click.UsageError("--message: a rollback needs its reason")
    return conclude(rollback(name, environment, reason=message, options=written_as()), as_json=as_json)
