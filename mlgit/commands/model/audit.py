"""Gathers where a model comes from, and what of it is proven."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlgit import errors
from mlgit.commands import dates
from mlgit.commands.model import resolve_version
from mlgit.commands.model.resolve_version import ResolvedVersion
from mlgit.registry import (
    audit_document,
    audit_markdown,
    cyclonedx,
    deployments,
    git_provenance,
    intoto,
    leakage,
    locations,
    problems,
    read,
    state,
    tag_facts,
)
from mlgit.registry.audit import AuditGap, AuditQuestion, Evidence, Place, gaps
from mlgit.registry.event import Event
from mlgit.registry.facts import Facts
from mlgit.registry.locations import Whereabouts

FORMATS = ("md", "json", "in-toto", "cyclonedx")


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What is known of a version; no evidence where the subject is content that belongs to no registered version."""

    subject: str
    evidence: Evidence | None = None

    @property
    def exit_code(self) -> int:
        """Yes where all is proven; it cannot be told where the DVC remote could not be asked for what is not here."""
        if self.evidence is None:
            return errors.EXIT_NO
        if self.evidence.unasked:
            return errors.EXIT_CANNOT_ANSWER
        return errors.EXIT_NO if gaps(self.evidence) else errors.EXIT_YES

    def document(self) -> dict[str, Any]:
        """The answer as JSON: schema 1."""
        if self.evidence is None:
            return {"schema": 1, "verdict": "unknown", "asked": self.subject}
        return dict(_finite(audit_document.document(self.evidence)))

    def text(self, form: str = "md", *, libraries: Mapping[str, str] | None = None) -> str:
        """The answer in one of the formats; where there is no evidence, in words, for those that have none for that.

        `libraries`, name -> version, are what an image of the model is installed with: a bill of materials names them.
        """
        if form == "json":
            return json.dumps(self.document(), indent=2, allow_nan=False)
        if self.evidence is None:
            return f"{self.subject}: belongs to no registered version"
        if form == "md":
            return audit_markdown.render_audit(self.evidence)
        is_bill = form == "cyclonedx"
        made = cyclonedx.bill(self.evidence, libraries=libraries) if is_bill else intoto.statement(self.evidence)
        return json.dumps(_finite(made), indent=2, allow_nan=False)


def audit(subject: str, *, at: str | None = None) -> AuditResult:
    """Which data, code, parameters, environment, people and checks made a model, and where it was in use.

    The subject is a version, a file (a model, its data, its predictions) or a digest; `at` is a date, or a time in ISO 8601,
    for what was in an environment then. Raises MlgitError for a word that is none of these.
    """
    when = dates.moment(at) if at else None
    if resolve_version.is_content(subject):
        found = resolve_version.find_content(subject)
    else:
        found = resolve_version.find(subject, at=when)
    return AuditResult(subject, gathered(found, AuditQuestion(subject, found.matched, when)) if found else None)


def gathered(found: ResolvedVersion, question: AuditQuestion) -> Evidence:
    """Everything that is known of a version.

    Raises MlgitError when its commit cannot be read.
    """
    project, version = found.project, found.version
    there = {each.ref: each for artifact in found.registry.artifacts.values() for each in artifact.events}
    tags = read.tags(project.git_root, known=there)
    registry = state.fold(tags.events, faults=tags.faults)
    artifact = registry.artifact(version.artifact)
    said = tag_facts.read(version.event)
    facts = _facts(found, {each.md5: each.rows for each in said.data if each.rows is not None})
    held = deployments.holdings(artifact.events, version.name)
    ends = {each.until.ref for each in held if each.until}
    after = artifact.events[artifact.events.index(version.event) + 1 :]
    later = tuple(each for each in artifact.events if each.ref in ends or _concerns(each, version.event, after))
    wrong = problems.of_artifact(
        project.git_root, registry, artifact.name, tags=tags, published=read.published(project.git_root)
    )
    known = locations.find(found.revision, facts)
    return Evidence(
        question,
        version.event,
        said,
        facts,
        git_provenance.code(project.git_root, version.commit),
        places=known.places,
        unasked=_trouble(known, "unknown"),
        damage=_trouble(known, "damaged"),
        holdings=held,
        approvals=git_provenance.approvals(project.git_root, version.event),
        trust=git_provenance.trust(project.git_root, [version.event, *later]),
        chain=tuple(AuditGap(f"{each.ref}: {each.message}", each.hint) for each in wrong),
        later=later,
        leak=leakage.check(found.revision, facts, keys=facts.keys),
        card=found.revision.blob(said.card[0]) if said.card[0] else "",
    )


def _trouble(known: Whereabouts, place: Place) -> AuditGap | None:
    """Why bytes are not known, or how they are damaged, at the remote that was asked; None where none is."""
    if known.trouble is None or place not in known.places.values():
        return None
    return AuditGap(known.trouble.message, known.trouble.hint)


def _facts(found: ResolvedVersion, rows: Mapping[str, int]) -> Facts:
    """What the commit says; tables are read for their rows only where the tag does not tell them by digest."""
    facts = resolve_version.facts_of(found, rows=not rows)
    return replace(facts, data=tuple(replace(each, rows=rows.get(each.md5, each.rows)) for each in facts.data))


def _concerns(event: Event, registration: Event, after: Sequence[Event]) -> bool:
    """Whether an event tells what became of a version; `after` are those after its registration."""
    if event.ref == registration.ref:
        return False
    return event.commit == registration.commit or (event.name.action == "deprecate" and event in after)


def _finite(value: Any) -> Any:
    """Numbers that JSON has no word for become text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
