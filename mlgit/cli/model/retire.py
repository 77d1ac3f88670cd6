"""`mlgit model retire`: withdraw a version, or a whole model."""

from __future__ import annotations

import click

from mlgit.cli.model.options import writing_options, written_as


@click.command(
    epilog="Examples: `mlgit model retire churn@v1.1.0 -m 'trained on wrong labels' --push`, `mlgit model retire old-churn`.",
    short_help="Withdraw a version, or a whole model.",
)
@click.argument("version", metavar="NAME[@V]")
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@writing_options()
def command(version: str, *, message: str, as_json: bool) -> int:
    """Withdraw a version: it is not the latest any more, cannot be promoted, and no rollback goes to it. Its tag stays.

    Without @V the whole model is retired, until something is registered or promoted again. Refused while it is in an
    environment.
    """
    from mlgit.cli.model.tag_screen import conclude
    from mlgit.commands.model.retire import retire

    return conclude(retire(version, reason=message, options=written_as()), as_json=as_json)
