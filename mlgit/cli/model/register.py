"""`mlgit model register`: make a commit's model a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlgit.cli.model.options import writing_options, written_as
from mlgit.cli.remote_options import timeout_option

if TYPE_CHECKING:
    from mlgit.registry.grammar import Part


@click.command(
    epilog="Examples: `mlgit model register churn --push`, `mlgit model register churn v1.0-branch --bump minor`.",
    short_help="Make a commit's model a version.",
)
@click.argument("name")
@click.argument("ref", default="HEAD")
@click.option("--version", "wanted", metavar="V", help="The version, as v1.2.0; without it the latest is bumped.")
@click.option(
    "--bump", type=click.Choice(["patch", "minor", "major"]), help="Which part of the latest version to bump; default patch."
)
@click.option("--message", "-m", default="", metavar="TEXT", help="Why.")
@writing_options()
@timeout_option()
def command(name: str, ref: str, *, wanted: str | None, bump: Part | None, message: str, as_json: bool) -> int:
    """Register the model NAME of commit REF (default: HEAD) as a version: an annotated tag with digests, data and metrics.

    Refused when stages are stale, changes are not committed, outputs are nowhere, the card is stale, or the commit has a
    version already. Exit code 1 when it is refused.
    """
    from mlgit.cli.model.tag_screen import conclude
    from mlgit.commands.model.register import register

    if wanted and bump:
        raise click.UsageError("--version and --bump exclude each other")
    result = register(name, ref, version=wanted, bump=bump, reason=message, options=written_as())
    return conclude(result, as_json=as_json)
