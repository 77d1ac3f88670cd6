"""What one registry tag says: its parsed name, its body, and who made it when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# What a tag's name tells: GTO's grammar has no further kinds.
Action = Literal["register", "deregister", "assign", "unassign", "deprecate"]


@dataclass(frozen=True, slots=True)
class TagName:
    """The parts of a tag's name.

    `artifact` is the name as commands take it, `churn` or `models/nlp:churn`; `version` is `v1.2.0`-like, for register and
    deregister only; `environment` for assign and unassign only; `counter` is GTO's `#N`, None where there is none.
    """

    artifact: str
    action: Action
    version: str = ""
    environment: str = ""
    counter: int | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a tag: one sentence as GTO writes it, the reason a person gave, and facts.

    `facts` is empty for a tag that was not written by mlgit; `fault` says why the facts of a tag could not be read.
    """

    sentence: str = ""
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One annotated tag of the registry.

    `ref` is the tag's full name below refs/tags/, `oid` the id of the tag object, `target` what it points at (a commit, or
    for a tag of a tag that tag), `commit` the commit in the end; `time` is the tagger's, in seconds since 1970, and `zone`
    its offset as Git writes it (+0200); `is_signed` says that there is a signature, not that it is good.
    """

    name: TagName
    ref: str
    oid: str
    commit: str
    time: int
    author: str
    email: str
    body: Body
    target: str = ""
    zone: str = "+0000"
    is_signed: bool = False

    @property
    def previous(self) -> tuple[str, str] | None:
        """Name and object id of the artifact's event before this one, as its body says; None where it does not say."""
        found = self.body.facts.get("previous")
        name, _, oid = found.rpartition(" ") if isinstance(found, str) else ("", "", "")
        return (name, oid) if name else None
