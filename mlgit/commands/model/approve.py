"""Approves a version: a tag on its tag, by the person who calls."""

from __future__ import annotations

from dataclasses import replace

from mlgit.commands import places, policy_inputs
from mlgit.commands.model.open_registry import registry_of, version_of
from mlgit.commands.model.write_tag import KEEP, RefusedError, WriteOptions, WriteResult, write_tag
from mlgit.registry import approvals
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Check


def approve(version: str, *, reason: str = "", options: WriteOptions = KEEP) -> WriteResult:
    """Approve NAME@VERSION or NAME#ENVIRONMENT. Its author and who registered it cannot: that is refused."""
    project = places.place(version).project
    mine = approvals.me(project.git_root)

    def rebuild() -> TagPlan:
        found = version_of(project.git_root, registry_of(project.git_root), version)
        label = f"{found.artifact}@{found.name}"
        authors = {found.event.email.lower(), policy_inputs.author(project, found.commit).lower()}
        checks = [
            Check("registered", found.is_active, "" if found.is_active else f"{label} was withdrawn"),
            Check(
                "another person",
                mine.lower() not in authors,
                f"{mine} made or registered it",
                "somebody else has to approve it",
            ),
        ]
        if not all(each.ok for each in checks):
            raise RefusedError([each for each in checks if not each.ok], f"{label} is not approved")
        existing = approvals.of(project.git_root, found)
        planned = approvals.plan(found, existing, by=mine, reason=reason, sign=options.sign)
        done = f"{mine} {'approves' if planned.ref else 'has approved'} {label}"
        return replace(planned, done=done, following=f"`mlgit model promote {label} ENVIRONMENT`")

    return write_tag(project, rebuild, options)
