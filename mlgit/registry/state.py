"""Events folded into what there is: versions, and which of them is in which environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from mlgit.errors import MlgitError, near_miss
from mlgit.registry import grammar, integrity
from mlgit.registry.event import Event
from mlgit.registry.grammar import Reference
from mlgit.registry.integrity import TagFault


class Version(NamedTuple):
    """A version of an artifact: `event` is its (last) registration.

    What was put into an environment without being registered is a version too, as in GTO: its name is the commit, its
    event the assignment, and `is_registered` is False. `is_active` is False after it was withdrawn.
    """

    artifact: str
    name: str
    commit: str
    event: Event
    is_active: bool = True
    is_registered: bool = True


class Assignment(NamedTuple):
    """A version in an environment, and the event that put it there last."""

    environment: str
    version: str
    event: Event


_NOWHERE: Mapping[str, tuple[Assignment, ...]] = {}


class Artifact(NamedTuple):
    """One model with its history.

    `versions` are in order of precedence, the highest last; `environments` hold, by name, the versions that are there as
    a stack, the current one last; `events` are in the order of the chain; `faults` are what is wrong with them, which
    degrades this artifact and no other.
    """

    name: str
    versions: tuple[Version, ...] = ()
    environments: Mapping[str, tuple[Assignment, ...]] = _NOWHERE
    is_active: bool = True
    events: tuple[Event, ...] = ()
    faults: tuple[TagFault, ...] = ()

    @property
    def latest(self) -> Version | None:
        """The highest version that is registered and not withdrawn."""
        return next((each for each in reversed(self.versions) if each.is_active and each.is_registered), None)

    def current(self, environment: str) -> Assignment | None:
        """What is in an environment now."""
        stack = self.environments.get(environment)
        return stack[-1] if stack else None

    def version(self, name: str) -> Version | None:
        """A version by its name."""
        return next((each for each in self.versions if each.name == name), None)

    def at(self, commit: str) -> Version | None:
        """The version that is registered at a commit; of several, the highest."""
        return next((each for each in reversed(self.versions) if each.commit == commit), None)

    def meant(self, event: Event) -> str:
        """The version that an event is about, '' where its commit has none."""
        if event.name.version:
            return event.name.version
        at_commit = [each for each in self.versions if each.commit == event.commit]
        return _meant(event, at_commit) if at_commit else ""


_NOTHING: Mapping[str, Artifact] = {}


class Registry(NamedTuple):
    """Every artifact by name."""

    artifacts: Mapping[str, Artifact] = _NOTHING

    def artifact(self, name: str) -> Artifact:
        """An artifact by name.

        Raises MlgitError, with what to type, for one that has no tag.
        """
        found = self.artifacts.get(name)
        if found is None:
            hint = f"`mlgit model register {name}` makes its first; a clone without tags gets them by `git fetch --tags`"
            below = [each for each in self.artifacts if each.rpartition(":")[2] == name]
            if below:  # of the projects of a monorepo, seen from its top
                raise MlgitError(f"'{name}': no version is registered here", f"in folders there are: {', '.join(below)}")
            raise MlgitError(f"'{name}': no version is registered{near_miss(name, self.artifacts)}", hint)
        return found

    def resolve(self, wanted: Reference) -> Version:
        """The version a reference means; a bare name means the latest.

        Raises MlgitError, with what to type, where there is none.
        """
        artifact = self.artifact(wanted.artifact)
        if wanted.environment:
            assignment = artifact.current(wanted.environment)
            found = artifact.version(assignment.version) if assignment else None
            if found is None:
                known = ", ".join(sorted(artifact.environments)) or "none"
                hint = f"environments with a version of it: {known}"
                close = near_miss(wanted.environment, artifact.environments)
                raise MlgitError(f"'{wanted}': nothing is in '{wanted.environment}'{close}", hint)
            return found
        if wanted.version in ("", grammar.LATEST):
            if artifact.latest is None:
                why = "every version is withdrawn" if artifact.versions else "no version is registered"
                raise MlgitError(f"'{wanted}': {why}", f"`mlgit model history {wanted.artifact}` tells more")
            return artifact.latest
        found = artifact.version(wanted.version)
        if found is None:
            names = [each.name for each in artifact.versions]
            hint = f"versions: {', '.join(names)}"
            raise MlgitError(f"'{wanted}': version not found{near_miss(wanted.version, names)}", hint)
        return found


def fold(events: Iterable[Event], *, at: int | None = None, faults: Iterable[TagFault] = ()) -> Registry:
    """The registry that these events make; with `at` (seconds since 1970) as it was at that moment.

    `faults` are tags that look like the registry's and count for nothing (`read.tags`): they degrade their artifact.
    """
    grouped: dict[str, list[Event]] = {}
    for event in events:
        if at is None or event.time <= at:
            grouped.setdefault(event.name.artifact, []).append(event)
    wrong: dict[str, list[TagFault]] = {}
    for fault in faults:
        wrong.setdefault(fault.artifact, []).append(fault)
    names = sorted(grouped.keys() | wrong.keys())
    return Registry({name: _artifact(name, integrity.order(grouped.get(name, ())), wrong.get(name, [])) for name in names})


def problems(artifact: Artifact, *, whole: Artifact | None = None) -> list[TagFault]:
    """Everything that is wrong with an artifact as its tags tell: its chain, and what its tags say that is not so.

    `whole` is the artifact with what was taken away or moved since.
    """
    found = [*artifact.faults, *integrity.findings(artifact.name, artifact.events)]
    return [*found, *judged(artifact, _contradictions, whole=whole or artifact), *_withdrawn(artifact)]


def judged(artifact: Artifact, judge: Callable[[Artifact], list[TagFault]], *, whole: Artifact) -> list[TagFault]:
    """What a judgement of events by those before them finds, where a tag that is gone or other now is a finding already.

    Every event is judged in the `whole` history, so that nothing is blamed for what was done to another tag; what took a
    tag's place is judged as it is here.
    """
    oids = {event.ref: event.oid for event in whole.events}
    moved = {event.ref for event in artifact.events if oids[event.ref] != event.oid}
    return judge(whole) + [each for each in (judge(artifact) if moved else []) if each.ref in moved]


def _contradictions(artifact: Artifact) -> list[TagFault]:
    found = []
    registered = {event.name.version: event.commit for event in artifact.events if event.name.action == "register"}
    for event in artifact.events:
        version, told = event.name.version, event.body.facts.get("version")
        meant = [version] if version else [each.name for each in artifact.versions if each.commit == event.commit]
        said = event.body.facts.get("event", event.kind)
        hint = "tools go by name and commit; write the event again by `mlgit model`"
        if told is not None and meant and told not in meant:
            message = f"its text is about {told}, and its name and commit are about {', '.join(meant)}"
            found.append(TagFault("contradiction", event.ref, message, hint, artifact.name))
        if said != event.kind:
            message = f"its text says {said}, and its name {event.name.action}"
            found.append(TagFault("contradiction", event.ref, message, hint, artifact.name))
        if event.name.action == "deregister" and registered.get(version, event.commit) != event.commit:
            message = f"it withdraws {version} at another commit than the one it was registered at, and GTO does not count it"
            hint = f"`mlgit model retire {artifact.name}@{version}` withdraws it for all tools"
            found.append(TagFault("contradiction", event.ref, message, hint, artifact.name))
    return found


def _withdrawn(artifact: Artifact) -> list[TagFault]:
    """Environments whose last assignment is of a version that was withdrawn since."""
    last: dict[str, Event] = {}
    for event in artifact.events:
        if event.name.action in ("assign", "unassign"):
            last[event.name.environment] = event
    found = []
    for environment, event in last.items():
        version = artifact.at(event.commit)
        if event.name.action == "assign" and version and not version.is_active:
            message = f"{version.name} was withdrawn and is what DVC still delivers as {environment}"
            hint = f"`mlgit model rollback {artifact.name} {environment} --message WHY`, or promote another version"
            found.append(TagFault("withdrawn", event.ref, message, hint, artifact.name))
    return found


def _artifact(name: str, events: tuple[Event, ...], faults: list[TagFault]) -> Artifact:
    versions = _versions(name, events)
    by_commit: dict[str, list[Version]] = {}
    for version in versions:
        by_commit.setdefault(version.commit, []).append(version)
    stacks = _stacks(events, by_commit)
    active = {version.name for version in versions if version.is_active}
    environments = {
        environment: tuple(each for each in stack.values() if each.version in active) for environment, stack in stacks.items()
    }
    return Artifact(
        name,
        versions,
        {environment: stack for environment, stack in sorted(environments.items()) if stack},
        is_active=not events or events[-1].name.action != "deprecate",
        events=events,
        faults=(*faults, *_shared_commits(name, by_commit)),
    )


def _versions(name: str, events: tuple[Event, ...]) -> tuple[Version, ...]:
    found: dict[str, Version] = {}
    for event in events:
        version = event.name.version
        if event.name.action == "register":
            found[version] = Version(name, version, event.commit, event)
        elif event.name.action == "deregister":
            before = found.get(version)
            found[version] = (before or Version(name, version, event.commit, event))._replace(is_active=False)
    registered = {version.commit for version in found.values()}
    for event in events:
        if event.name.action == "assign" and event.commit not in registered:
            found[event.commit] = Version(name, event.commit, event.commit, event, is_registered=False)
    return tuple(sorted(found.values(), key=lambda version: grammar.version_key(version.name)))


def _stacks(events: tuple[Event, ...], by_commit: Mapping[str, list[Version]]) -> dict[str, dict[str, Assignment]]:
    """By environment, the versions put there and not taken out, in the order they were put there last."""
    stacks: dict[str, dict[str, Assignment]] = {}
    for event in events:
        if event.name.action not in ("assign", "unassign"):
            continue
        stack = stacks.setdefault(event.name.environment, {})
        version = _meant(event, by_commit.get(event.commit, []))
        stack.pop(version, None)
        if event.name.action == "assign":
            stack[version] = Assignment(event.name.environment, version, event)
    return stacks


def _meant(event: Event, at_commit: list[Version]) -> str:
    """The version an environment's tag is about: the one at its commit. Of two, its text decides, else it is the highest."""
    if not at_commit:
        return event.commit
    if len(at_commit) > 1:
        told = event.body.facts.get("version")
        if any(each.name == told for each in at_commit):
            return str(told)
    return at_commit[-1].name


def _shared_commits(name: str, by_commit: Mapping[str, list[Version]]) -> list[TagFault]:
    found = []
    for commit, versions in by_commit.items():
        active = [each for each in versions if each.is_active]
        if len(active) > 1:
            names = ", ".join(each.name for each in active)
            message = f"{names} are all registered at commit {commit[:10]}: a tag of an environment cannot say which it means"
            late = max(active, key=lambda each: (bool(each.event.body.fault), each.event.time))
            hint = (
                f"if {late.name} was not meant, `git tag -d '{late.event.ref}'` here and on the host, for GTO cannot read the "
                f"registry else; if it was, `mlgit model retire {name}@{late.name}` and register it at a commit of its own"
            )
            found.append(TagFault("shared-commit", late.event.ref, message, hint, name))
    return found
