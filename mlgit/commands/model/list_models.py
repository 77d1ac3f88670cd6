"""Lists every model: its latest version, and what is in which environment."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlgit.commands.model.open_registry import Asked, open_registry
from mlgit.commands.model.registry_rows import fault_rows
from mlgit.commands.notes import Note, unheard
from mlgit.registry.state import Artifact
from mlgit.render.text import moment


class ModelList(NamedTuple):
    """Every model of the registry. No dataclass: importing what those need takes longer than the answer."""

    artifacts: tuple[Artifact, ...]

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        return {"schema": 1, "models": list(map(_row, self.artifacts))}


def list_models(*, asked: Asked | None = None, note: Note = unheard) -> ModelList:
    """Every model that this clone's tags know; `asked` and `note` as `open_registry` has them."""
    return ModelList(tuple(open_registry(asked=asked, note=note).registry.artifacts.values()))


def _row(artifact: Artifact) -> dict[str, Any]:
    latest = artifact.latest
    current = {name: artifact.current(name) for name in artifact.environments}
    return {
        "name": artifact.name,
        "active": artifact.is_active,
        "latest": latest.name if latest else None,
        "environments": {
            name: {"version": each.version, "tag": each.event.ref, "time": moment(each.event.time)}
            for name, each in current.items()
            if each
        },
        "versions": [each.name for each in artifact.versions if each.is_registered],
        "faults": fault_rows(artifact),
    }
