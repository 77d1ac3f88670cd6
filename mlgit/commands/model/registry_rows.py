"""Events, versions and faults of the registry as JSON rows."""

from __future__ import annotations

from typing import Any

from mlgit.registry.event import Event
from mlgit.registry.state import Artifact, Version
from mlgit.render.text import moment


def event_row(event: Event, artifact: Artifact | None = None) -> dict[str, Any]:
    """An event as JSON."""
    body = event.body
    version = (artifact.meant(event) if artifact else event.name.version) or None
    return {
        "tag": event.ref,
        "oid": event.oid,
        "artifact": event.name.artifact,
        "action": event.name.action,
        "event": event.kind,
        "version": version,
        "environment": event.name.environment or None,
        "commit": event.commit,
        "time": moment(event.time),
        "author": event.author,
        "email": event.email,
        "signed": event.is_signed,
        "sentence": body.sentence,
        "reason": body.reason,
        "override": override(event) or None,
        "facts": dict(body.facts),
    }


def override(event: Event) -> str:
    """Why policy was overridden in an event; '' where it was not."""
    found = event.body.facts.get("override")
    reason = found.get("reason") if isinstance(found, dict) else found
    return str(reason) if reason else ""


def version_row(artifact: Artifact, version: Version) -> dict[str, Any]:
    """A version as JSON, with where it is now."""
    places = [environment for environment in artifact.environments if _is_current(artifact, environment, version)]
    return {
        "version": version.name,
        "commit": version.commit,
        "active": version.is_active,
        "registered": version.is_registered,
        "environments": places,
        "time": moment(version.event.time),
        "author": version.event.author,
        "email": version.event.email,
        "tag": version.event.ref,
        "oid": version.event.oid,
    }


def _is_current(artifact: Artifact, environment: str, version: Version) -> bool:
    current = artifact.current(environment)
    return current is not None and current.version == version.name


def fault_rows(artifact: Artifact) -> list[dict[str, str]]:
    """What is wrong with an artifact's tags at first sight, as JSON; `verify` looks closer."""
    return [{"kind": each.kind, "tag": each.ref, "message": each.message, "hint": each.hint} for each in artifact.faults]
