"""`mlgit model show`: one model, version or environment."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from mlgit import errors
from mlgit.cli.error_boundary import note
from mlgit.render.terminal import table
from mlgit.render.text import moment, plain

if TYPE_CHECKING:
    from mlgit.commands.model.show import ModelView
    from mlgit.registry.state import Artifact, Version


@click.command(
    epilog="Examples: `mlgit model show churn`, `mlgit model show churn@v1.2.0`, `mlgit model show churn#prod --at 2026-05-03`",
    short_help="One model, version or environment, now or at a moment.",
)
@click.argument("name", metavar="NAME[@V|#ENV]")
@click.option("--at", "at", metavar="DATE", help="As it was at that moment: 2026-05-03T10:00Z, or the end of a day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str, *, at: str | None, as_json: bool) -> int:
    """What is registered under NAME: its versions and environments; with @V or #ENV, that version and its evidence."""
    from mlgit.commands.model.show import show

    found = show(name, at=at, note=note)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2))
    elif found.version is None:
        _show(found.artifact)
    else:
        _show_version(found, found.version)
    return errors.EXIT_YES


def _show(artifact: Artifact) -> None:
    from mlgit.commands.model.registry_rows import version_row

    click.echo(plain(artifact.name) + ("" if artifact.is_active else "  (retired)"))
    rows = []
    for name, stack in artifact.environments.items():
        event = stack[-1].event
        rows.append([name, stack[-1].version[:20], moment(event.time), event.author, _why(event)])
    if rows:
        click.echo("\n" + table(("environment", "version", "since", "by", "why"), rows))
    rows = []
    for each in reversed(artifact.versions):
        row = version_row(artifact, each)
        state_of = "" if each.is_active else "withdrawn"
        rows.append(
            [each.name[:20], each.commit[:10], row["time"], each.event.author, ", ".join(row["environments"]), state_of]
        )
    click.echo("\n" + table(("version", "commit", "registered", "by", "in", ""), rows))
    for fault in artifact.faults:
        click.echo(f"\n{plain(fault.ref)}: {plain(fault.message)}\n  {plain(fault.hint)}")


def _why(event: Any) -> str:
    from mlgit.commands.model.registry_rows import override

    reason = override(event)
    return f"POLICY OVERRIDDEN: {reason}" if reason else event.body.reason.partition("\n")[0][:60]


def _show_version(found: ModelView, version: Version) -> None:
    artifact, event, current = found.artifact, version.event, found.current
    withdrawn = "" if version.is_active else "  (withdrawn)"
    click.echo(f"{plain(artifact.name)}@{plain(version.name)}{withdrawn}")
    rows = [("commit", version.commit), ("registered", f"{moment(event.time)} by {event.author} <{event.email}>")]
    rows += [("why", event.body.reason)] if event.body.reason else []
    if current:
        rows.append(
            (f"in {found.environment}", f"since {moment(current.event.time)} by {current.event.author} ({current.event.ref})")
        )
        rows += [("because", _why(current.event))] if _why(current.event) else []
    rows += list(_evidence(event.body.facts))
    rows += [("unreadable", event.body.fault)] if event.body.fault else []
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        click.echo(f"  {name:{width}}  {plain(text)}")
    click.echo(f"`mlgit model audit {plain(artifact.name)}@{plain(version.name)}` tells where it comes from")


def _evidence(facts: Any) -> list[tuple[str, str]]:
    rows = []
    model = facts.get("model")
    if isinstance(model, dict):
        rows.append(("model", f"{model.get('path')} (md5 {model.get('md5')})"))
    metrics = facts.get("metrics")
    for name, value in sorted(metrics.items()) if isinstance(metrics, dict) else ():
        rows.append((str(name), str(value.get("value") if isinstance(value, dict) else value)))
    return rows
