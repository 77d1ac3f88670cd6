"""`mlgit data infer`: a contract drafted from data, or brought up to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import json_option
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.data_infer import InferResult
    from mlgit.commands.data_update import UpdateResult

_INFER = """\b
Examples:
  mlgit data infer data/raw.csv                                   show the draft
  mlgit data infer data/raw.csv -o schemas/raw.odcs.yaml          write it, and enter it in mlgit.yaml
  mlgit data infer data/parts -o schemas/parts.odcs.yaml --id order
  mlgit data infer data/raw.csv --update schemas/raw.odcs.yaml    accept what the data shows now

Observed extremes never become bounds: the next batch from the same source keeps a draft, too.
"""


@click.command(epilog=_INFER, short_help="Draft a contract from data, or bring one up to it.")
@click.argument("path", type=click.Path())
@click.option("-o", "--output", metavar="FILE", type=click.Path(), help="Write the contract to FILE; otherwise it is printed.")
@click.option("--update", metavar="FILE", type=click.Path(), help="Bring the contract in FILE up to the data.")
@click.option("--id", "ids", multiple=True, metavar="COLUMN", help="A column that names rows; may be repeated.")
@click.option("--force", is_flag=True, help="Replace the contract in FILE, where there is one.")
@json_option()
def infer(path: str, *, output: str | None, update: str | None, ids: tuple[str, ...], force: bool, as_json: bool) -> int:
    """Draft a contract for PATH, a table or a folder of parts, in the Open Data Contract Standard.

    It says what type a column has, whether it may be missing, whether it names rows, which few values it takes, and the
    bounds that are natural. No value of a row is written but levels that come again and again.
    """
    from mlgit.commands.data_infer import infer_contract
    from mlgit.commands.data_update import update_contract

    if update is not None:
        if output is not None:
            raise errors.MlgitError("-o has nothing to write: --update writes its own FILE", "leave one of them out")
        if force:
            raise errors.MlgitError(
                "--force has nothing to replace: --update changes FILE in its place", "leave one of them out"
            )
        updated = update_contract(path, update, ids=ids)
        click.echo(json.dumps(updated.document(), indent=2)) if as_json else _show_update(updated)
        return errors.EXIT_YES
    found = infer_contract(path, output=output or "", ids=ids, force=force)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
    elif found.file:
        _show_written(found)
    else:
        click.echo(found.text, nl=False)
        for each in found.notes:
            note(each)
    return errors.EXIT_YES


def _show_written(found: InferResult) -> None:
    click.echo(f"wrote {plain(found.file)}: {count(found.columns, 'column')}, from {count(found.rows, 'row')}")
    if found.was_mapped:
        click.echo(f"added to mlgit.yaml under `data:`: {plain(found.entry)}")
    for each in found.notes:
        click.echo(f"note: {plain(each)}")
    click.echo("\nNext:")
    for line in found.following:
        click.echo(f"  {plain(line)}")


def _show_update(found: UpdateResult) -> None:
    for each in found.changes:
        click.echo(f"{each.direction:<9} {plain(each.sentence)}")
    for line in found.kept:
        click.echo(f"kept      {plain(line)}")
    if found.changes:
        click.echo(f"wrote {plain(found.file)}: version {plain(found.before)} -> {plain(found.version)}")
    else:
        click.echo(f"{plain(found.file)}: unchanged")
