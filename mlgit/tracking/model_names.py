"""Names and numbers of the registry in MLflow's words: a version is a number there, and a name holds neither `/` nor `:`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mlgit.errors import MlgitError, near_miss
from mlgit.registry import grammar
from mlgit.registry.event import Event
from mlgit.registry.state import Artifact, Registry, Version


class NumberedVersion(NamedTuple):
    """A version that was registered, and its place among those of its model, in the order of their first registrations."""

    number: int
    version: Version


def of_artifact(name: str) -> str:
    """How MLflow is told the name of a model: `models/nlp:churn` is `models.nlp=churn`; others are as they are."""
    return name.replace(":", "=").replace("/", ".")


def artifact(registry: Registry, name: str) -> Artifact:
    """The model that MLflow calls so, or that is called so here.

    Raises MlgitError, with what to type, where there is none.
    """
    for each in registry.artifacts.values():
        if name in (of_artifact(each.name), each.name) and numbered(each):
            return each
    known = [of_artifact(each) for each in registry.artifacts]
    hint = "`mlgit model register NAME` registers a version; a clone without tags gets them by `git fetch --tags`"
    raise MlgitError(f"'{name}': no version is registered{near_miss(name, known)}", hint)


def numbered(artifact: Artifact) -> tuple[NumberedVersion, ...]:
    """The versions that were registered, in the order of that; one that is registered again keeps its number."""
    registered = {each.name: each for each in artifact.versions if each.is_registered}
    order = dict.fromkeys(event.name.version for event in artifact.events if event.name.action == "register")
    found = [registered[name] for name in order if name in registered]
    return tuple(NumberedVersion(number, each) for number, each in enumerate(found, 1))


def by_number(artifact: Artifact, number: str) -> NumberedVersion:
    """A version by its number, or by its name with or without the `v`.

    Raises MlgitError for one that there is not.
    """
    found = numbered(artifact)
    for each in found:
        if number in (str(each.number), each.version.name, each.version.name.removeprefix("v")):
            return each
    known = ", ".join(f"{each.number} is {each.version.name}" for each in found)
    raise MlgitError(f"'{artifact.name}': there is no version '{number}'", f"there are: {known}")


def in_environment(artifact: Artifact, environment: str) -> NumberedVersion:
    """What is in an environment now.

    Raises MlgitError where nothing is, or what was never registered.
    """
    assignment = artifact.current(environment)
    if assignment is None:
        known = ", ".join(sorted(artifact.environments)) or "none"
        close = near_miss(environment, artifact.environments)
        raise MlgitError(
            f"'{artifact.name}@{environment}': nothing is in '{environment}'{close}",
            f"environments with a version of it: {known}",
        )
    for each in numbered(artifact):
        if each.version.name == assignment.version:
            return each
    told = f"'{artifact.name}@{environment}': commit {assignment.version[:10]} is there, and is no version"
    raise MlgitError(told, f"`mlgit model register {artifact.name} {assignment.version[:10]}` makes it one")


def in_stage(artifact: Artifact, stage: str) -> NumberedVersion | None:
    """What MLflow asks for as the latest of a stage: a version's name, or an environment; None where that is empty."""
    if grammar.is_version(stage) or grammar.is_version(f"v{stage}"):
        return by_number(artifact, stage)
    return in_environment(artifact, stage) if artifact.current(stage) else None


def latest(artifact: Artifact) -> NumberedVersion | None:
    """The highest version that is not withdrawn."""
    highest = artifact.latest
    return next((each for each in numbered(artifact) if highest and each.version.name == highest.name), None)


def aliases(artifact: Artifact) -> Mapping[str, NumberedVersion]:
    """By environment, the version that is there."""
    known = {each.version.name: each for each in numbered(artifact)}
    current = {name: stack[-1].version for name, stack in artifact.environments.items() if stack}
    return {name: known[version] for name, version in current.items() if version in known}


def last_change(events: Iterable[Event]) -> int:
    """When the last of some events was, in seconds since 1970; 0 for none."""
    return max((event.time for event in events), default=0)
