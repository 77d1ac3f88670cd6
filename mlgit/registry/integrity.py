"""The order of an artifact's events, and what is wrong with it: moved, deleted, forked, backdated and foreign tags.

Each tag that mlgit writes names the artifact's tag before it with its object id, so the tags of an artifact are a chain of
hashes: what was changed or taken away in the middle shows. The last tag could vanish unseen, but for the log (`log`).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from mlgit.registry import grammar
from mlgit.registry.event import Event

# How GTO orders events of one moment: what makes a version before what uses it.
_RANK = {"deprecate": 0, "register": 1, "deregister": 2, "assign": 3, "unassign": 4}
_A_DAY = 86_400


class TagFault(NamedTuple):
    """Something wrong with the registry: what kind, which tag, in words, and what to type."""

    kind: str
    ref: str
    message: str
    hint: str = ""
    artifact: str = ""


def order(events: Iterable[Event]) -> tuple[Event, ...]:
    """One artifact's events as they followed one another.

    An event comes after the one it names as its previous, whatever the clocks said; else by time, then by counter.
    """
    found = sorted(events, key=_key)
    places = {event.ref: place for place, event in enumerate(found)}
    befores = [places.get(link[0]) if (link := event.previous) else None for event in found]
    if all(before is None or before < place for place, before in enumerate(befores)):
        return tuple(found)
    return _reordered(found, befores)


def _reordered(found: list[Event], befores: list[int | None]) -> tuple[Event, ...]:
    """Events sorted by time, put after those they follow: of all such orders the one nearest to time."""
    after: dict[int, list[int]] = {}
    for place, before in enumerate(befores):
        if before is not None and before != place:
            after.setdefault(before, []).append(place)
    ready = [place for place, before in enumerate(befores) if before is None or before == place]
    heapq.heapify(ready)
    ordered: list[int] = []
    while ready:
        place = heapq.heappop(ready)
        ordered.append(place)
        for each in after.get(place, ()):
            heapq.heappush(ready, each)
    done = set(ordered)
    # those left over name each other, which no honest writer can make
    return tuple(found[place] for place in (*ordered, *(each for each in range(len(found)) if each not in done)))


def _key(event: Event) -> tuple[int, int, int, str]:
    return (event.time, event.name.counter or 0, _RANK[event.name.action], event.ref)


def is_ahead(time: int, *, now: int) -> bool:
    """Whether a date is so far from now that no clock is merely a little wrong; both in seconds since 1970."""
    return time > now + _A_DAY


def ahead(time: int, *, now: int) -> str:
    """How far a date is ahead, in words."""
    days = round((time - now) / _A_DAY)
    return f"{days // 365} years" if days >= 730 else f"{days} days" if days > 1 else "a day"


def too_early(artifact: str, events: Iterable[Event], *, now: int) -> list[TagFault]:
    """Tags whose date is yet to come: what follows them has to be dated later still."""
    hint = "whoever wrote it has a wrong clock, or pretends; `mlgit model` writes nothing upon it without --after-future-date"
    return [
        TagFault("future", event.ref, f"is dated {ahead(event.time, now=now)} ahead of this machine's clock", hint, artifact)
        for event in events
        if is_ahead(event.time, now=now)
    ]


def findings(artifact: str, events: Sequence[Event]) -> list[TagFault]:
    """What is wrong with the chain of one artifact's events, given in order."""
    by_ref = {event.ref: event for event in events}
    heirs: dict[str, list[str]] = {}
    found: list[TagFault] = []
    for event in events:
        if event.body.fault:
            hint = f"`git show {_quoted(event.ref)}` shows it; whoever wrote it has to say what it should be"
            found.append(TagFault("unreadable", event.ref, f"its text cannot be read: {event.body.fault}", hint))
        if event.previous:
            heirs.setdefault(" ".join(event.previous), []).append(event.ref)
            found += _broken_link(event, by_ref.get(event.previous[0]), *event.previous)
    for link, refs in heirs.items():
        if len(refs) > 1:
            found.append(_fork(link.partition(" ")[0], refs))
    starts = [event.ref for event in events if event.previous is None and event.body.facts]
    if len(starts) > 1:
        found.append(_fork("no other", starts))
    found += [_foreign(event) for event in strangers(events)]
    return [each._replace(artifact=artifact) for each in found]


def strangers(events: Sequence[Event]) -> list[Event]:
    """Tags of other tools that no tag of mlgit was written after, though mlgit had begun: their times may say anything.

    What mlgit's first tag names as its previous, and what came before that, is the history it began upon.
    """
    own = [place for place, event in enumerate(events) if event.body.facts or event.body.fault]
    if not own:
        return []
    places = {event.ref: place for place, event in enumerate(events)}
    named = {event.previous[0] for event in events if event.previous}
    link = events[own[0]].previous
    known = places.get(link[0], -1) if link else -1
    others = (event for place, event in enumerate(events) if place > known and not event.body.facts and not event.body.fault)
    return [event for event in others if event.ref not in named]


def _foreign(event: Event) -> TagFault:
    message = "written by another tool, so nothing proves when: its time may be made up (backdated)"
    hint = "write registry tags by `mlgit model` only, and protect them on the host"
    return TagFault("foreign", event.ref, message, hint)


def _broken_link(event: Event, before: Event | None, ref: str, oid: str) -> list[TagFault]:
    other = grammar.parse(ref)
    if other is None or other.artifact != event.name.artifact:
        message = f"it says that it follows {ref}, which is not a tag of its artifact"
        return [TagFault("unreadable", event.ref, message, "it was not written by mlgit: ask its author")]
    if before is None:
        hint = f"`git fetch --tags` brings it if only this clone lacks it; else restore it: `git tag {_quoted(ref)} {oid}`"
        return [TagFault("deleted", ref, f"is gone, and {event.ref} came after it", hint)]
    if before.oid != oid:
        hint = f"`git tag -f {_quoted(ref)} {oid}` puts back what {event.ref} was written after, if this clone still has it"
        message = f"was moved or edited: it is {before.oid[:10]}, and {event.ref} was written after {oid[:10]}"
        return [TagFault("moved", ref, message, hint)]
    if event.time <= before.time:
        message = f"its time is not after that of {before.ref}, which it follows: GTO and DVC take the wrong one for the last"
        return [TagFault("backdated", event.ref, message, "write the event again: `mlgit model` gives it a later time")]
    return []


def _fork(after: str, refs: Sequence[str]) -> TagFault:
    others = ", ".join(refs)
    hint = f"decide which counts; `mlgit model promote` (or `rollback`) says so in a new tag after {refs[-1]}"
    return TagFault("forked", refs[-1], f"{others} each say that they follow {after}: written by two clones at once", hint)


def useless(kind: str, ref: str, artifact: str, why: str, hint: str = "") -> TagFault:
    """A tag with a name of the registry that no tool may count."""
    return TagFault(kind, ref, f"{why}, so it counts for nothing", hint or f"`git tag -d {_quoted(ref)}`", artifact)


def first(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What the log said first of each tag: a tag is published once, and who moves it cannot make that undone."""
    found: dict[str, str] = {}
    for ref, oid in rows:
        found.setdefault(ref, oid)
    return found


def against_log(rows: Iterable[tuple[str, str]], tags: Mapping[str, str]) -> list[TagFault]:
    """Tags that the log of published events names and that are gone or other; `tags` are object ids by name."""
    found = []
    for ref, oid in first(rows).items():
        artifact = grammar.artifact_of(ref)
        if ref not in tags:
            hint = f"`git fetch --tags` brings it if only this clone lacks it; else restore it: `git tag {_quoted(ref)} {oid}`"
            found.append(TagFault("deleted", ref, "is gone, and the log says that it was published", hint, artifact))
        elif tags[ref] != oid:
            hint = f"`git tag -f {_quoted(ref)} {oid}` puts the published one back, if this clone still has it"
            found.append(TagFault("moved", ref, f"is not the tag that was published ({oid[:10]})", hint, artifact))
    return found


def _quoted(ref: str) -> str:
    return f"'{ref}'"
