"""`mlgit data diff`: what became of data contracts."""

from __future__ import annotations

import json
import sys
from typing import cast

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint, table
from mlgit.render.text import plain
from mlgit.validation.evolution import VIEWS, Evolution, View, breaks


@click.command(epilog="Examples: `mlgit data diff`, `mlgit data diff v1.0.0 main`, `mlgit data diff --view producer --json`.")
@click.argument("base", required=False)
@click.argument("head", required=False)
@click.option(
    "--view",
    type=click.Choice(VIEWS),
    default="consumer",
    help="Whom a change breaks: those who rely on the data (consumer, the default), or those who make it (producer).",
)
@json_option()
def diff(base: str | None, head: str | None, *, view: str, as_json: bool) -> int:
    """Compare the data contracts of BASE and HEAD: which rules tighten and which loosen.

    Both are revisions, or the word `workspace`, and default as those of `mlgit diff`. A rule that loosens breaks consumers,
    who rely on it; one that tightens breaks producers, whose data has passed so far. Where a change breaks the view, the
    version of the contract has to be raised to the next MAJOR; another change of a rule asks for MINOR, the rest for PATCH.

    Exit code 0 when nothing breaks the view and versions were raised, 1 when something does or one was not, 2 when a
    contract cannot be read or there is none.
    """
    from mlgit.commands.data_diff import data_diff

    seen = cast(View, view)
    result = data_diff(base, head, view=seen)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    color = use_color(sys.stdout)
    click.echo(paint(plain(f"contracts {result.base} -> {result.head}, for {view}s"), "bold", color=color))
    for each in result.contracts:
        click.echo()
        click.echo("\n".join(_shown(each, seen, color=color)))
    return result.exit_code


def _shown(found: Evolution, view: View, *, color: bool) -> list[str]:
    title = f"{plain(found.path)}: {plain(found.contract)}"
    if found.trouble:
        lines = [title, f"  {paint('not compared:', 'red', color=color)} {plain(found.trouble)}"]
        return [*lines, f"  hint: {plain(found.hint)}"] if found.hint else lines
    versions = dict.fromkeys(filter(None, (found.version_before, found.version_now)))
    lines = [f"{title} ({' -> '.join(plain(each) for each in versions)})"]
    if not found.changes:
        return [*lines, "  nothing changed"]
    rows = [(_mark(breaks(each, view)), each.path, each.direction, each.sentence) for each in found.changes]
    lines += [f"  {line}" for line in table(("", "what", "moves", "how"), rows).split("\n")]
    if wrong := found.version_told(view):
        lines.append(f"  {paint('version:', 'red', color=color)} {plain(wrong)}")
    return lines


def _mark(is_breaking: bool) -> str:
    return "breaks" if is_breaking else ""
