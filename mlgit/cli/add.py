"""`mlgit add`: track files and folders as `dvc add` does."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain, seconds, size

if TYPE_CHECKING:
    from mlgit.commands.add import AddResult


@click.command(
    epilog="Examples: `mlgit add data/raw.csv`, `mlgit add images labels.json`, `mlgit add data --json`.",
    short_help="Track data files and folders, as `dvc add` does.",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(paths: tuple[str, ...], *, as_json: bool) -> int:
    """Track data files and folders: in DVC's cache, by a .dvc file, and ignored by Git.

    A path that is tracked already is brought up to date. Nothing is touched when one of the paths cannot be tracked.
    `dvc push` and `dvc pull` work as after `dvc add`.
    """
    from mlgit.cli.bar import progress
    from mlgit.cli.screen import is_terminal
    from mlgit.commands.add import add

    with progress(shown=not as_json and is_terminal(sys.stdout)) as watch:
        result = add(paths, watch=watch)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result)
    return errors.EXIT_YES


def _show(result: AddResult) -> None:
    color = use_color(sys.stdout)
    for each in result.tracked:
        state = "added" if each.file in each.written else "unchanged"
        files = f"{count(each.digest.nfiles, 'file')}, " if each.digest.nfiles is not None else ""
        what = f"{plain(_shown(result, each.path))}  ({files}{size(each.digest.size)})"
        click.echo(f"{paint(f'{state:9}', 'green' if state == 'added' else 'dim', color=color)}  {what}")
        if each.unlinked:
            click.echo(plain(f"stays as it is: {each.unlinked.message}\nhint: {each.unlinked.hint}"), err=True)
    done = f"{count(len(result.tracked), 'path')} in {seconds(result.seconds)}"
    if result.written and not result.staged:
        names = " ".join(plain(_shown(result, file)) for file in result.written)
        done += f"; `git add {names}` keeps track"
    click.echo(done)


def _shown(result: AddResult, path: str) -> str:
    return result.project.relative(result.project.root / path)
