"""Withdraws a version, or a whole model."""

from __future__ import annotations

from mlgit.commands import places
from mlgit.commands.model.open_registry import artifact_called, registry_of, version_of
from mlgit.commands.model.write_tag import KEEP, RefusedError, WriteOptions, WriteResult, write_tag
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry import grammar, plan
from mlgit.registry.event import TagName
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Check
from mlgit.registry.state import Artifact


def retire(version: str, *, reason: str = "", options: WriteOptions = KEEP) -> WriteResult:
    """Withdraw NAME@VERSION or NAME#ENVIRONMENT; with a bare NAME the whole model, until it is used again.

    Refused while it is in an environment.
    """
    project = places.place(version).project

    def rebuild() -> TagPlan:
        if "@" in version or "#" in version:
            return _version(project, version, reason=reason, sign=options.sign)
        artifact = artifact_called(project.git_root, registry_of(project.git_root), version)
        return _whole(artifact, version, reason=reason, sign=options.sign)

    return write_tag(project, rebuild, options)


def _whole(artifact: Artifact, asked: str, *, reason: str, sign: bool) -> TagPlan:
    following = f"`mlgit model show {artifact.name}`"
    if not artifact.is_active:
        return plan.nothing_new(artifact.name, artifact.events, done=f"{asked} is retired already", following=following)
    _require_out(artifact, "")
    newest = artifact.latest or (artifact.versions[-1] if artifact.versions else None)
    if newest is None:
        raise MlgitError(f"{artifact.name}: no version is registered", "there is nothing to retire")
    return plan.event(
        TagName(artifact.name, "deprecate"),
        version="",
        target=newest.commit,
        events=artifact.events,
        reason=reason,
        sign=sign,
        done=f"retired {asked}",
        following=following,
    )


def _version(project: Project, asked: str, *, reason: str, sign: bool) -> TagPlan:
    found = registry_of(project.git_root)
    withdrawn = version_of(project.git_root, found, asked)
    artifact = found.artifact(withdrawn.artifact)
    following = f"`mlgit model show {artifact.name}`"
    if not withdrawn.is_active:
        done, name = f"{asked} is retired already", withdrawn.name
        return plan.nothing_new(
            artifact.name, artifact.events, target=withdrawn.commit, version=name, done=done, following=following
        )
    _require_out(artifact, withdrawn.name)
    grammar.check_version(withdrawn.name)
    return plan.event(
        TagName(artifact.name, "deregister", withdrawn.name),
        version=withdrawn.name,
        target=withdrawn.commit,
        events=artifact.events,
        reason=reason,
        sign=sign,
        done=f"retired {asked}",
        following=following,
    )


def _require_out(artifact: Artifact, version: str) -> None:
    """DVC delivers what was assigned last, withdrawn or not: so first something else has to be there."""
    current = {name: stack[-1].version for name, stack in artifact.environments.items()}
    there = sorted(name for name, each in current.items() if version in ("", each))
    if there:
        label = f"{artifact.name}@{version}" if version else artifact.name
        back = f"`mlgit model rollback {artifact.name} {there[0]} --message WHY`"
        hint = f"{back}, `promote` another version, or `unassign` it first"
        raise RefusedError([Check("in use", False, f"{label} is in {', '.join(there)}", hint)], f"{label} is not retired")
