"""`mlgit log`: what a served model was asked, and what it answered."""

from __future__ import annotations

import itertools
import json
import shlex

import click

from mlgit import errors
from mlgit.cli.format_options import json_option
from mlgit.cli.group import SuggestingGroup
from mlgit.render.text import count, plain


@click.group(
    cls=SuggestingGroup,
    epilog="Examples: `mlgit log tail tumor`, `mlgit log show 01a227e5-0949-751e-8dea-d94c97f1d1d0`, "
    "`mlgit log pack logs/tumor -o data/requests.parquet`.",
    short_help="Show and pack what served models answered.",
)
def command() -> None:
    """The prediction log of `mlgit serve`: JSON Lines, a file for each hour, process and version.

    What happened to a model is shown by `mlgit model history NAME`, and commits by `git log`.
    """


@command.command(
    epilog="Examples: `mlgit log show 01a227e5-0949-751e-8dea-d94c97f1d1d0`, `mlgit log show order-1234/0 --log logs/tumor`.",
    short_help="Show one request with its values and its answer.",
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


@command.command(
    epilog="Examples: `mlgit log tail tumor`, `mlgit log tail -f -n 0`, `mlgit log tail /var/log/mlgit -n 100 --json`.",
    short_help="Show the last requests, and those that come.",
)
@click.argument("subject", metavar="[NAME|PATH]", required=False, type=click.Path())
@click.option("-n", "number", metavar="N", default=10, type=click.IntRange(0, 100_000), help="How many requests (default 10).")
@click.option("-f", "--follow", is_flag=True, help="Go on with the requests that come, until it is ended.")
@json_option()
def tail(subject: str | None, *, number: int, follow: bool, as_json: bool) -> int:
    """Show the last requests of a model's log, or of the log at PATH; without either, of all logs of the project.

    A line is a request: time, id, version, code, milliseconds, and the first predictions. With --json and -f each request is a
    JSON document on a line of its own.
    """
    from mlgit.commands.log_tail import tail_log
    from mlgit.serving import log_words

    found = tail_log(subject, count=number, follow=follow)
    if as_json and not follow:
        click.echo(json.dumps(found.document(), indent=2))
        return errors.EXIT_YES
    for each in itertools.chain(found.requests, found.follow() if follow else ()):
        click.echo(json.dumps(each.document()) if as_json else log_words.row(each))
    return errors.EXIT_YES


@command.command(
    epilog="Examples: `mlgit log pack tumor -o data/november.parquet --from 2026-11-01 --to 2026-11-30`, "
    "`mlgit log pack logs/tumor/2026-11-28T13 -o hour.parquet`, then `mlgit add data/november.parquet`.",
    short_help="Write a log to one Parquet file, to be tracked as data.",
)
@click.argument("subject", metavar="[NAME|PATH]", required=False, type=click.Path())
@click.option("-o", "--output", required=True, metavar="FILE", type=click.Path(), help="The Parquet file to write.")
@click.option("--from", "start", metavar="DATE", help="Only what came from then on: 2026-11-01, or 2026-11-01T10:00Z.")
@click.option("--to", "end", metavar="DATE", help="Only what came before that time, or to the end of that day.")
@json_option()
def pack(subject: str | None, *, output: str, start: str | None, end: str | None, as_json: bool) -> int:
    """Write a log to one Parquet FILE: a row for each row that was answered, with its values, prediction and probabilities.

    NAME is a served model, PATH a log's folder, that of an hour, or a file, gzip-ed ones too. Types are those of the contract.
    The same log gives the same bytes, so FILE can be tracked. Exit code 2 where there is nothing to pack.
    """
    from mlgit.commands.log_pack import pack_log

    found = pack_log(subject, output=output, start=start, end=end)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
        return errors.EXIT_YES
    packed = found.packed
    click.echo(f"{plain(output)}: {count(packed.rows, 'row')} of {count(packed.requests, 'request')}")
    if packed.refused:
        click.echo(f"note: {count(packed.refused, 'request')} refused, without a row")
    if packed.torn:
        click.echo(f"note: {count(packed.torn, 'line')} cut off or no request, as a killed server leaves them")
    for name, number_of in packed.unheld.items():
        click.echo(f"note: {plain(name)}: {count(number_of, 'value')} of another type, missing in the file")
    click.echo(f"Track it: `mlgit add {plain(shlex.quote(output))}`")
    return errors.EXIT_YES
