"""`mlgit model push`: publish the tags of models that were kept in this clone."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mlgit import errors
from mlgit.commands import places
from mlgit.registry import plan, publish, read, state
from mlgit.registry.plan import Plan
from mlgit.render.text import plain


@click.command(
    epilog="Examples: `mlgit model push`, `mlgit model push churn --remote upstream`.",
    short_help="Publish the tags of models that were kept in this clone.",
)
@click.argument("name", required=False)
@click.option("--remote", default="origin", show_default=True, metavar="NAME", help="The Git remote to push to.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str | None, *, remote: str, as_json: bool) -> int:
    """Push the tags of NAME, or of every model, that the remote does not have, each together with the log of what was
    published: a tag that is pushed without the log could be taken away unseen.
    """
    root = read.root_of(Path.cwd())
    found = state.fold(read.load(root))
    names = [places.full_name(root, found.artifacts, name)] if name else list(found.artifacts)
    pushed: list[str] = []
    notes: list[str] = []
    for each in names:
        found.artifact(each)

        def rebuild(artifact: str = each) -> Plan:
            events = state.fold(read.load(root)).artifact(artifact).events
            return Plan(artifact, "", "", "", upon=plan.upon(events))

        done = publish.send(root, rebuild, remote=remote)
        pushed += done.pushed
        notes += [note for note in done.notes if note not in notes]
    if as_json:
        click.echo(json.dumps({"schema": 1, "remote": remote, "pushed": pushed, "notes": notes}, indent=2))
        return errors.EXIT_YES
    click.echo(
        f"pushed to {plain(remote)}: {plain(', '.join(pushed))}" if pushed else f"{plain(remote)} has all tags of models"
    )
    for note in notes:
        click.echo(f"note: {plain(note)}")
    return errors.EXIT_YES
