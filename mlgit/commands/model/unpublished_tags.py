"""The tags of models that were kept in this clone, and how they are published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.commands.model.open_registry import registry_of
from mlgit.registry import plan, publish
from mlgit.registry.plan import TagPlan


class SentTags(NamedTuple):
    """The tags that went to a remote, in the order they were sent, and what is worth knowing of that."""

    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def missing_there(root: Path, there: Mapping[str, str]) -> list[str]:
    """The names of the tags of models that a remote with these tags lacks."""
    found = registry_of(root)
    return [event.ref for each in found.artifacts for event in found.artifact(each).events if event.ref not in there]


def send(root: Path, remote: str) -> SentTags:
    """Push the tags of every model that the remote does not have, together with the log of what was published: a tag that is
    pushed without the log could be taken away unseen."""
    sent: list[str] = []
    notes: dict[str, None] = {}
    for each in registry_of(root).artifacts:

        def rebuild(artifact: str = each) -> TagPlan:
            return plan.nothing_new(artifact, registry_of(root).artifact(artifact).events)

        done = publish.send(root, rebuild, remote=remote)
        sent += done.pushed
        notes |= dict.fromkeys(done.notes)
    return SentTags(tuple(sent), tuple(notes))
