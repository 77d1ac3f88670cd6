"""`mlgit model unassign`: take out what is in an environment."""

from __future__ import annotations

import click

from mlgit.cli.model.options import writing_options, written_as


@click.command(
    epilog="Example: `mlgit model unassign churn staging -m 'the trial is over' --push`.",
    short_help="Take out what is in an environment.",
)
@click.argument("name")
@click.argument("environment", metavar="ENV")
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@writing_options()
def command(name: str, environment: str, *, message: str, as_json: bool) -> int:
    """Take the current version of NAME out of ENV. The one that was there before it, if any, is there again.

    `dvc artifacts get --stage` does not know of it and goes on delivering the version: to go back, use rollback.
    """
    from mlgit.cli.model.tag_screen import conclude
    from mlgit.commands.model.unassign import unassign

    return conclude(unassign(name, environment, reason=message, options=written_as()), as_json=as_json)
