"""`mlgit model show`: one model, version or environment."""

from __future__ import annotations

import json
from typing import Any

import click

from mlgit import errors
from mlgit.cli.model import reading
from mlgit.cli.model.reading import Reading
from mlgit.commands import dates
from mlgit.errors import MlgitError
from mlgit.registry import state
from mlgit.registry.state import Artifact, Version
from mlgit.render.terminal import table
from mlgit.render.text import moment, plain


@click.command(
    epilog="Examples: `mlgit model show churn`, `mlgit model show churn@v1.2.0`, `mlgit model show churn#prod --at 2026-05-03`",
    short_help="One model, version or environment, now or at a moment.",
)
@click.argument("name", metavar="NAME[@V|#ENV]")
@click.option("--at", "at", metavar="DATE", help="As it was at that moment: 2026-05-03T10:00Z, or the end of a day.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(name: str, *, at: str | None, as_json: bool) -> int:
    """What is registered under NAME: its versions and environments; with @V or #ENV, that version and its evidence."""
    found = reading.registry(at=dates.moment(at) if at else None)
    try:
        artifact, version, environment = _meant(found, name)
    except MlgitError:
        if at is None:
            raise
        _refuse_too_early(found, name, dates.moment(at))
        raise
    if as_json:
        document = _document(artifact) if version is None else _version_document(artifact, version, environment)
        click.echo(json.dumps({"schema": 1, "at": at, **document}, indent=2))
    elif version is None:
        _show(artifact)
    else:
        _show_version(artifact, version, environment)
    return errors.EXIT_YES


def _meant(found: Reading, name: str) -> tuple[Artifact, Version | None, str]:
    """The artifact; the version, where one is asked for, and the environment that it was asked for by."""
    artifact, wanted = reading.artifact_named(found, name)
    is_one = wanted.version or wanted.environment
    return artifact, found.registry.resolve(wanted) if is_one else None, wanted.environment


def _refuse_too_early(found: Reading, name: str, at: int) -> None:
    """Raise MlgitError if what is not there at a moment came later; else it never was."""
    later = found._replace(registry=state.fold(found.tags.events, faults=found.tags.faults))
    artifact, version, environment = _meant(later, name)
    event = version.event if version else artifact.events[0]
    if environment:
        event = next(each for each in artifact.events if each.name.environment == environment)
    if event.time > at:
        raise MlgitError(
            f"'{name}': not there yet at {moment(at)}; the first of it is {event.ref}, of {moment(event.time)}",
            f"`mlgit model history {artifact.name}` tells all",
        )


def _document(artifact: Artifact) -> dict[str, Any]:
    environments = {}
    for name, stack in artifact.environments.items():
        environments[name] = {"version": stack[-1].version, "event": reading.event_row(stack[-1].event, artifact)}
    return {
        "name": artifact.name,
        "active": artifact.is_active,
        "latest": artifact.latest.name if artifact.latest else None,
        "environments": environments,
        "versions": [reading.version_row(artifact, each) for each in reversed(artifact.versions)],
        "faults": reading.fault_rows(artifact),
    }


def _version_document(artifact: Artifact, version: Version, environment: str) -> dict[str, Any]:
    found = {"name": artifact.name, **reading.version_row(artifact, version)}
    found["event"] = reading.event_row(version.event, artifact)
    current = artifact.current(environment) if environment else None
    return found | ({"assignment": reading.event_row(current.event, artifact)} if current else {})


def _show(artifact: Artifact) -> None:
    click.echo(plain(artifact.name) + ("" if artifact.is_active else "  (retired)"))
    rows = []
    for name, stack in artifact.environments.items():
        event = stack[-1].event
        rows.append([name, stack[-1].version[:20], moment(event.time), event.author, _why(event)])
    if rows:
        click.echo("\n" + table(("environment", "version", "since", "by", "why"), rows))
    rows = []
    for each in reversed(artifact.versions):
        row = reading.version_row(artifact, each)
        state_of = "" if each.is_active else "withdrawn"
        rows.append(
            [each.name[:20], each.commit[:10], row["time"], each.event.author, ", ".join(row["environments"]), state_of]
        )
    click.echo("\n" + table(("version", "commit", "registered", "by", "in", ""), rows))
    for fault in artifact.faults:
        click.echo(f"\n{plain(fault.ref)}: {plain(fault.message)}\n  {plain(fault.hint)}")


def _why(event: Any) -> str:
    override = reading.override(event)
    return f"POLICY OVERRIDDEN: {override}" if override else event.body.reason.partition("\n")[0][:60]


def _show_version(artifact: Artifact, version: Version, environment: str) -> None:
    event = version.event
    withdrawn = "" if version.is_active else "  (withdrawn)"
    click.echo(f"{plain(artifact.name)}@{plain(version.name)}{withdrawn}")
    rows = [("commit", version.commit), ("registered", f"{moment(event.time)} by {event.author} <{event.email}>")]
    rows += [("why", event.body.reason)] if event.body.reason else []
    current = artifact.current(environment) if environment else None
    if current:
        rows.append(
            (f"in {environment}", f"since {moment(current.event.time)} by {current.event.author} ({current.event.ref})")
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
