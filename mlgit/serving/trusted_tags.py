"""Which faults of a registry's tags forbid to serve what they say, and which only concern what is long past.

A registry keeps its faults, for tags are never rewritten: two clones that wrote at once are told of for ever. What forbids is
a tag that is not what was published, and a fault of the tags that decide which version is meant now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlgit.errors import MlgitError
from mlgit.registry import grammar
from mlgit.registry.event import Event, TagName
from mlgit.registry.integrity import TagFault
from mlgit.registry.state import Artifact, Version
from mlgit.render.text import count

# Somebody changed what was published, or shows it as something else: nothing that stands upon it can be believed.
_ALWAYS = {"moved", "deleted", "replaced"}
# What one tag says cannot be believed: it matters where the tag decides.
_OF_DECIDING = {"unreadable", "contradiction", "foreign", "missing"}


def require(artifact: Artifact, version: Version, *, environment: str, faults: Iterable[TagFault]) -> None:
    """Raise MlgitError where a fault forbids to serve a version, for being in an environment, or ('') by its name."""
    deciding = _deciding(artifact, version, environment)
    refs = {event.ref for event in deciding}
    found = [each for each in faults if each.artifact in ("", artifact.name) and _forbids(each, refs, version, environment)]
    found += _forked(artifact, deciding, environment)
    if found:
        more = f" (and {count(len(found) - 1, 'more fault')} of its tags)" if len(found) > 1 else ""
        hint = found[0].hint or f"`mlgit model verify {artifact.name}` tells more"
        raise MlgitError(f"{found[0].ref}: {found[0].message}{more}", hint)


def _deciding(artifact: Artifact, version: Version, environment: str) -> Sequence[Event]:
    """The tags by which a version is meant: what made it, what put it into the environment, and what may have ended that."""
    made = [version.event]
    current = artifact.current(environment) if environment else None
    if current is None:
        return made
    since = artifact.events.index(current.event)
    return [*made, *(each for each in artifact.events[since:] if _concerns(each.name, version, environment))]


def _concerns(name: TagName, version: Version, environment: str) -> bool:
    return name.action == "deprecate" or name.version == version.name or (bool(environment) and name.environment == environment)


def _forbids(fault: TagFault, deciding: set[str], version: Version, environment: str) -> bool:
    if fault.kind in _ALWAYS or (fault.kind == "forked" and grammar.parse(fault.ref) is None):  # of the log itself
        return True
    if fault.kind == "missing":  # it is no event, for nobody knows what it says
        name = grammar.parse(fault.ref)
        return name is not None and _concerns(name, version, environment)
    return fault.kind in _OF_DECIDING and fault.ref in deciding


def _forked(artifact: Artifact, deciding: Sequence[Event], environment: str) -> list[TagFault]:
    """Two tags that each put something into the environment after the same tag, and none that says since which counts."""
    heirs: dict[tuple[str, str], list[str]] = {}
    for event in artifact.events:
        if environment and event.name.environment == environment and event.previous:
            heirs.setdefault(event.previous, []).append(event.ref)
    refs = {event.ref for event in deciding}
    hint = f"`mlgit model promote {artifact.name}@VERSION {environment}` says which counts"
    return [
        TagFault("forked", each[-1], f"{' and '.join(each)} were written at once, so nobody knows which counts", hint)
        for each in heirs.values()
        if len(each) > 1 and refs & {*each}
    ]
