"""`mlgit template update`, `add`, `remove`, `abort`: the merges of a project with its template."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.preferences import use_color
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain

if TYPE_CHECKING:
    from mlgit.commands.template_update import TemplateUpdate

_COLORS = {"conflict": "red", "kept-deleted": "yellow"}
_dry_run = click.option("--dry-run", is_flag=True, help="Say what would become of each file, and touch nothing.")
_with_diff = click.option("--diff", "with_diff", is_flag=True, help="Show what changes as a patch, too.")


@click.command(
    short_help="Merge a newer version of the template in.",
    epilog="Examples: `mlgit template update`, `mlgit template update --dry-run --diff`, `mlgit template update --to 1.2.0`.",
)
@click.option("--to", metavar="VERSION", default="", help="This version of the template, not the newest.")
@click.option("--source", metavar="TEMPLATE", default="", help="Where the template is now: a name, a folder or a URL.")
@click.option("--set", "assignments", metavar="NAME=VALUE", multiple=True, help="Answer a question anew; may be repeated.")
@click.option("--defaults", is_flag=True, help="Ask nothing; take the default of what is new.")
@_dry_run
@_with_diff
@json_option()
def update(
    *, to: str, source: str, assignments: tuple[str, ...], defaults: bool, dry_run: bool, with_diff: bool, as_json: bool
) -> int:
    """Merge what a newer version of the template gives into the project, which has to be committed.

    A file that was deleted stays deleted, and one that was renamed gets its change under its new name. Where the template and
    the project changed the same lines, both stand in the file between markers, and the exit code is 1: resolve them and commit,
    or `mlgit template abort`. Nothing is committed.
    """
    from mlgit.cli.new import asker
    from mlgit.commands.template_update import update_project

    ask = None if defaults or as_json else asker()
    result = update_project(to=to, source=source, assignments=assignments, ask=ask, dry_run=dry_run, with_diff=with_diff)
    return show_update(result, as_json=as_json)


@click.command(
    short_help="Merge a feature of the template in.",
    epilog="Examples: `mlgit template add docker`, `mlgit template add docker --dry-run`.",
)
@click.argument("feature", metavar="FEATURE")
@_dry_run
@_with_diff
@json_option()
def add(feature: str, *, dry_run: bool, with_diff: bool, as_json: bool) -> int:
    """Merge a feature of the template into the project, at the version of the template that the project has.

    `mlgit template show TEMPLATE` lists the features. Exit code 1 where files are in conflict.
    """
    from mlgit.commands.template_update import add_feature

    return show_update(add_feature(feature, dry_run=dry_run, with_diff=with_diff), as_json=as_json)


@click.command(short_help="Take a feature of the template out.", epilog="Example: `mlgit template remove docker`.")
@click.argument("feature", metavar="FEATURE")
@_dry_run
@_with_diff
@json_option()
def remove(feature: str, *, dry_run: bool, with_diff: bool, as_json: bool) -> int:
    """Take a feature of the template out of the project; a file of it that has been changed is a conflict, and stays."""
    from mlgit.commands.template_update import remove_feature

    return show_update(remove_feature(feature, dry_run=dry_run, with_diff=with_diff), as_json=as_json)


@click.command(short_help="Take an update back that is not committed.", epilog="Example: `mlgit template abort`.")
@json_option()
def abort(*, as_json: bool) -> None:
    """Put back every file, as it was committed, that an update touched which is not committed yet."""
    from mlgit.commands.template_update import abort_update

    journal = abort_update()
    if as_json:
        click.echo(json.dumps({"schema": 1, "what": journal.what, "files": list(journal.touched)}, indent=2))
    else:
        click.echo(f"took back {plain(journal.what)}: {count(len(journal.touched), 'file')} as before")


def show_update(result: TemplateUpdate, *, as_json: bool) -> int:
    """Print what became of each file, and what to type next; the exit code."""
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
        return result.exit_code
    after, before = result.after, result.before
    if result.is_current:
        click.echo(f"up to date: {after.template} {after.version}")
        return 0
    width = max((len(each.outcome) for each in result.changes), default=0)
    for each in result.changes:
        to = f" to {plain(each.renamed_to)}" if each.renamed_to else ""
        said = f": {plain(each.reason)}" if each.reason else ""
        style = _COLORS.get(each.outcome, "green")
        word = paint(each.outcome.ljust(width), style, color=use_color(sys.stdout))
        click.echo(f"{word}  {plain(each.path)}{to}{said}")
    for note in result.notes:
        click.echo(f"note: {plain(note)}", err=True)
    if result.diff:
        from mlgit.cli.template import show_patch

        show_patch(result.diff)
    versions = after.version if before.version in ("", after.version) else f"{before.version} to {after.version}"
    done = "would be merged" if result.dry_run else "merged, and staged"
    n_changes = count(len(result.changes), "file")
    click.echo(f"{result.what} of {after.template} {versions}: {n_changes} {done}" + _in_conflict(result))
    if not result.dry_run:
        _show_next(result)
    return result.exit_code


def _in_conflict(result: TemplateUpdate) -> str:
    return f", {len(result.conflicts)} in conflict" if result.conflicts else ""


def _show_next(result: TemplateUpdate) -> None:
    click.echo("\nNext:")
    if result.conflicts:
        click.echo("  # make each file in conflict what it should be; `git show :3:PATH` is the template's; then")
        click.echo("  git add PATH, or git rm PATH")
    click.echo(f"  git commit -m {shlex.quote(result.subject)}")
    click.echo("  # or take it back: mlgit template abort")
