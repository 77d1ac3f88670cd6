"""`mlgit push`: publish what is committed, data first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import count, plain, size

if TYPE_CHECKING:
    from mlgit.commands.push import PushResult


@click.command(
    epilog="Examples: `mlgit push`, `mlgit push --dry-run`, `mlgit push --tags-only --remote upstream`.",
    short_help="Publish data, commits and tags, in this order.",
)
@click.option("--remote", metavar="NAME", help="The Git remote to push to (default: the one Git would take, or origin).")
@click.option("--tags-only", is_flag=True, help="Publish the tags of models that are only in this clone, and nothing else.")
@click.option("--allow-missing", is_flag=True, help="Publish commits although data they record is nowhere.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@timeout_option()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, remote: str | None, tags_only: bool, allow_missing: bool, dry_run: bool, as_json: bool) -> int:
    """Publish the current branch: the data that its new commits record goes to the DVC remotes first, then the commits and
    the tags of models go to the Git remote. No record is published without its bytes, and what fails ends it: a push
    that was interrupted begins again and sends what is missing.

    Only what is committed is sent. A tag of a model goes together with the log of what was published (`refs/mlgit/log`),
    so that it cannot be taken away unseen.
    """
    from mlgit.commands.push import push, push_tags

    if tags_only and allow_missing:
        raise click.UsageError("--allow-missing is about data, and --tags-only sends none")
    if tags_only:
        result = push_tags(remote=remote, dry_run=dry_run)
    else:
        result = push(remote=remote, dry_run=dry_run, allow_missing=allow_missing)
    if as_json:
        click.echo(json.dumps(result.document(), indent=2))
    else:
        _show(result)
    return errors.EXIT_YES


def _show(result: PushResult) -> None:
    remote, verb = plain(result.remote), "would go to" if result.is_planned else "sent to"
    if result.n_objects:
        click.echo(f"{count(result.n_objects, 'object')} ({size(result.n_bytes)}) {verb} the DVC remote")
    if result.n_commits:
        click.echo(f"{count(result.n_commits, 'commit')} of {plain(result.branch)} {verb} {remote}")
    if result.tags:
        click.echo(f"{verb} {remote}: {plain(', '.join(result.tags))}")
    if result.refs:
        click.echo(f"{verb} {remote}: {plain(', '.join(result.refs))}")
    if not (result.n_objects or result.n_commits or result.tags or result.refs):
        what = f"all of {plain(result.branch)}, its data and" if result.branch else "all"
        click.echo(f"{remote} has {what} tags of models")
    for note in result.notes:
        click.echo(f"note: {plain(note)}", err=True)
