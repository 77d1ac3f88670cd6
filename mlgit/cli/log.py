"""`mlgit log`: what a served model was asked, and what it answered."""

from __future__ import annotations

import json

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.group import SuggestingGroup
from mlgit.render.text import plain


@click.group(
    cls=SuggestingGroup,
    epilog="Examples: `mlgit log tail tumor`, `mlgit log show 01a227e5-0949-751e-8dea-d94c97f1d1d0`, "
    "`mlgit log pack logs/tumor -o data/requests.parquet`.",
    short_help="Show and pack what served models answered.",
)
def command() -> None:
    """The prediction log of `mlgit serve`: JSON Lines, a file for each hour, process and version."""


@command.command(
    epilog="Examples: `mlgit log show 01a227e5-0949-751e-8dea-d94c97f1d1d0`, `mlgit log show order-1234/0 --log logs/tumor`."
)
@click.argument("request_id", metavar="ID")
@click.option("--log", "logs", multiple=True, metavar="PATH", type=click.Path(), help="Look in this log: a file or folder.")
@json_option()
def show(request_id: str, *, logs: tuple[str, ...], as_json: bool) -> int:
    """Show the request with this ID: when it came, which version answered, the values and the answer.

    ID is what the server sent back as X-Request-ID, or the id of a row of it (ID/0, ID/1, ...). Without --log, all logs of
    the project are looked through. Columns with a `classification` show hashes. Exit code 1 where there is no such request.
    """
    from mlgit.commands.log_show import show_request

    found = show_request(request_id, logs=logs)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
    elif not found.requests:
        click.echo(f"{plain(request_id)}: not in the log")
    else:
        from mlgit.serving import log_words

        click.echo("\n\n".join(log_words.page(each, row=found.row) for each in found.requests))
    return found.exit_code
