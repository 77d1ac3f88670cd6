"""Approvals: tags on the tag of a version, each by one person, signed or not."""

from __future__ import annotations

import re
from pathlib import Path

from mlgit.adapters.git import git, tags
from mlgit.registry.fact_writer import facts
from mlgit.registry.grammar import APPROVALS
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Approval
from mlgit.registry.state import Version
from mlgit.registry.tag_message import Body, render


def folder(version: Version) -> str:
    """Where the approvals of a version lie, below refs/tags/."""
    return f"{APPROVALS}{version.artifact.replace(':', '=')}/{version.name}"


def of(root: Path, version: Version) -> tuple[Approval, ...]:
    """Every approval of a version; a signature counts where Git trusts its key."""
    found = []
    for each in tags.below(root, folder(version)):
        proven = tags.verify(root, each.oid) if each.is_signed else None
        signer = proven.signer if proven and proven.is_good else ""
        found.append(Approval(each.name, each.oid, each.target, each.email, signer))
    return tuple(found)


def me(root: Path) -> str:
    """The e-mail address that a tag written now would bear."""
    git.require_identity(root)
    found = re.search(r"<(.*)>", git.line(root, "var", "GIT_COMMITTER_IDENT"))
    return found[1] if found else ""


def plan(version: Version, existing: tuple[Approval, ...], *, by: str, reason: str = "", sign: bool = False) -> TagPlan:
    """The tag by which a person approves a version; one of theirs that is there already is not written twice."""
    upon = ((version.event.ref, version.event.oid),)
    mine = [each for each in existing if each.of == version.event.oid and each.email.lower() == by.lower()]
    known = next((each for each in mine if each.signer or not sign), None)
    if known:
        return TagPlan(version.artifact, "", version.event.oid, "", upon=(*upon, (known.ref, known.oid)))
    label = f"{version.artifact}@{version.name}"
    said = facts("approve", version=version.name) | {
        "artifact": version.artifact,
        "of": f"{version.event.ref} {version.event.oid}",
    }
    return TagPlan(
        artifact=version.artifact,
        ref=_free(f"{folder(version)}/{_slug(by)}", {each.ref for each in existing}),
        target=version.event.oid,
        message=render(Body(f"Approving {label}", reason, said)),
        not_before=version.event.time + 1,
        latest=version.event.ref,
        sign=sign,
        upon=upon,
    )


def _slug(email: str) -> str:
    """A person's address as part of a tag's name."""
    return re.sub(r"[^a-z0-9]+", "-", email.lower()).strip("-") or "somebody"


def _free(name: str, taken: set[str]) -> str:
    number = 1
    while (found := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return found
