"""Publishes the tags of models that were kept in this clone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit.commands import places
from mlgit.commands.model.open_registry import registry_of
from mlgit.registry import plan, publish, read
from mlgit.registry.plan import TagPlan


@dataclass(frozen=True, slots=True)
class PushResult:
    """The tags that went to a remote, in the order they were sent, and what is worth knowing of that."""

    remote: str
    pushed: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {"schema": 1, "remote": self.remote, "pushed": list(self.pushed), "notes": list(self.notes)}


def push(name: str | None = None, *, remote: str = "origin") -> PushResult:
    """Push the tags of one model, or of every model, that the remote does not have, together with the log of what was
    published: a tag that is pushed without the log could be taken away unseen."""
    root = read.root_of(Path.cwd())
    found = registry_of(root)
    names = [places.full_name(root, found.artifacts, name)] if name else list(found.artifacts)
    pushed: list[str] = []
    notes: dict[str, None] = {}
    for each in names:
        found.artifact(each)

        def rebuild(artifact: str = each) -> TagPlan:
            return plan.nothing_new(artifact, registry_of(root).artifact(artifact).events)

        done = publish.send(root, rebuild, remote=remote)
        pushed += done.pushed
        notes |= dict.fromkeys(done.notes)
    return PushResult(remote, tuple(pushed), tuple(notes))
