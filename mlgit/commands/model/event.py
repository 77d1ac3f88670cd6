"""What one tag says, and what is wrong with it: for a job that was started by its push."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit.commands.model.open_registry import open_registry
from mlgit.commands.model.registry_rows import event_row
from mlgit.commands.notes import Note, unheard
from mlgit.errors import MlgitError
from mlgit.registry import grammar, policies, problems, read
from mlgit.registry.event import Event
from mlgit.registry.integrity import TagFault
from mlgit.registry.state import Artifact


@dataclass(frozen=True, slots=True)
class EventResult:
    """The event of a tag (None where it counts for nothing), its model, and what is wrong with it or with its chain."""

    artifact: Artifact
    event: Event | None
    findings: tuple[TagFault, ...] = ()

    @property
    def exit_code(self) -> int:
        """Yes where nothing is wrong."""
        return errors.EXIT_NO if self.findings else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        rows = [{"kind": each.kind, "tag": each.ref, "message": each.message} for each in self.findings]
        told = event_row(self.event, self.artifact) if self.event else None
        return {"schema": 1, "sound": not self.findings, "event": told, "findings": rows}


def event(ref: str, *, note: Note = unheard) -> EventResult:
    """One event from a tag, with or without refs/tags/. Raises MlgitError for what is no tag of the registry."""
    name = ref.removeprefix("refs/tags/")
    parsed = grammar.parse(name)
    if parsed is None:
        raise MlgitError(f"'{name}' is not a registry tag", "their names are as in `churn@v1.2.0` and `churn#prod#3`")
    found = open_registry(anew=True, note=note)
    artifact = found.registry.artifacts.get(parsed.artifact) or Artifact(parsed.artifact)
    there = next((each for each in artifact.events if each.ref == name), None)
    rows = read.published(found.root)
    wrong = problems.of_artifact(found.root, found.registry, artifact.name, tags=found.tags, published=rows)
    if read.is_complete(found.root):
        wrong += [each for each in policies.judge(found.root, [artifact], published=rows) if each.ref == name]
    if there is None and not any(each.ref == name for each in wrong):
        hint = "`git fetch --tags` brings the remote's"
        if "GIT_DIR" in os.environ:  # in a hook
            hint = "hooks that run before the push is taken (pre-receive, update) do not see it yet; post-receive does"
        raise MlgitError(f"tag '{name}' not found", hint)
    return EventResult(artifact, there, tuple(wrong))
