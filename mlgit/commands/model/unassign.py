"""Takes out what is in an environment."""

from __future__ import annotations

from mlgit.commands import places
from mlgit.commands.model.open_registry import artifact_called, registry_of
from mlgit.commands.model.write_tag import KEEP, WriteOptions, WriteResult, write_tag
from mlgit.errors import MlgitError, near_miss
from mlgit.registry import grammar, plan
from mlgit.registry.event import TagName
from mlgit.registry.plan import TagPlan


def unassign(name: str, environment: str, *, reason: str = "", options: WriteOptions = KEEP) -> WriteResult:
    """Take the current version of a model out of an environment; the one before it, if any, is there again."""
    project = places.place(name).project
    grammar.check_environment(environment)

    def rebuild() -> TagPlan:
        artifact = artifact_called(project.git_root, registry_of(project.git_root), name)
        current = artifact.current(environment)
        if current is None:
            raise MlgitError(
                f"{artifact.name}: nothing is in '{environment}'{near_miss(environment, artifact.environments)}",
                f"environments with a version of it: {', '.join(artifact.environments) or 'none'}",
            )
        before = [each.version for each in artifact.environments[environment][:-1]]
        now = f"{before[-1]} is there again" if before else "nothing is there now"
        return plan.event(
            TagName(artifact.name, "unassign", environment=environment),
            version=current.version,
            target=current.event.commit,
            events=artifact.events,
            reason=reason,
            sign=options.sign,
            done=f"took {artifact.name}@{current.version} out of {environment}; {now}",
            following=f"`mlgit model show {artifact.name}`",
        )

    return write_tag(project, rebuild, options)
