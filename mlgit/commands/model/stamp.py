"""Says which model answers, in a line that a service logs with each decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit.commands.model import resolve_version
from mlgit.registry.facts import ModelFile
from mlgit.registry.state import Version


@dataclass(frozen=True, slots=True)
class ModelStamp:
    """A version and its model's file, by digests."""

    version: Version
    model: ModelFile

    def document(self) -> dict[str, Any]:
        """The stamp as JSON."""
        event = self.version.event
        return {
            "name": self.version.artifact,
            "version": self.version.name,
            "sha256": self.model.sha256,
            "md5": self.model.md5,
            "tag": event.ref,
            "oid": event.oid,
            "commit": self.version.commit,
        }


def stamp(reference: str) -> ModelStamp:
    """The stamp of NAME, NAME@VERSION or NAME#ENVIRONMENT."""
    return ModelStamp(*resolve_version.identify(reference))
