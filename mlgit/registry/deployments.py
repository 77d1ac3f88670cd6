"""When a version was the current one of which environment, told from the events of its artifact in chain order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlgit.registry.audit import Holding
from mlgit.registry.event import Event


def version_of(event: Event, known: Mapping[str, Sequence[str]]) -> str:
    """The version that an event is about: by its name, else by its commit; of several registered there, the one it names."""
    at_commit = known.get(event.commit, ())
    told = event.body.facts.get("version")
    if event.name.version or len(at_commit) < 2 or told not in at_commit:
        return event.name.version or (at_commit[-1] if at_commit else "")
    return str(told)


def holdings(events: Iterable[Event], version: str) -> tuple[Holding, ...]:
    """The times in which a version was current, oldest first; `events` are those of one artifact in their order.

    As in GTO, a version that is unassigned gives its place back to the one before it, a version that is deregistered
    leaves every environment, and a deprecated artifact is nowhere.
    """
    ordered = tuple(events)
    known: dict[str, list[str]] = {}
    for each in ordered:
        if each.name.action == "register":
            known.setdefault(each.commit, []).append(each.name.version)
    stacks: dict[str, list[str]] = {}
    begun: dict[str, Event] = {}
    found: list[Holding] = []
    for event in ordered:
        _apply(stacks, event, version_of(event, known))
        for environment, stack in stacks.items():
            current = stack[-1] if stack else ""
            if current == version and environment not in begun:
                begun[environment] = event
            elif current != version and environment in begun:
                found.append(_holding(environment, begun.pop(environment), event))
    found += [_holding(environment, since, None) for environment, since in begun.items()]
    return tuple(sorted(found, key=lambda each: ordered.index(each.since)))


def _apply(stacks: dict[str, list[str]], event: Event, version: str) -> None:
    environment = event.name.environment
    match event.name.action:
        case "assign":
            stack = stacks.setdefault(environment, [])
            stack[:] = [*(each for each in stack if each != version), version]
        case "unassign":
            stack = stacks.setdefault(environment, [])
            stack[:] = [each for each in stack if each != version]
        case "deregister":
            for stack in stacks.values():
                stack[:] = [each for each in stack if each != version]
        case "deprecate":
            for stack in stacks.values():
                stack.clear()


def _holding(environment: str, since: Event, until: Event | None) -> Holding:
    override = since.body.facts.get("override")
    reason = override.get("reason") if isinstance(override, Mapping) else override
    return Holding(environment, since, until, reason if isinstance(reason, str) else "")
