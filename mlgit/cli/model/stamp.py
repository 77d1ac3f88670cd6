"""`mlgit model stamp`: one line that a service logs with each decision."""

from __future__ import annotations

import json

import click

from mlgit import errors
from mlgit.cli.model import lookup


@click.command(
    epilog="Examples: `mlgit model stamp 'churn#prod'`, `mlgit model stamp churn@v1.2.0`.",
    short_help="One JSON line for a service to log with each decision.",
)
@click.argument("reference", metavar="NAME[@VERSION|#ENVIRONMENT]")
def command(reference: str) -> int:
    """Print one JSON line that says which model answers: name, version, digests and the id of the tag.

    A service that logs it with each decision makes `mlgit model audit` able to say where a decision came from.
    """
    version, model = lookup.identify(reference)
    event = version.event
    row = {
        "name": version.artifact,
        "version": version.name,
        "sha256": model.sha256,
        "md5": model.md5,
        "tag": event.ref,
        "oid": event.oid,
        "commit": version.commit,
    }
    click.echo(json.dumps(row))
    return errors.EXIT_YES
