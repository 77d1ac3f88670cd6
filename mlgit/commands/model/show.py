"""Shows one model, version or environment, now or at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit.commands import dates
from mlgit.commands.model.open_registry import OpenedRegistry, open_registry
from mlgit.commands.model.registry_rows import event_row, fault_rows, version_row
from mlgit.commands.notes import Note, unheard
from mlgit.errors import MlgitError
from mlgit.registry import state
from mlgit.registry.state import Artifact, Assignment, Version
from mlgit.render.text import moment


@dataclass(frozen=True, slots=True)
class ModelView:
    """A model; the version, where one was asked for, and the environment that it was asked for by; `at`: when, as it was
    asked."""

    artifact: Artifact
    version: Version | None = None
    environment: str = ""
    at: str | None = None

    @property
    def current(self) -> Assignment | None:
        """What is in the environment that was asked for."""
        return self.artifact.current(self.environment) if self.environment else None

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        own = _of_artifact(self.artifact) if self.version is None else self._of_version(self.version)
        return {"schema": 1, "at": self.at, **own}

    def _of_version(self, version: Version) -> dict[str, Any]:
        found = {"name": self.artifact.name, **version_row(self.artifact, version)}
        found["event"] = event_row(version.event, self.artifact)
        return found | ({"assignment": event_row(self.current.event, self.artifact)} if self.current else {})


def show(name: str, *, at: str | None = None, note: Note = unheard) -> ModelView:
    """What is registered under NAME; with @VERSION or #ENVIRONMENT that version. `at` is a date, or a time in ISO 8601."""
    found = open_registry(at=dates.moment(at) if at else None, note=note)
    try:
        return ModelView(*_meant(found, name), at)
    except MlgitError:
        if at is not None:
            _refuse_too_early(found, name, dates.moment(at))
        raise


def _meant(found: OpenedRegistry, name: str) -> tuple[Artifact, Version | None, str]:
    artifact, wanted = found.artifact(name)
    is_one = wanted.version or wanted.environment
    return artifact, found.registry.resolve(wanted) if is_one else None, wanted.environment


def _refuse_too_early(found: OpenedRegistry, name: str, at: int) -> None:
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


def _of_artifact(artifact: Artifact) -> dict[str, Any]:
    environments = {}
    for name, stack in artifact.environments.items():
        environments[name] = {"version": stack[-1].version, "event": event_row(stack[-1].event, artifact)}
    return {
        "name": artifact.name,
        "active": artifact.is_active,
        "latest": artifact.latest.name if artifact.latest else None,
        "environments": environments,
        "versions": [version_row(artifact, each) for each in reversed(artifact.versions)],
        "faults": fault_rows(artifact),
    }
