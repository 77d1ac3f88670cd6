"""Goes back to the last good version of an environment."""

from __future__ import annotations

from mlgit.commands import places, policy_inputs
from mlgit.commands.model.open_registry import artifact_called, registry_of
from mlgit.commands.model.promote import repeated
from mlgit.commands.model.write_tag import KEEP, RefusedError, WriteOptions, WriteResult, write_tag
from mlgit.errors import MlgitError, near_miss
from mlgit.registry import grammar, plan
from mlgit.registry.event import TagName
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Check
from mlgit.registry.state import Artifact, Version
from mlgit.revision.revisions import Revisions


def rollback(name: str, environment: str, *, reason: str, options: WriteOptions = KEEP) -> WriteResult:
    """Assign the version that was in an environment before the current one, and was not withdrawn.

    Gates are not asked again, but the bytes must be at hand: else it is refused.
    """
    project = places.place(name).project
    revisions = Revisions(project)
    grammar.check_environment(environment)

    def rebuild() -> TagPlan:
        artifact = artifact_called(project.git_root, registry_of(project.git_root), name)
        left, target = _target(artifact, environment)
        if fault := policy_inputs.fault_of_bytes(revisions, target):
            raise RefusedError([Check("bytes", False, fault.message, fault.hint)], f"{environment} stays at {left}")
        deciding = policy_inputs.in_force(revisions, target.commit)
        declared = deciding.config.environment(environment)
        # an environment that is not declared any more asks nothing: a rollback is an emergency
        trusted = declared is not None and declared.signed
        return plan.event(
            TagName(artifact.name, "assign", environment=environment),
            version=target.name,
            target=target.commit,
            events=artifact.events,
            kind="rollback",
            facts=repeated(target) | {"replaces": left, "config": deciding.commit},
            reason=reason,
            sign=options.sign or trusted,
            trusted=trusted,
            done=f"{target.artifact}: {environment} went back from {left} to {target.name}",
            following=f"`mlgit model retire {target.artifact}@{left}` keeps it from coming back",
        )

    with revisions:
        return write_tag(project, rebuild, options)


def _target(artifact: Artifact, environment: str) -> tuple[str, Version]:
    """The version that is left, and the one to go back to.

    Raises RefusedError where there is none, MlgitError for an environment where nothing ever was.
    """
    history = plan.stack(environment, artifact.events, artifact.meant)
    if not history:
        raise MlgitError(
            f"{artifact.name}: nothing is in '{environment}', and nothing can be gone back to"
            + near_miss(environment, artifact.environments),
            f"`mlgit model history {artifact.name}` shows what was where",
        )
    left = history[-1].version
    for held in reversed(history[:-1]):
        version = artifact.version(held.version)
        if version and version.is_active and version.name != left and not version.event.body.fault:
            return left, version
    hint = f"`mlgit model promote {artifact.name}@VERSION {environment}` names one"
    check = Check("target", False, f"before {left}, no version was in {environment} that is good to go back to", hint)
    raise RefusedError([check], f"{environment} stays at {left}")
