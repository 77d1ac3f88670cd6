"""Did every promotion show what the policy in force asked? Told from tags alone, so that a tag made by hand stands out.

What a promotion wrote of its gates and checks is believed as far as its tag is: whoever may write tags of an environment
can also write facts into them. What can be seen without believing them is looked at: the order of environments, approvals
(tags of their own), what the version had to be compared with, and signatures.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mlgit.config import Environment
from mlgit.registry import integrity, plan, tag_facts
from mlgit.registry.event import Event
from mlgit.registry.integrity import TagFault
from mlgit.registry.policy import Approval, Case, counted
from mlgit.registry.state import Artifact


class Ruling(NamedTuple):
    """What an event is held against: the environment as mlgit.yaml declared it (None where it did not), and at which commit."""

    environment: Environment | None
    commit: str


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is known beside the tags: approvals by the id of their tag, authors by commit, and events without a card."""

    approvals: Mapping[str, Approval] = field(default_factory=dict)
    authors: Mapping[str, str] = field(default_factory=dict)
    without_card: frozenset[str] = frozenset()


def asks_beyond_signature(environment: Environment | None) -> bool:
    """Whether there is anything that a promotion has to show but its signature; one that is not declared takes none."""
    if environment is None:
        return True
    asked = (environment.promotes_from, environment.gates, environment.card != "none", environment.approvals)
    return any((*asked, environment.retrievable, environment.scan))


def findings(artifact: Artifact, *, rulings: Mapping[str, Ruling], witnesses: Witnesses) -> list[TagFault]:
    """Promotions and rollbacks that do not show what was asked; `rulings` are for the events to be looked at, by ref."""
    # nobody can tell whether a writer saw these: wherever their times put them, what holds with or without them holds
    strangers = {event.ref for event in integrity.strangers(artifact.events)}
    pasts = (_Past(artifact), _Past(artifact)) if strangers else (_Past(artifact),)
    found: list[TagFault] = []
    for event in artifact.events:
        ruling = rulings.get(event.ref)
        if ruling and event.name.action == "assign" and not event.body.fault:
            found += _unsigned(event, ruling)
            if event.kind == "rollback":
                missing = list(_of_rollback(artifact, event, pasts))
            elif asks_beyond_signature(ruling.environment):
                missing = list(_of_promotion(artifact, event, ruling.environment, pasts, witnesses))
            else:
                missing = []
            if missing:
                found.append(_finding(event, ruling, missing))
        for past in pasts[1:] if event.ref in strangers else pasts:
            past.add(event)
    return found


def _finding(event: Event, ruling: Ruling, missing: Sequence[str]) -> TagFault:
    asked = f"what mlgit.yaml of {ruling.commit[:10]} asks of {event.name.environment}" if ruling.commit else "what is asked"
    message = f"does not show {asked}: {'; '.join(missing)}"
    hint = (
        "it was written past `mlgit model promote`: protect these tags on the host; "
        f"`mlgit model rollback {event.name.artifact} {event.name.environment} --message WHY` goes back"
    )
    return TagFault("policy", event.ref, message, hint, event.name.artifact)


def _unsigned(event: Event, ruling: Ruling) -> list[TagFault]:
    if event.is_signed or ruling.environment is None or not ruling.environment.signed:
        return []
    message = f"not signed, and mlgit.yaml of {ruling.commit[:10]} asks for signed promotions to {event.name.environment}"
    hint = f"`mlgit model promote {event.name.artifact}@VERSION {event.name.environment} --sign` writes a signed one"
    return [TagFault("unsigned", event.ref, message, hint, event.name.artifact)]


class _Past:
    """What was where before an event, kept while events are gone through in order."""

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self.events: list[Event] = []
        self.held: dict[str, set[str]] = {}  # the environments that a commit was in
        self.registered: dict[str, Event] = {}
        self.withdrawn: set[str] = set()
        self._stacks: dict[str, dict[str, None]] = {}

    def current(self, environment: str) -> str:
        """The version in an environment, '' for none."""
        stack = self._stacks.get(environment, {})
        return next((each for each in reversed(stack) if each not in self.withdrawn), "")

    def add(self, event: Event) -> None:
        """Go on by one event."""
        self.events.append(event)
        version, environment = self._artifact.meant(event), event.name.environment
        if event.name.action == "register":
            self.registered[version] = event
            self.withdrawn.discard(version)
        elif event.name.action == "deregister":
            self.withdrawn.add(version)
        elif environment:
            stack = self._stacks.setdefault(environment, {})
            stack.pop(version, None)
            if event.name.action == "assign":
                stack[version] = None
                self.held.setdefault(event.commit, set()).add(environment)


def _of_rollback(artifact: Artifact, event: Event, pasts: Sequence[_Past]) -> Iterator[str]:
    """A rollback asks no gates, but it goes back: to what was there, for a reason."""
    environment, version = event.name.environment, artifact.meant(event)
    ways_back = (plan.stack(environment, past.events, artifact.meant)[:-1] for past in pasts)
    if not any(each.version == version for held in ways_back for each in held):
        yield f"it says that it rolls back, and {version or event.commit[:10]} is none that {environment} could go back to"
    if not event.body.reason:
        yield "a rollback gives its reason"


def _of_promotion(
    artifact: Artifact, event: Event, environment: Environment | None, pasts: Sequence[_Past], witnesses: Witnesses
) -> Iterator[str]:
    version = artifact.meant(event)
    registration = next((past.registered[version] for past in pasts if version in past.registered), None)
    if registration is None:
        yield f"{version or event.commit[:10]} was not registered before"
    elif all(version in past.withdrawn for past in pasts):
        yield f"{version} was withdrawn before"
    if environment is None:
        yield "it declares no such environment"
        return
    said = tag_facts.read(event)
    if said.override:
        return  # against policy, for a reason that is shown
    yield from _of_gate(event, said.gate, environment, pasts)
    before = environment.promotes_from
    if before and not any(before in past.held.get(event.commit, ()) for past in pasts):
        yield f"{version or event.commit[:10]} was never in {before} before"
    if environment.card != "none" and event.ref in witnesses.without_card:
        yield "the card that it names is not in its commit" if any(said.card) else "there is no card in its commit"
    if environment.scan and said.model and said.model.executes_code:
        yield "loading the model can run code"
    if environment.approvals and registration:
        yield from _of_approvals(event, environment, registration, witnesses)


def _of_gate(event: Event, gate: Mapping[str, Any], environment: Environment, pasts: Sequence[_Past]) -> Iterator[str]:
    if not isinstance(gate.get("result"), str):
        yield "it says nothing of gates and checks"
        return
    if gate["result"] != "pass" or gate.get("not_met"):
        named = gate.get("not_met")
        words = f" ({', '.join(map(str, named))})" if isinstance(named, list) and named else ""
        yield f"its checks ended with '{gate['result']}'{words}, and no reason for that is given"
    if not environment.gates:
        return
    rules = gate.get("rules")
    rows = [each for each in rules if isinstance(each, Mapping)] if isinstance(rules, list) else []
    if not rows:
        yield "no gate was judged"
    failed = [str(each.get("id")) for each in rows if each.get("result") != "pass"]
    if failed and gate["result"] == "pass":
        yield f"gates did not pass: {', '.join(failed)}"
    there = [past.current(event.name.environment) for past in pasts]
    wanted = [f"{event.name.artifact}@{each}" if each else "" for each in there]
    if gate.get("baseline", "") not in wanted:
        yield f"it was judged against {gate.get('baseline') or 'nothing'}, and {wanted[0] or 'nothing'} was there"


def _of_approvals(event: Event, environment: Environment, registration: Event, witnesses: Witnesses) -> Iterator[str]:
    rows = event.body.facts.get("approvals")
    oids = [str(row.get("oid")) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
    known = tuple(witnesses.approvals[oid] for oid in dict.fromkeys(oids) if oid in witnesses.approvals)
    case = Case(
        environment=environment,
        reference=f"{event.name.artifact}@{registration.name.version}",
        tag=registration.oid,
        approvals=known,
        authors=frozenset({registration.email, witnesses.authors.get(event.commit, "")}),
    )
    people = len(counted(case))
    if people < environment.approvals:
        yield f"{people} of {environment.approvals} approvals that count"
