"""`mlgit card`: write model cards, and say what is stale or missing in them."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.system import files
from mlgit.cards import index as pages
from mlgit.cards import profiles, write
from mlgit.cli.error_boundary import use_color
from mlgit.commands.card import Examination, examine, judged_by, model_named
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry import read, state
from mlgit.render.terminal import paint, table
from mlgit.render.text import count, plain
from mlgit.revision.revisions import Revisions

PROFILES = ("hf", "annex-iv")


@click.group(
    epilog="Examples: `mlgit card build`, `mlgit card check tumor`, `mlgit card check --json`.",
    short_help="Write model cards, and check that they are true.",
)
def command() -> None:
    """Model cards: made from what is recorded, and from what people say in cards/NAME.yaml."""


@command.command(epilog="Examples: `mlgit card build`, `mlgit card build churn --reviewed limitations`.")
@click.argument("name", required=False)
@click.option("--reviewed", multiple=True, metavar="SECTION", help="Mark a section (or `all`) as read for today's data.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def build(name: str | None, reviewed: tuple[str, ...], *, dry_run: bool, as_json: bool) -> int:
    """Write the card of NAME, or of every model in mlgit.yaml, with its plots, and say what it lacks.

    What people have to say comes from cards/NAME.yaml. --reviewed writes into that file that a person has read a section
    and found it right for the training data of today; when the data change, the section needs review.
    """
    revisions = Revisions(projects.find())
    project = revisions.project
    rows = []
    for each in _names(project, name):
        examined = examine(revisions, each, anew=True)
        if reviewed and not dry_run:
            write.stamp(project, examined.material.facts, model=examined.material.model, sections=reviewed)
            revisions.reopen_workspace()
            examined = examine(revisions, each, anew=True)
        changed = list(examined.differing) if dry_run else write.write(project, examined.card, examined.found)
        rows.append((examined, changed))
    if as_json:
        cards = [{**_document(examined), "written": changed} for examined, changed in rows]
        click.echo(json.dumps({"schema": 1, "dry_run": dry_run, "cards": cards}, indent=2))
        return errors.EXIT_YES
    for examined, changed in rows:
        verb = "would write" if dry_run else "wrote"
        click.echo(f"{verb} {plain(', '.join(changed))}" if changed else f"{plain(examined.card.path)} is up to date")
        _show_gaps(examined)
    return errors.EXIT_YES


@command.command(epilog="Examples: `mlgit card check`, `mlgit card check churn --profile annex-iv`, `mlgit card check --json`.")
@click.argument("name", required=False)
@click.option("--profile", type=click.Choice(PROFILES), help="Print every field of a profile and who fills it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(name: str | None, profile: str | None, *, as_json: bool) -> int:
    """Make the card of NAME, or of every model, in memory and compare it with the one that is there, byte by byte.

    Exit code 0 when it is the same and lacks nothing; 1 when it is stale, or when a section is missing, a placeholder, or
    was read for other training data; 2 when it cannot be made, for example because stages are stale.
    """
    revisions = Revisions(projects.find())
    project = revisions.project
    found = [examine(revisions, each) for each in _names(project, name)]
    if profile:
        found = [judged_by(each, profile) for each in found]
    good = all(each.is_complete for each in found)
    if as_json:
        cards = [{**_document(each), **_profile_document(each, profile)} for each in found]
        click.echo(json.dumps({"schema": 1, "good": good, "cards": cards}, indent=2))
    else:
        for each in found:
            _show(each, profile)
    return errors.EXIT_YES if good else errors.EXIT_NO


@command.command(epilog="Examples:\n\n  mlgit card index\n\n  mlgit card index -o MODELS.md")
@click.option("-o", "--output", metavar="FILE", help="Write the page to FILE (links to cards are made for its place).")
def index(output: str | None) -> int:
    """Print a Markdown page of all models: which version is in which environment, every version, and its metrics."""
    revisions = Revisions(projects.find())
    project = revisions.project
    config = projects.load_config(project)
    tags = read.tags(project.git_root)
    artifacts = tuple(state.fold(tags.events, faults=tags.faults).artifacts.values())
    place = Path(os.path.abspath(output or "index.md"))
    at = place.as_posix()
    cards = {}
    for artifact in artifacts:
        path = project.root / model_named(config, artifact.name, prefix=project.prefix).card.out
        if path.is_file():
            cards[artifact.name] = pages.relative(path.as_posix(), at)
    names = [each.name for each in config.environments]
    text = pages.page(
        artifacts, cards=cards, environments=names, metrics=[rule.metric for rule in config.gates.rules if rule.metric]
    )
    if output is None:
        click.echo(text, nl=False)
    else:
        files.write_atomic(place, text)
        click.echo(f"wrote {plain(output)}")
    return errors.EXIT_YES


def _names(project: Project, name: str | None) -> list[str]:
    if name:
        return [name]
    known = list(projects.load_config(project).models)
    if not known:
        raise MlgitError("mlgit.yaml: models: no model is declared", "add `models: {NAME: {metrics: PATH, train: [PATH]}}`")
    return known


def _show(examined: Examination, profile: str | None) -> None:
    color = use_color(sys.stdout)
    name, path = examined.material.facts.artifact, examined.card.path
    if not examined.is_there:
        verdict, style = f"there is no card; `mlgit card build {name}` writes {path}", "red"
    elif examined.differing:
        verdict, style = f"stale; `mlgit card build {name}` writes it anew", "red"
    elif examined.gaps:
        verdict, style = f"{path} is what it has to be, but lacks something", "yellow"
    else:
        verdict, style = f"{path} is up to date and complete", "green"
    click.echo(f"{paint(plain(name), 'bold', color=color)}: {paint(plain(verdict), style, color=color)}")
    if examined.is_there:
        for path in examined.differing:
            click.echo(f"  differs: {plain(path)}")
        for each in examined.changed:
            click.echo(f"  changed since: {plain(each)}")
    if profile:
        _show_profile(examined, profile)
    _show_gaps(examined)


def _show_gaps(examined: Examination) -> None:
    unread = [gap.key for gap in examined.gaps if gap.state == "needs review"]
    for gap in examined.gaps:
        if gap.state != "needs review":
            click.echo(f"  {gap.state}: {plain(gap.key)}: {plain(gap.message)}\n    {plain(gap.where)}")
    if unread:
        name, notes = examined.material.facts.artifact, examined.material.model.card.notes
        click.echo(f"  needs review, for nobody has read it for the training data of today: {', '.join(unread)}")
        click.echo(plain(f"    {notes}: read it, then type `mlgit card build {name} --reviewed SECTION` (or `all`)"))


def _show_profile(examined: Examination, profile: str) -> None:
    fields = _fields(examined, profile)
    rows = [(each.name, each.annex, each.by, each.state) for each in fields]
    click.echo(table(("field", "Annex IV", "by", "state"), rows))
    filled = sum(each.state == "filled" for each in fields)
    click.echo(f"{filled} of {count(len(fields), 'field')} of profile {profile} are filled")


def _fields(examined: Examination, profile: str) -> tuple[profiles.Field, ...]:
    return profiles.fields(examined.material, profile="annex-iv" if profile == "annex-iv" else "hf")


def _profile_document(examined: Examination, profile: str | None) -> dict[str, Any]:
    if profile is None:
        return {}
    fields = _fields(examined, profile)
    return {"profile": profile, "fields": [asdict(each) for each in fields]}


def _document(examined: Examination) -> dict[str, Any]:
    gaps = [{"key": gap.key, "state": gap.state, "message": gap.message, "where": gap.where} for gap in examined.gaps]
    return {
        "name": examined.material.facts.artifact,
        "path": examined.card.path,
        "profile": examined.material.model.card.profile,
        "exists": examined.is_there,
        "fresh": examined.is_fresh,
        "complete": examined.is_complete,
        "differing": list(examined.differing),
        "changed": list(examined.changed),
        "gaps": gaps,
    }
