"""What the reading commands of `mlgit model` share: the registry of this repository, and how its parts are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from mlgit.cli.error_boundary import note
from mlgit.commands import places
from mlgit.registry import grammar, kept, read, state
from mlgit.registry.event import Event
from mlgit.registry.read import Asked, Tags
from mlgit.registry.state import Artifact, Registry, Version
from mlgit.render.text import moment


class Reading(NamedTuple):
    """The registry as this clone's tags say, and the repository's root."""

    root: Path
    tags: Tags
    registry: Registry


def registry(*, at: int | None = None, anew: bool = False, asked: Asked | None = None) -> Reading:
    """The registry of the repository that holds the current folder; with `at` as it was then.

    With `anew` every tag is read from Git, whatever earlier commands kept. `asked` is what `git.ask_for_tags` gave.
    """
    root = read.root_of(Path.cwd())
    known = {} if anew else kept.load(root)
    tags = read.tags(root, asked=asked, known=known)
    kept.save(root, tags.events, known)
    if not read.is_complete(root):
        note("this clone is shallow and may lack tags; `git fetch --tags --unshallow` brings them")
    elif not tags.events:
        note("this clone has no tag of a model; if there should be some, `git fetch --tags` brings them")
    return Reading(root, tags, state.fold(tags.events, at=at, faults=tags.faults))


def event_row(event: Event, artifact: Artifact | None = None) -> dict[str, Any]:
    """An event as JSON."""
    body = event.body
    version = (artifact.meant(event) if artifact else event.name.version) or None
    return {
        "tag": event.ref,
        "oid": event.oid,
        "artifact": event.name.artifact,
        "action": event.name.action,
        "event": event.kind,
        "version": version,
        "environment": event.name.environment or None,
        "commit": event.commit,
        "time": moment(event.time),
        "author": event.author,
        "email": event.email,
        "signed": event.is_signed,
        "sentence": body.sentence,
        "reason": body.reason,
        "override": override(event) or None,
        "facts": dict(body.facts),
    }


def override(event: Event) -> str:
    """Why policy was overridden in an event; '' where it was not."""
    found = event.body.facts.get("override")
    reason = found.get("reason") if isinstance(found, dict) else found
    return str(reason) if reason else ""


def version_row(artifact: Artifact, version: Version) -> dict[str, Any]:
    """A version as JSON, with where it is now."""
    places = [environment for environment in artifact.environments if _is_current(artifact, environment, version)]
    return {
        "version": version.name,
        "commit": version.commit,
        "active": version.is_active,
        "registered": version.is_registered,
        "environments": places,
        "time": moment(version.event.time),
        "author": version.event.author,
        "email": version.event.email,
        "tag": version.event.ref,
        "oid": version.event.oid,
    }


def _is_current(artifact: Artifact, environment: str, version: Version) -> bool:
    current = artifact.current(environment)
    return current is not None and current.version == version.name


def fault_rows(artifact: Artifact) -> list[dict[str, str]]:
    """What is wrong with an artifact's tags at first sight, as JSON; `verify` looks closer."""
    return [{"kind": each.kind, "tag": each.ref, "message": each.message, "hint": each.hint} for each in artifact.faults]


def artifact_named(found: Reading, word: str) -> tuple[Artifact, grammar.Reference]:
    """The artifact that a word is about, and the word taken apart, with the artifact's full name.

    A name may be told as seen from the current folder. Raises MlgitError for an artifact without tags.
    """
    wanted = grammar.reference(word)
    name = places.full_name(found.root, found.registry.artifacts, wanted.artifact)
    return found.registry.artifact(name), wanted._replace(artifact=name)
