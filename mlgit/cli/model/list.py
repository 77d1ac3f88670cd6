"""`mlgit model list`, as a command."""

from __future__ import annotations

import click


@click.command(
    epilog="Examples: `mlgit model list`, `mlgit model list --json`.",
    short_help="All models, their latest version, and what is where.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, as_json: bool) -> int:
    """All models: the latest version, and which version is in which environment."""
    from mlgit.cli.model import listing

    return listing.show(as_json=as_json)
