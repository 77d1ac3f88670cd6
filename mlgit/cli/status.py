"""`mlgit status`: which stages are stale, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import click

from mlgit import errors
from mlgit.adapters.dvc import settings
from mlgit.cli.error_boundary import use_color
from mlgit.commands.noop_cache import remember
from mlgit.commands.open_project import open_project
from mlgit.commands.reasons import reason_row
from mlgit.pipeline.graph import select
from mlgit.pipeline.model import Stage
from mlgit.pipeline.status import MISSING, Reason
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain

Row = tuple[Stage, tuple[Reason, ...]]


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
    opened = open_project()
    chosen = select(opened.pipeline.graph, targets, here=opened.here, root=str(opened.project.root))
    wanted = opened.pipeline.graph.closure(chosen)
    rows = [
        (opened.pipeline.graph.stages[number], opened.ledger.reasons(opened.pipeline.graph.stages[number]))
        for number in sorted(wanted)
    ]
    opened.ledger.close()
    if len(rows) == len(opened.pipeline.graph.stages):
        remember(opened, all_current=not any(why for _, why in rows))
    if as_json:
        click.echo(json.dumps(document(rows), indent=2, default=str))
    else:
        may_pull = opened.pipeline.names_remotes or settings.default_remote(opened.project.dvc_folder) is not None
        show(rows, color=use_color(sys.stdout), may_pull=may_pull)
    return errors.EXIT_NO if any(why for _, why in rows) else errors.EXIT_YES


def state(stage: Stage, why: Sequence[Reason]) -> str:
    """The word for a stage's state."""
    if why:
        return "stale"
    return "frozen" if stage.frozen else "up-to-date"


def document(rows: Sequence[Row]) -> dict[str, Any]:
    """The answer as JSON: schema 1."""
    return {
        "schema": 1,
        "up_to_date": not any(why for _, why in rows),
        "stages": [
            {"name": stage.address, "status": state(stage, why), "reasons": list(map(reason_row, why))} for stage, why in rows
        ],
    }


def _is_missing(why: Sequence[Reason]) -> bool:
    """Whether something recorded is not here, as in a fresh clone."""
    return any(reason.kind == "out" and reason.new == MISSING for reason in why)


def show(rows: Sequence[Row], *, color: bool, may_pull: bool = False) -> None:
    """Print the stale stages with their reasons, and a last line that sums up; `may_pull`: there is a DVC remote."""
    stale = [(stage, why) for stage, why in rows if why]
    for stage, why in stale:
        click.echo(paint(plain(stage.address), "bold", color=color))
        for reason in why:
            click.echo(f"  {plain(str(reason))}")
    if not rows:
        click.echo("no stages: declare some in dvc.yaml")
    elif stale:
        command = "mlgit run --pull" if may_pull and any(_is_missing(why) for _, why in stale) else "mlgit run"
        click.echo(f"{count(len(stale), 'stage')} of {len(rows)} stale; `{command}` brings them up to date")
    else:
        frozen = sum(stage.frozen for stage, _ in rows)
        click.echo(f"up to date: {count(len(rows), 'stage')}" + (f" ({frozen} frozen)" if frozen else ""))
