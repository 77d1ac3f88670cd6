"""`mlgit pull`: bring what others pushed, data included."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.pull import PullResult


@click.command(
    epilog="Examples: `mlgit pull`, `mlgit pull data/raw.csv train`, `mlgit pull --dry-run`.",
    short_help="Bring commits, tags and data that others pushed.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--remote", metavar="NAME", help="The Git remote to pull from (default: the one Git would take, or origin).")
@click.option("--force", is_flag=True, help="Replace data that was changed here and is in no cache.")
@click.option("--dry-run", is_flag=True, help="Fetch, say what would change, and change neither branch nor files.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(targets: tuple[str, ...], *, remote: str | None, force: bool, dry_run: bool, as_json: bool) -> int:
    """Take the current branch on to what others pushed, bring tags of models, and put the data of the commit in place.

    A TARGET is an output, a folder or a stage: then only its data is brought. Nothing is merged: where both sides have
    commits, that is said. Data that was changed here and is in no cache is never replaced without --force.
    """
    from mlgit.commands.pull import pull

    result = pull(targets, remote=remote, dry_run=dry_run, force=force)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result)
    return errors.EXIT_YES


def _show(result: PullResult) -> None:
    verb = "would go" if result.is_planned else "went"
    if result.commit:
        click.echo(f"{plain(result.branch)} {verb} on to {result.commit[:7]} of {plain(result.remote)}")
    if result.outputs:
        put = "would be put" if result.is_planned else "put"
        click.echo(f"{count(len(result.outputs), 'output')} {put} in place: {plain(', '.join(result.outputs))}")
    if not result.commit and not result.outputs:
        click.echo(f"{plain(result.branch)} and its data are as on {plain(result.remote)}")
    for note in result.notes:
        click.echo(f"note: {plain(note)}", err=True)
