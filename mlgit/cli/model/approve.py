"""`mlgit model approve`: say that one has looked at a version and stands for it."""

from __future__ import annotations

import click

from mlgit.cli.model.options import writing_options, written_as


@click.command(
    epilog="Examples: `mlgit model approve churn@v1.2.0 --sign --push`, `mlgit model approve churn@latest -m 'read the card'`.",
    short_help="Approve a version.",
)
@click.argument("version", metavar="NAME@V")
@click.option("--message", "-m", default="", metavar="TEXT", help="What was looked at.")
@writing_options()
def command(version: str, *, message: str, as_json: bool) -> int:
    """Approve a version: a tag on its tag, by you. It counts where an environment asks for approvals by others.

    The version's author and who registered it cannot approve it.
    """
    from mlgit.cli.model.tag_screen import conclude
    from mlgit.commands.model.approve import approve

    if "@" not in version and "#" not in version:
        raise click.UsageError(f"name the version that you looked at: {version}@V, {version}@latest or {version}#ENV")
    return conclude(approve(version, reason=message, options=written_as()), as_json=as_json)
