"""Every event of a model, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit.commands.model.open_registry import open_registry
from mlgit.commands.model.registry_rows import event_row
from mlgit.commands.notes import Note, unheard
from mlgit.registry.event import Event
from mlgit.registry.state import Artifact


@dataclass(frozen=True, slots=True)
class ModelHistory:
    """A model with all its events."""

    artifact: Artifact

    @property
    def events(self) -> tuple[Event, ...]:
        """The events, newest first."""
        return tuple(reversed(self.artifact.events))

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        rows = [event_row(each, self.artifact) for each in self.events]
        return {"schema": 1, "name": self.artifact.name, "events": rows}


def history(name: str, *, note: Note = unheard) -> ModelHistory:
    """Who did what with a model, when and why, in the order of the chain."""
    return ModelHistory(open_registry(note=note).artifact(name)[0])
