"""`mlgit model history`: every event of a model, newest first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.error_boundary import note
from mlgit.render.terminal import table
from mlgit.render.text import moment, plain

if TYPE_CHECKING:
    from mlgit.registry.event import Event


@click.command(
    epilog="Examples: `mlgit model history churn`, `mlgit model history churn --json`.",
    short_help="Every event of a model: who did what, when and why.",
)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str, *, as_json: bool) -> int:
    """Every event of a model, newest first, in the order of the chain: who did what, when and why."""
    from mlgit.commands.model.history import history

    found = history(name, note=note)
    artifact = found.artifact
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
        return errors.EXIT_YES
    shown = [
        [
            moment(each.time),
            each.kind,
            artifact.meant(each) or each.commit[:10],
            each.name.environment,
            each.author,
            _why(each),
            each.ref,
        ]
        for each in found.events
    ]
    click.echo(table(("when (UTC)", "event", "version", "environment", "by", "why", "tag"), shown))
    for fault in artifact.faults:
        click.echo(f"{plain(fault.ref)}: {plain(fault.message)}\n  {plain(fault.hint)}")
    return errors.EXIT_YES


def _why(event: Event) -> str:
    from mlgit.commands.model.registry_rows import override

    reason = override(event)
    return f"POLICY OVERRIDDEN: {reason}" if reason else event.body.reason.partition("\n")[0][:50]
