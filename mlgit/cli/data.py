"""`mlgit data`: contracts, and the data that has to keep them."""

from __future__ import annotations

import json
import sys

import click

from mlgit.cli.data_diff import diff
from mlgit.cli.data_infer import infer
from mlgit.cli.format_options import json_option
from mlgit.cli.group import SuggestingGroup
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint, table
from mlgit.render.text import plain

_COLORS = {"fail": "red", "invalid": "red", "warn": "yellow", "pass": "green"}


@click.group(
    cls=SuggestingGroup,
    epilog="Examples: `mlgit data infer data/raw.csv -o schemas/raw.odcs.yaml`, `mlgit data check`, `mlgit data diff main`.",
    short_help="Hold data against its contracts.",
)
def command() -> None:
    """Data contracts: what may come in, as files in the Open Data Contract Standard beside the data."""


@command.command(
    epilog="Examples: `mlgit data check`, `mlgit data check new.csv --contract schemas/raw.odcs.yaml`; as a stage of dvc.yaml: "
    "`mlgit data check data/raw.csv -o reports/validation.json`."
)
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--contract", metavar="FILE", type=click.Path(), help="Hold PATH against this contract, not that of mlgit.yaml.")
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="Write the result to FILE as well, as JSON.")
@json_option()
def check(paths: tuple[str, ...], *, contract: str | None, output: str | None, as_json: bool) -> int:
    """Hold each PATH, or all data that has a contract under `data:` in mlgit.yaml, against its contract.

    PATH is a table (CSV, TSV, JSON, JSON Lines, Parquet, text formats also with .gz) or a folder of parts. Every rule is
    looked at in every row; of the first 100 that are broken, at most five places each are named, with their lines. Columns with
    a `classification` show no values. Exit code 0 when the data keeps its contracts (warnings do not count), 1 when it breaks
    one, 2 when a file cannot be read or, with no rule broken, one cannot be evaluated. FILE is written where data breaks its
    contract, too, and is the same for the same data, unless a rule of freshness comes to another outcome meanwhile.
    """
    from mlgit.commands.data_check import check_data

    result = check_data(paths, contract=contract, with_digests=as_json, output=output)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        from mlgit.validation import table as words

        for each, accepting in zip(result.results, result.accepting, strict=True):
            click.echo(paint(plain(words.headline(each)), _COLORS[each.outcome], color=use_color(sys.stdout)))
            found = words.rows(each)
            if found:
                lines = table(words.HEADER, found).splitlines()
                click.echo("\n".join(f"  {line}" for line in lines))
            for note in words.notes(each):
                click.echo(f"note: {plain(note)}")
            if each.outcome == "fail":
                click.echo(plain(f"Fix the data, or accept it: `{accepting}`"))
    return result.exit_code


command.add_command(infer)
command.add_command(diff)
