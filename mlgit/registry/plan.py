"""The next tag of an artifact: its name, time, text, and what is in its way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlgit.errors import MlgitError
from mlgit.registry import fact_writer, grammar, tag_message
from mlgit.registry.event import Event, TagName
from mlgit.registry.tag_message import Body


@dataclass(frozen=True, slots=True)
class TagPlan:
    """A tag to be written: its name below refs/tags/, what it points at, its text, and its time if that is not now.

    `not_before` is the earliest time it may have, so that tags sort by time as they follow one another, and `latest` the tag
    that this is a second after. `trusted` asks for
    a signature by a key that Git trusts. `upon` are the tags it stands upon, names and object ids: the artifact's events in
    chain order, and approvals. An empty `ref` is a plan with nothing new, only with what it stands upon.
    `version` is the one it is about. `done` is the sentence for when it is carried out, and `following` the command after it.
    """

    artifact: str
    ref: str
    target: str
    message: str
    not_before: int = 0
    latest: str = ""
    sign: bool = False
    trusted: bool = False
    upon: tuple[tuple[str, str], ...] = ()
    version: str = ""
    done: str = ""
    following: str = ""


SENTENCES = {
    "register": "Registering artifact {artifact} version {version}",
    "deregister": "Deregistering artifact {artifact} version {version}",
    "assign": "Assigning stage {environment} to artifact {artifact} version {version}",
    "unassign": "Unassigning stage '{environment}' to artifact '{artifact}' version '{version}'",
    "deprecate": "Deprecating artifact '{artifact}'",
}


def event(
    name: TagName,
    *,
    version: str,
    target: str,
    events: Sequence[Event],
    facts: Mapping[str, Any] | None = None,
    kind: fact_writer.Kind | None = None,
    reason: str = "",
    sign: bool = False,
    trusted: bool = False,
    also: tuple[tuple[str, str], ...] = (),
    done: str = "",
    following: str = "",
) -> TagPlan:
    """The plan for an event upon the events of its artifact (in chain order), whose name gets the number after theirs.

    `version` is the one it is about; `also` are further tags that it stands upon. Its facts begin with what every event says,
    whose `kind` is the name's unless it is given.
    """
    name = counted(name, events)
    written = fact_writer.facts(kind or name.action, version=version, previous=previous(events)) | dict(facts or {})
    last = max(events, key=lambda each: each.time, default=None)
    sentence = SENTENCES[name.action].format(artifact=name.artifact, version=version, environment=name.environment)
    return TagPlan(
        artifact=name.artifact,
        ref=grammar.format(name),
        target=target,
        message=tag_message.render(Body(sentence, reason, written)),
        not_before=last.time + 1 if last else 0,
        latest=last.ref if last else "",
        sign=sign,
        trusted=trusted,
        upon=(*upon(events), *also),
        version=version,
        done=done,
        following=following,
    )


def nothing_new(
    artifact: str, events: Iterable[Event], *, target: str = "", version: str = "", done: str = "", following: str = ""
) -> TagPlan:
    """The plan where what was asked is so already, and only what it stands upon may have to be pushed."""
    return TagPlan(artifact, "", target, "", upon=upon(events), version=version, done=done, following=following)


def upon(events: Iterable[Event]) -> tuple[tuple[str, str], ...]:
    """Tags by name and object id."""
    return tuple((each.ref, each.oid) for each in events)


def counted(name: TagName, events: Iterable[Event]) -> TagName:
    """The name with the number that GTO would give it: one more than any of the artifact's.

    A version's first registration and withdrawal, and the first deprecation, have none, as in GTO.
    """
    found = list(events)
    is_bare = name.action in ("register", "deregister", "deprecate")
    if is_bare and grammar.format(name) not in {each.ref for each in found}:
        return name
    highest = max((each.name.counter or 0 for each in found), default=0)
    return TagName(name.artifact, name.action, name.version, name.environment, highest + 1)


def previous(events: Sequence[Event]) -> str:
    """`TAG OID` of the artifact's last event, '' for the first."""
    return f"{events[-1].ref} {events[-1].oid}" if events else ""


def check_free(ref: str, taken: Iterable[str]) -> None:
    """Raise MlgitError where a tag's name differs from another's in case only, or one is a folder of the other.

    The first is one file on many machines, the second cannot be stored by Git.
    """
    folded = ref.casefold()
    parents = {folded[:end] for end, char in enumerate(folded) if char == "/"}
    for other in taken:
        known = other.casefold()
        if other != ref and known == folded:
            raise MlgitError(f"the tag {ref} differs from {other} in case only", f"write the name as in {other}")
        if known in parents or known.startswith(f"{folded}/"):
            raise MlgitError(
                f"the tags {ref} and {other} cannot both exist: one is a folder of the other", "choose another name"
            )
        _check_artifact(ref, other)


def _check_artifact(ref: str, other: str) -> None:
    one, two = ref.partition("@" if "@" in ref else "#")[0], other.partition("@" if "@" in other else "#")[0]
    if one != two and one.casefold() == two.casefold() and grammar.parse(other):
        raise MlgitError(f"the artifact of {ref} differs from that of {other} in case only", f"write the name as in {other}")


@dataclass(frozen=True, slots=True)
class Held:
    """A version's time in an environment, and the event that began it."""

    version: str
    event: Event


def stack(environment: str, events: Sequence[Event], meant: Callable[[Event], str]) -> tuple[Held, ...]:
    """Versions that an environment can go back to, in the order they came, the one there now last.

    `meant` tells which version an event is about. A version that was left by a rollback, or was withdrawn, is no place to go
    back to until it is promoted again: so rollbacks go down the history and never flip between two.
    """
    found: list[Held] = []
    for each in events:
        if each.name.action == "deregister":
            found = [*(held for held in found[:-1] if held.version != each.name.version), *found[-1:]]
        if each.name.environment != environment:
            continue
        version = meant(each) or str(each.body.facts.get("version") or "")
        if each.name.action == "unassign":
            found = [held for held in found if held.version != version]
        elif each.name.action == "assign":
            if each.body.facts.get("event") == "rollback":
                found = _gone_back(found, version)
            found.append(Held(version, each))
    return tuple(found)


def _gone_back(found: list[Held], version: str) -> list[Held]:
    """What is left below a version that was gone back to: what came before it, without the version that was left."""
    places = [index for index, held in enumerate(found) if held.version == version]
    below = found[: places[-1]] if places else found
    return [held for held in below if held.version not in (found[-1].version, version)] if found else []
