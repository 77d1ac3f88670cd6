"""`mlgit status`: which stages are stale, and why."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from mlgit.cli import preferences
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.status import StatusResult


@click.command(
    epilog="Examples: `mlgit status`, `mlgit status train`, `mlgit status --json`.",
    short_help="Say which stages are stale, and why.",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(targets: tuple[str, ...], as_json: bool) -> int:
    """Say which stages are stale, and why.

    A TARGET is a stage, a dvc.yaml or .dvc file, a folder or an output; without one, the whole project is looked at.
    Exit code 0 when nothing is stale, 1 when something is.
    """
    from mlgit.commands.status import status

    result = status(targets)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2, default=str))
    else:
        show(result, color=use_color(sys.stdout))
    return result.exit_code


def show(result: StatusResult, *, color: bool) -> None:
    """Print the stale stages with their reasons, and a last line that sums up."""
    for each in result.stale:
        click.echo(paint(plain(each.stage.address), "bold", color=color))
        for reason in each.reasons:
            click.echo(f"  {plain(str(reason))}")
    if preferences.current().verbose:
        for each in result.stages:
            if not each.reasons:
                click.echo(f"{plain(each.stage.address)}: {each.state.replace('-', ' ')}")
    if not result.stages:
        click.echo("no stages: declare some in dvc.yaml")
    elif result.stale:
        pulls = result.has_remote and any(each.is_missing for each in result.stale)
        stale = f"{count(len(result.stale), 'stage')} of {len(result.stages)} stale"
        click.echo(f"{stale}; `mlgit run{' --pull' if pulls else ''}` brings them up to date")
    else:
        frozen = sum(each.stage.frozen for each in result.stages)
        click.echo(f"up to date: {count(len(result.stages), 'stage')}" + (f" ({frozen} frozen)" if frozen else ""))
