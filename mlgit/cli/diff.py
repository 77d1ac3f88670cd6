"""`mlgit diff`: metrics, parameters, data and stages of two revisions side by side."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import click

from mlgit import errors
from mlgit import project as projects
from mlgit.cli.error_boundary import note, use_color
from mlgit.cli.remote_options import timeout_option
from mlgit.diff import markdown, table, wording
from mlgit.diff.diff import Diff, compare
from mlgit.diff.document import document
from mlgit.errors import MlgitError
from mlgit.revision import comparison_start
from mlgit.revision.collect import collect_both
from mlgit.revision.refs import RevisionRef
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

FORMATS = ("table", "md", "json")


@click.command(
    epilog="Examples: `mlgit diff` (what this branch changes), `mlgit diff HEAD~1`, `mlgit diff v1.0.0 main`, "
    "`mlgit diff --format md > report.md`, `mlgit diff --format json --all`.",
    short_help="Compare metrics, parameters and data between two revisions.",
)
@click.argument("base", required=False)
@click.argument("head", required=False)
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print it.")
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
@click.option("--pull", is_flag=True, help="Fetch metrics, plots and predictions that the cache lacks from the DVC remote.")
@timeout_option()
def command(base: str | None, head: str | None, form: str, everything: bool, pull: bool) -> int:
    """Compare metrics, parameters, data and stages of BASE and HEAD.

    Both are revisions (branch, tag, commit, HEAD~1) or the word `workspace`. HEAD defaults to the workspace, BASE to the
    point where this branch left the default branch; on the default branch itself to the commit before, or to HEAD while
    there are changes that are not committed.

    Exit code 0 when things were compared, different or not; 2 when nothing could be.
    """
    project = projects.find()
    now = RevisionRef() if head is None else comparison_start.point(project.git_root, head)
    before = comparison_start.start(project, base=base, head=now, command="diff").point
    with Revisions(project) as revisions:
        sides = revisions.at(before), revisions.at(now)
        if pull:
            _fetch(*sides)
        one, other = collect_both(*sides)
        diff = closer(*sides, compare(one, other, config=other.config))
    show(diff, form=form, everything=everything)
    if not any(diff.compared.values()):
        raise MlgitError(f"nothing was compared: {wording.why_nothing(one, other)}", "name another BASE: `mlgit diff REVISION`")
    return errors.EXIT_YES


def _fetch(*sides: Revision) -> None:
    """Bring into the cache what both sides measured, and say what did not come."""
    from mlgit.commands import fetching

    paths = {side: fetching.results(side) for side in sides}
    for trouble in filter(None, dict.fromkeys(fetching.fetch(side, each) for side, each in paths.items())):
        note(trouble)


def closer(before: Revision, now: Revision, diff: Diff) -> Diff:
    """The same, with what only reading whole tables tells."""
    if not (diff.changed_tables or diff.has_other_rows):
        return diff
    from mlgit.commands import table_changes  # numpy and pandas take longer than the rest of a diff

    found = table_changes.compared_rows(before, now, diff) if diff.has_other_rows else diff
    return replace(found, tables=table_changes.changed_tables(before, now, diff))


def show(diff: Diff, *, form: str, everything: bool) -> None:
    """Print a diff in one of the formats."""
    if form == "json":
        click.echo(json.dumps(document(diff, everything=everything), indent=2, allow_nan=False))
    elif form == "md":
        click.echo(markdown.render(diff, everything=everything))
    else:
        color = use_color(sys.stdout)
        click.echo(table.render(diff, everything=everything, color=color), color=color)
