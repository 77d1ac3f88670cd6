"""`mlgit model stamp`: one line that a service logs with each decision."""

from __future__ import annotations

import json

import click

from mlgit import errors
from mlgit.cli.format_options import json_option


@click.command(
    epilog="Examples: `mlgit model stamp 'churn#prod'`, `mlgit model stamp churn@v1.2.0`.",
    short_help="One JSON line for a service to log with each decision.",
)
@click.argument("reference", metavar="NAME[@VERSION|#ENVIRONMENT]")
@json_option()
def command(reference: str, *, as_json: bool) -> int:
    """Print one JSON line that says which model answers: name, version, digests and the id of the tag.

    It is the same with --json. A service that logs it with each decision makes `mlgit model audit` able to say where a
    decision came from.
    """
    from mlgit.commands.model.stamp import stamp

    click.echo(json.dumps(stamp(reference).document()))
    return errors.EXIT_YES
