"""`mlgit gate`: may this change be merged? Every declared rule judged, with its reason."""

from __future__ import annotations

import json
import sys

import click

from mlgit.cli.format_options import format_options
from mlgit.cli.preferences import use_color
from mlgit.cli.remote_options import timeout_option
from mlgit.errors import MlgitError

SUGGEST = "suggest"
_MOST_WORDS = 2


@click.command(
    epilog="Examples: `mlgit gate` (this branch), `mlgit gate main`, `mlgit gate HEAD~1 HEAD --json`, "
    "`mlgit gate --label refactor`, `mlgit gate suggest`.",
    short_help="Judge a change by the rules of mlgit.yaml.",
)
@click.argument("words", nargs=-1, metavar="[suggest] [BASE [HEAD]]")
@format_options(("table", "json"), default="table")
@click.option("--label", "labels", multiple=True, help="A label of the pull request, for rules with `when`; repeatable.")
@timeout_option()
@click.option("--pull", is_flag=True, help="Fetch what is compared and not in the cache from the DVC remote.")
def command(words: tuple[str, ...], form: str, labels: tuple[str, ...], pull: bool) -> int:
    """Judge HEAD against BASE by the gate rules of mlgit.yaml, as BASE declares them.

    Both are revisions; HEAD defaults to the workspace, BASE to the point where this branch left the default branch; on the
    default branch itself to the commit before, or to HEAD while there are changes that are not committed. Predictions are
    compared row by row: a rule passes when it is shown to hold, fails when it is shown not to, and is inconclusive when the
    rows do not decide.

    `mlgit gate suggest` shows which differences the test set can show, and so which margins make sense.

    Exit code 0 when the change passes (with or without warnings), 1 when a rule fails, 2 when it could not be compared.
    """
    from mlgit.commands.gate import gate
    from mlgit.gate import table

    is_json = form == "json"
    if words[:1] == (SUGGEST,):
        return _suggest(*_sides(words[1:]), pull=pull, as_json=is_json)
    base, head = _sides(words)
    result = gate(base, head, labels=labels, pull=pull)
    if is_json:
        click.echo(json.dumps(result.document(), indent=2, allow_nan=False))
    else:
        color = use_color(sys.stdout)
        click.echo(table.render(result.review, current=head or "workspace", color=color), color=color)
    return result.exit_code


def _sides(words: tuple[str, ...]) -> tuple[str | None, str | None]:
    if len(words) > _MOST_WORDS:
        raise MlgitError(f"'{words[_MOST_WORDS]}' is one revision too many", "name at most two: `mlgit gate BASE HEAD`")
    base, head = (*words, None, None)[:_MOST_WORDS]
    return base, None if head == "workspace" else head


def _suggest(base: str | None, head: str | None, *, pull: bool, as_json: bool) -> int:
    from mlgit.commands.gate import suggest
    from mlgit.gate import table

    found = suggest(base, head, pull=pull)
    if as_json:
        click.echo(json.dumps(found.document(), indent=2, allow_nan=False))
    else:
        click.echo(table.suggestions(found.by_model))
    return found.exit_code
