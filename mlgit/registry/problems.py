"""What is wrong with the tags of the registry: in their chain, their names, and against the log of what was published."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from mlgit.registry import grammar, integrity, read, state, substitutes
from mlgit.registry.integrity import TagFault
from mlgit.registry.read import Tags
from mlgit.registry.state import Artifact, Registry
from mlgit.registry.substitutes import Substitutes


def find(git_root: Path, *, rows: Sequence[tuple[str, str]] | None = None) -> list[TagFault]:
    """Everything that is wrong with any artifact's tags; `rows` are those of the log, where they were read already."""
    tags = read.tags(git_root)
    registry = state.fold(tags.events, faults=tags.faults)
    published = read.published(git_root) if rows is None else rows
    names = dict.fromkeys([*registry.artifacts, *(name for ref, _ in published if (name := grammar.artifact_of(ref)))])
    replaced = substitutes.look(git_root)
    found: dict[tuple[str, str, str], TagFault] = {}  # what concerns several models is told once
    for name in names:
        for each in of_artifact(git_root, registry, name, tags=tags, published=published, replaced=replaced):
            found.setdefault((each.kind, each.ref, each.message), each)
    return list(found.values())


def of_artifact(
    git_root: Path,
    registry: Registry,
    name: str,
    *,
    tags: Tags,
    published: Sequence[tuple[str, str]],
    replaced: Substitutes | None = None,
) -> list[TagFault]:
    """What is wrong with one artifact's tags; `published` are the rows of the log."""
    artifact = registry.artifacts.get(name) or Artifact(name)
    lost = integrity.against_log([(ref, oid) for ref, oid in published if grammar.artifact_of(ref) == name], tags.oids)
    whole, _ = read.as_published(git_root, artifact, published)
    found = state.problems(artifact, whole=whole) + integrity.too_early(name, artifact.events, now=int(time.time()))
    found += substitutes.findings(git_root, artifact, replaced or substitutes.look(git_root), tags=tags.oids)
    told = {(each.kind, each.ref) for each in found}
    return [*found, *(each for each in lost if (each.kind, each.ref) not in told)]
