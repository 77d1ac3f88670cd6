"""`mlgit model history`: every event of a model, newest first."""

from __future__ import annotations

import json

import click

from mlgit import errors
from mlgit.cli.model import reading
from mlgit.registry.event import Event
from mlgit.render.terminal import table
from mlgit.render.text import plain


@click.command(
    epilog="Examples: `mlgit model history churn`, `mlgit model history churn --json`.",
    short_help="Every event of a model: who did what, when and why.",
)
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str, *, as_json: bool) -> int:
    """Every event of a model, newest first, in the order of the chain: who did what, when and why."""
    found = reading.registry()
    artifact, _ = reading.artifact_named(found, name)
    events = list(reversed(artifact.events))
    rows = [reading.event_row(each, artifact) for each in events]
    if as_json:
        click.echo(json.dumps({"schema": 1, "name": artifact.name, "events": rows}, indent=2))
        return errors.EXIT_YES
    shown = [
        [
            row["time"],
            row["event"],
            row["version"] or row["commit"][:10],
            row["environment"] or "",
            each.author,
            _why(each),
            each.ref,
        ]
        for row, each in zip(rows, events, strict=True)
    ]
    click.echo(table(("when (UTC)", "event", "version", "environment", "by", "why", "tag"), shown))
    for fault in artifact.faults:
        click.echo(f"{plain(fault.ref)}: {plain(fault.message)}\n  {plain(fault.hint)}")
    return errors.EXIT_YES


def _why(event: Event) -> str:
    override = reading.override(event)
    return f"POLICY OVERRIDDEN: {override}" if override else event.body.reason.partition("\n")[0][:50]
