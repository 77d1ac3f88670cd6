"""`mlgit card`: write model cards, and say what is stale or missing in them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.format_options import json_option
from mlgit.cli.group import SuggestingGroup
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint, table
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.cards.review import Profile
    from mlgit.commands.card import Examination
    from mlgit.commands.model_cards import CardCheck


@click.group(
    cls=SuggestingGroup,
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
    from mlgit.commands.model_cards import build_cards

    result = build_cards(name, reviewed=reviewed, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return errors.EXIT_YES
    for each in result.cards:
        verb = "would write" if dry_run else "wrote"
        path = plain(each.examined.card.path)
        click.echo(f"{verb} {plain(', '.join(each.written))}" if each.written else f"{path} is up to date")
        _show_gaps(each.examined)
    return errors.EXIT_YES


@command.command(epilog="Examples: `mlgit card check`, `mlgit card check churn --profile annex-iv`, `mlgit card check --json`.")
@click.argument("name", required=False)
@click.option("--profile", type=click.Choice(["hf", "annex-iv"]), help="Print every field of a profile and who fills it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(name: str | None, profile: Profile | None, *, as_json: bool) -> int:
    """Make the card of NAME, or of every model, in memory and compare it with the one that is there, byte by byte.

    Exit code 0 when it is the same and lacks nothing; 1 when it is stale, or when a section is missing, a placeholder, or
    was read for other training data; 2 when it cannot be made, for example because stages are stale.
    """
    from mlgit.commands.model_cards import check_cards

    result = check_cards(name, profile=profile)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        for each in result.cards:
            _show(result, each)
    return result.exit_code


@command.command(epilog="Examples:\n\n  mlgit card index\n\n  mlgit card index -o MODELS.md")
@click.option("-o", "--output", metavar="FILE", help="Write the page to FILE (links to cards are made for its place).")
@json_option()
def index(output: str | None, *, as_json: bool) -> int:
    """Print a Markdown page of all models: which version is in which environment, every version, and its metrics."""
    from mlgit.commands.model_cards import models_index, models_page, write_models_page

    if as_json and output is not None:
        raise click.UsageError("-o names a Markdown page: leave it out, or --json")
    if as_json:
        click.echo(json.dumps(models_index().document(), indent=2))
    elif output is None:
        click.echo(models_page(), nl=False)
    else:
        write_models_page(output)
        click.echo(f"wrote {plain(output)}")
    return errors.EXIT_YES


def _show(result: CardCheck, examined: Examination) -> None:
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
    if result.profile:
        _show_profile(result, examined)
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


def _show_profile(result: CardCheck, examined: Examination) -> None:
    fields = result.fields(examined)
    rows = [(each.name, each.annex, each.by, each.state) for each in fields]
    click.echo(table(("field", "Annex IV", "by", "state"), rows))
    filled = sum(each.state == "filled" for each in fields)
    spared = sum(each.state == "not stated" for each in fields)
    left = f", {spared} may be left out" if spared else ""
    click.echo(f"{filled} of {count(len(fields), 'field')} of profile {result.profile} are filled{left}")
