"""`mlgit model audit`: where a model comes from, and what of it is proven."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import click

from mlgit import errors
from mlgit.cli.model import lookup
from mlgit.cli.model.lookup import ResolvedVersion
from mlgit.cli.remote_options import timeout_option
from mlgit.commands import dates, registry_problems
from mlgit.registry import (
    audit,
    audit_document,
    audit_markdown,
    cyclonedx,
    holdings,
    intoto,
    leakage,
    read,
    recorded,
    state,
    whereabouts,
    witness,
)
from mlgit.registry.audit import Evidence, Gap, Place, Question
from mlgit.registry.event import Event
from mlgit.registry.facts import Facts
from mlgit.registry.whereabouts import Whereabouts

_FORMS = ("md", "json", "in-toto", "cyclonedx")


@click.command(
    epilog="Examples: `mlgit model audit churn@v1.2.0`, `mlgit model audit 'churn#prod' --at 2026-05-03`, "
    "`mlgit model audit model.skops`, `mlgit model audit 1f3a...`.",
    short_help="Tell where a model comes from, and what of it is proven.",
)
@click.argument("subject", metavar="NAME[@VERSION|#ENVIRONMENT]|FILE|DIGEST")
@click.option("--at", "when", metavar="DATE", help="With #ENVIRONMENT: what was there at that time (2026-05-03T10:00Z).")
@click.option("--format", "form", type=click.Choice(_FORMS), default="md", show_default=True, help="How to print it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@timeout_option()
def command(subject: str, *, when: str | None, form: str, as_json: bool) -> int:
    """Tell which data, code, parameters, environment, people and checks made a model, and where it was in use.

    The subject is a version, a file (a model, its data, its predictions) or a digest, md5 or sha256. The verdict stands
    first: PROVEN, or GAPS with what to do about each. Exit code 0 when all is proven, 1 for gaps and for content that
    belongs to no version, 2 where the DVC remote could not be asked for what is not here.
    """
    form = "json" if as_json else form
    at = dates.moment(when) if when else None
    found = lookup.find_content(subject) if lookup.is_content(subject) else lookup.find(subject, at=at)
    if found is None:
        return _say_unknown(subject, form)
    gathered = gather(found, Question(subject, found.matched, at))
    click.echo(_printed(gathered, form), nl=form != "md")
    if gathered.unasked:
        return errors.EXIT_CANNOT_ANSWER
    return errors.EXIT_NO if audit.gaps(gathered) else errors.EXIT_YES


def _say_unknown(subject: str, form: str) -> int:
    if form == "json":
        click.echo(json.dumps({"schema": 1, "verdict": "unknown", "asked": subject}, indent=2))
    else:
        click.echo(f"{subject}: belongs to no registered version", err=form != "md")
    return errors.EXIT_NO


def gather(found: ResolvedVersion, question: Question) -> Evidence:
    """Everything that is known of a version.

    Raises MlgitError when its commit cannot be read.
    """
    project, version = found.project, found.version
    tags = read.tags(project.git_root)
    registry = state.fold(tags.events, faults=tags.faults)
    artifact = registry.artifact(version.artifact)
    said = recorded.read(version.event)
    facts = _facts(found, {each.md5: each.rows for each in said.data if each.rows is not None})
    held = holdings.holdings(artifact.events, version.name)
    ends = {each.until.ref for each in held if each.until}
    after = artifact.events[artifact.events.index(version.event) + 1 :]
    later = tuple(each for each in artifact.events if each.ref in ends or _concerns(each, version.event, after))
    wrong = registry_problems.of_artifact(
        project.git_root, registry, artifact.name, tags=tags, published=read.published(project.git_root)
    )
    known = whereabouts.find(found.revision, facts)
    return Evidence(
        question,
        version.event,
        said,
        facts,
        witness.code(project.git_root, version.commit),
        places=known.places,
        unasked=_trouble(known, "unknown"),
        damage=_trouble(known, "damaged"),
        holdings=held,
        approvals=witness.approvals(project.git_root, version.event),
        trust=witness.trust(project.git_root, [version.event, *later]),
        chain=tuple(Gap(f"{each.ref}: {each.message}", each.hint) for each in wrong),
        later=later,
        leak=leakage.check(found.revision, facts, id_column=facts.id_column),
        card=found.revision.blob(said.card[0]) if said.card[0] else "",
    )


def _trouble(known: Whereabouts, place: Place) -> Gap | None:
    """Why bytes are not known, or how they are damaged, at the remote that was asked; None where none is."""
    if known.trouble is None or place not in known.places.values():
        return None
    return Gap(known.trouble.message, known.trouble.hint)


def _facts(found: ResolvedVersion, rows: Mapping[str, int]) -> Facts:
    """What the commit says; tables are read for their rows only where the tag does not tell them by digest."""
    facts = lookup.facts_of(found, rows=not rows)
    return replace(facts, data=tuple(replace(each, rows=rows.get(each.md5, each.rows)) for each in facts.data))


def _concerns(event: Event, registration: Event, after: Sequence[Event]) -> bool:
    """Whether an event tells what became of a version; `after` are those after its registration."""
    if event.ref == registration.ref:
        return False
    return event.commit == registration.commit or (event.name.action == "deprecate" and event in after)


def _printed(gathered: Evidence, form: str) -> str:
    if form == "md":
        return audit_markdown.render_audit(gathered)
    make = {"json": audit_document.document, "in-toto": intoto.statement, "cyclonedx": cyclonedx.bill}[form]
    return json.dumps(_finite(make(gathered)), indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    """Numbers that JSON has no word for become text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
