"""What every writing use case of the registry ends with: a tag is planned, refused with its checks, written, or pushed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlgit import errors
from mlgit.project import Project
from mlgit.registry import publish, tag_message
from mlgit.registry.plan import TagPlan
from mlgit.registry.policy import Check, verdict
from mlgit.registry.publish import NotTrustedError, Published, Rebuild


class RefusedError(Exception):
    """The answer is no, or cannot be given: with every check that was made."""

    def __init__(self, checks: Sequence[Check], what: str) -> None:
        super().__init__(what)
        self.checks, self.what = tuple(checks), what


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How a tag is to be written: pushed or not and where, signed, or only planned.

    With `after_future_date` it may follow a tag whose date is yet to come.
    """

    push: bool = False
    remote: str = "origin"
    sign: bool = False
    dry_run: bool = False
    after_future_date: bool = False


KEEP = WriteOptions()


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What became of a tag that was asked for.

    Refused: `refusal` says what was not done, and `checks` are all that were made. Else there is a `plan`, and unless it was
    only planned, what was `published` of it. `is_shared` says that the repository has a remote at all.
    """

    options: WriteOptions
    plan: TagPlan | None = None
    published: Published | None = None
    is_shared: bool = True
    refusal: str = ""
    checks: tuple[Check, ...] = ()

    @property
    def artifact(self) -> str:
        """The name of the model; '' where it was refused."""
        return self.plan.artifact if self.plan else ""

    @property
    def version(self) -> str:
        """The version that the tag is about; '' where it was refused, or for a whole model."""
        return self.plan.version if self.plan else ""

    @property
    def remote(self) -> str:
        """Where the tags went, or would go."""
        return (self.published.remote if self.published else "") or self.options.remote

    @property
    def pushed(self) -> tuple[str, ...]:
        """The tags that went to the remote, in the order they were sent."""
        return self.published.pushed if self.published else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is worth knowing of the writing."""
        return self.published.notes if self.published else ()

    @property
    def verdict(self) -> str:
        """What the checks of a refusal come to; '' without one."""
        return verdict(self.checks) if self.plan is None else ""

    @property
    def exit_code(self) -> int:
        """Yes unless it was refused; a refusal that rests on what cannot be told is no answer."""
        if self.plan:
            return errors.EXIT_YES
        return errors.EXIT_NO if self.verdict == "fail" else errors.EXIT_CANNOT_ANSWER

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        if self.plan is None:
            rows = [
                {"name": each.name, "ok": each.ok, "detail": each.detail, "hint": each.hint, "warning": each.is_warning}
                for each in self.checks
            ]
            refused = {"tag": None, "refused": self.refusal, "verdict": self.verdict, "checks": rows}
            return {"schema": 1, "dry_run": self.options.dry_run, **refused}
        if self.published is None:
            return {"schema": 1, "dry_run": True, **_planned(self.plan)}
        return {
            "schema": 1,
            "dry_run": False,
            **_planned(self.plan),
            "oid": self.published.oid or None,
            "pushed": list(self.published.pushed),
            "remote": self.published.remote or None,
            "attempts": self.published.attempts,
            "notes": list(self.published.notes),
        }


def _planned(plan: TagPlan) -> dict[str, Any]:
    facts = tag_message.parse(plan.message).facts
    return {
        "artifact": plan.artifact,
        "event": facts.get("event"),
        "version": facts.get("version"),
        "tag": plan.ref or None,
        "target": plan.target or None,
        "body": plan.message,
    }


def write_tag(project: Project, rebuild: Rebuild, options: WriteOptions) -> WriteResult:
    """Write the tag of a plan as the options say. `rebuild` makes the plan, anew where another writer was faster; it refuses
    by raising RefusedError, which becomes a result."""
    root = project.git_root

    def dated() -> TagPlan:
        planned = rebuild()
        publish.require_past(planned, after_future_date=options.after_future_date)
        return planned

    try:
        if options.dry_run:
            return WriteResult(options, publish.preview(root, dated, remote=options.remote, push=options.push))
        done = (publish.send if options.push else publish.keep)(root, dated, remote=options.remote)
    except RefusedError as refused:
        return WriteResult(options, refusal=refused.what, checks=refused.checks)
    except NotTrustedError as error:
        return WriteResult(options, refusal="not written", checks=(Check("signature", False, error.message, error.hint),))
    return WriteResult(options, done.plan, done, done.is_shared)
