"""Makes a version again from its commit, and compares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit.commands.model import resolve_version
from mlgit.registry import rebuild
from mlgit.registry.facts import Facts
from mlgit.registry.rebuild import Rebuilt


@dataclass(frozen=True, slots=True)
class ReproduceResult:
    """A version by name, what its commit says, and what came of making it again."""

    name: str
    facts: Facts
    rebuilt: Rebuilt

    @property
    def exit_code(self) -> int:
        """Yes where bytes or all metrics are as recorded."""
        return errors.EXIT_YES if self.rebuilt.outcome in ("identical", "equal metrics") else errors.EXIT_NO

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        return {
            "schema": 1,
            "name": self.name,
            "outcome": self.rebuilt.outcome,
            "recorded": {"md5": self.facts.model.md5, "sha256": self.facts.model.sha256},
            "made": {"md5": self.rebuilt.md5, "sha256": self.rebuilt.sha256},
            "differing": list(self.rebuilt.differing),
            "folder": self.rebuilt.folder,
        }


def reproduce(reference: str, *, keep: bool = False) -> ReproduceResult:
    """Run a version's stages again in a temporary worktree of its commit, and compare the model's bytes, then its metrics.

    With `keep` the worktree stays. Workspace, cache and dvc.lock stay as they are.
    """
    found = resolve_version.find(reference)
    facts = resolve_version.facts_of(found, rows=False)
    return ReproduceResult(found.name, facts, rebuild.rebuild(found.revision, facts, keep=keep))
