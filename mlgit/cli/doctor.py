"""`mlgit doctor`: look a project over for damage, and mend what can be mended."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.doctor import DoctorResult


@click.command(
    epilog="Examples: `mlgit doctor`, `mlgit doctor --deep --fix`, `mlgit doctor --cache --deep --fix` (a restored cache).",
    short_help="Look for damage in cache, locks and pipeline files.",
)
@click.option("--cache", "only_cache", is_flag=True, help="Look at the objects of the cache and at nothing else.")
@click.option("--deep", is_flag=True, help="Read every object of the cache and compare it with its name.")
@click.option("--fix", is_flag=True, help="Remove damaged objects, leftovers and the entries of dead processes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, only_cache: bool, deep: bool, fix: bool, as_json: bool) -> int:
    """Look for damage: objects that are not what their name says, folders that lack files, what killed processes left,
    pipeline files that cannot be read, outputs whose content is nowhere, and tags of models that were moved, deleted,
    forked or backdated.

    Without --deep, objects that are read-only are believed, as DVC does. Exit code 0 when all is well (after --fix: when
    nothing is left to do), 1 when something was found.
    """
    from mlgit.cli.bar import progress
    from mlgit.cli.screen import is_terminal
    from mlgit.commands.doctor import doctor

    with progress(shown=not as_json and is_terminal(sys.stdout)) as watch:
        result = doctor(only_cache=only_cache, deep=deep, fix=fix, watch=watch)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result, deep=deep)
    return result.exit_code


def _show(result: DoctorResult, *, deep: bool) -> None:
    color = use_color(sys.stdout)
    for each in result.findings:
        click.echo(f"{paint(plain(each.path), 'bold', color=color)}: {plain(each.message)}")
        click.echo("  fixed" if each.fixed else f"  {plain(each.hint)}")
    if not result.findings:
        click.echo("nothing wrong" if deep else "nothing wrong; `mlgit doctor --deep` reads every object of the cache")
    else:
        left, number = len(result.left), len(result.findings)
        click.echo(f"{count(number, 'finding')}, {left} left" if left < number else count(left, "finding"))
