"""`mlgit gate`: may this change be merged? Every declared rule judged, with its reason."""

from __future__ import annotations

import datetime
import json
import sys

import click

from mlgit import errors
from mlgit import project as projects
from mlgit.cli.error_boundary import use_color
from mlgit.cli.remote_options import timeout_option
from mlgit.commands.review import review_change, review_input
from mlgit.errors import MlgitError
from mlgit.gate import document, judge, table
from mlgit.gate.review import Review
from mlgit.revision.revisions import Revisions

SUGGEST = "suggest"
_MOST_WORDS = 2


@click.command(
    epilog="Examples: `mlgit gate` (this branch), `mlgit gate main`, `mlgit gate HEAD~1 HEAD --json`, "
    "`mlgit gate --label refactor`, `mlgit gate suggest`.",
    short_help="Judge a change by the rules of mlgit.yaml.",
)
@click.argument("words", nargs=-1, metavar="[suggest] [BASE [HEAD]]")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print it."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--label", "labels", multiple=True, help="A label of the pull request, for rules with `when`; repeatable.")
@timeout_option()
@click.option("--pull", is_flag=True, help="Fetch what is compared and not in the cache from the DVC remote.")
def command(words: tuple[str, ...], form: str, as_json: bool, labels: tuple[str, ...], pull: bool) -> int:
    """Judge HEAD beside BASE by the gate rules of mlgit.yaml, as BASE declares them.

    Both are revisions; HEAD defaults to the workspace, BASE to the point where this branch left the default branch; on the
    default branch itself to the commit before, or to HEAD while there are changes that are not committed. Predictions are
    compared row by row: a rule passes when it is proven to hold, fails when it is proven not to, and says so when the rows
    cannot tell.

    `mlgit gate suggest` tells which differences the test set can prove, and so which margins make sense.

    Exit code 0 when the change passes (with or without warnings), 1 when a rule fails, 2 when it could not be compared.
    """
    revisions = Revisions(projects.find())
    is_json = as_json or form == "json"
    if words[:1] == (SUGGEST,):
        return _suggest(revisions, *_sides(words[1:]), pull=pull, as_json=is_json)
    base, head = _sides(words)
    review = review_change(revisions, base=base, head=head, labels=labels, today=datetime.date.today(), pull=pull)
    if is_json:
        click.echo(json.dumps(document.document(review), indent=2, allow_nan=False))
    else:
        color = use_color(sys.stdout)
        click.echo(table.render(review, current=head or "workspace", color=color), color=color)
    return exit_code(review)


def exit_code(review: Review) -> int:
    """0 for a pass, with or without warnings, 1 where a rule failed, 2 where nothing could be judged."""
    return {"fail": errors.EXIT_NO, "invalid": errors.EXIT_CANNOT_ANSWER}.get(str(review.verdict), errors.EXIT_YES)


def _sides(words: tuple[str, ...]) -> tuple[str | None, str | None]:
    if len(words) > _MOST_WORDS:
        raise MlgitError(f"'{words[_MOST_WORDS]}' is one revision too many", "name at most two: `mlgit gate BASE HEAD`")
    base, head = (*words, None, None)[:_MOST_WORDS]
    return base, None if head == "workspace" else head


def _suggest(revisions: Revisions, base: str | None, head: str | None, *, pull: bool, as_json: bool) -> int:
    found = judge.suggestions(review_input(revisions, base=base, head=head, pull=pull))
    if not any(found.values()):
        raise MlgitError(
            "there are no predictions to learn from", "declare models.NAME.predictions and id in mlgit.yaml, and `mlgit run`"
        )
    if as_json:
        click.echo(json.dumps(document.suggestions(found), indent=2, allow_nan=False))
    else:
        click.echo(table.suggestions(found))
    is_told = any(each.margin is not None for rows in found.values() for each in rows)
    return errors.EXIT_YES if is_told else errors.EXIT_CANNOT_ANSWER
