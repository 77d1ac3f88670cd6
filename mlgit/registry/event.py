"""What one registry tag says: its parsed name, its text, and who made it when."""

from __future__ import annotations

from typing import Literal, NamedTuple

from mlgit.registry import tag_message as bodies
from mlgit.registry.tag_message import Body

__all__ = ["Action", "Body", "Event", "TagName"]

# What a tag's name tells: GTO's grammar has no further kinds.
Action = Literal["register", "deregister", "assign", "unassign", "deprecate"]


class TagName(NamedTuple):
    """The parts of a tag's name (named tuples, for there may be thousands).

    `artifact` is the name as commands take it, `churn` or `models/nlp:churn`; `version` is `v1.2.0`-like, for register and
    deregister only; `environment` for assign and unassign only; `counter` is GTO's `#N`, None where there is none.
    """

    artifact: str
    action: Action
    version: str = ""
    environment: str = ""
    counter: int | None = None


class Event(NamedTuple):
    """One annotated tag of the registry.

    `ref` is the tag's full name below refs/tags/, `oid` the id of the tag object, `target` what it points at (a commit, or
    for a tag of a tag that tag), `commit` the commit in the end; `time` is the tagger's, in seconds since 1970, and `zone`
    its offset as Git writes it (+0200); `text` is the whole message; `is_signed` says that there is a signature, not that
    it is good.
    """

    name: TagName
    ref: str
    oid: str
    commit: str
    time: int
    author: str
    email: str
    text: str = ""
    target: str = ""
    zone: str = "+0000"
    is_signed: bool = False

    @property
    def body(self) -> Body:
        """The text, parsed."""
        return bodies.with_reason(bodies.parse(self.text))

    @property
    def kind(self) -> str:
        """What was done: the action of the name, or `rollback` for an assignment whose text says that it is one."""
        return "rollback" if self.name.action == "assign" and self.body.facts.get("event") == "rollback" else self.name.action

    @property
    def previous(self) -> tuple[str, str] | None:
        """Name and object id of the artifact's event before this one, as its body says; None where it does not say."""
        return bodies.previous(self.text)
