"""What is wrong with the tags of the registry: in their chain, their names, and against the log of what was published."""

from __future__ import annotations

from pathlib import Path

from mlgit.registry import chain, grammar, read, state
from mlgit.registry.chain import Finding
from mlgit.registry.read import Tags
from mlgit.registry.state import Artifact, Registry


def find(git_root: Path) -> list[Finding]:
    """Everything that is wrong with any artifact's tags."""
    tags = read.tags(git_root)
    registry = state.fold(tags.events, faults=tags.faults)
    published = read.published(git_root)
    names = dict.fromkeys([*registry.artifacts, *(name for ref, _ in published if (name := _artifact_of(ref)))])
    return [each for name in names for each in of_artifact(registry, name, tags=tags, published=published)]


def of_artifact(registry: Registry, name: str, *, tags: Tags, published: list[tuple[str, str]]) -> list[Finding]:
    """What is wrong with one artifact's tags; `published` are the rows of the log."""
    artifact = registry.artifacts.get(name) or Artifact(name)
    lost = chain.against_log([(ref, oid) for ref, oid in published if _artifact_of(ref) == name], tags.oids)
    found = state.problems(artifact)
    told = {(each.kind, each.ref) for each in found}
    return [*found, *(each for each in lost if (each.kind, each.ref) not in told)]


def _artifact_of(ref: str) -> str:
    name = grammar.parse(ref)
    return name.artifact if name else ""
