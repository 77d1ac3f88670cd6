"""`mlgit exp remove`: remove trials, here and at the remote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit.cli.format_options import json_option
from mlgit.render.text import count, few, plain

if TYPE_CHECKING:
    from mlgit.commands.exp_remove import TrialsRemoved


@click.command(
    epilog="Examples: `mlgit exp remove C-0.2-7f3a1c`, `mlgit exp remove --failed`, `mlgit exp remove --all --remote origin`.",
    short_help="Remove trials, here and at a remote.",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "everything", is_flag=True, help="All trials of the repository.")
@click.option("--sweep", metavar="ID", default="", help="All trials of one search.")
@click.option("--failed", is_flag=True, help="What is kept of trials that failed or were killed.")
@click.option("--queued", is_flag=True, help="Give up searches that are not done; trials that run come to their end.")
@click.option("--remote", "-r", metavar="NAME", help="Remove them at this Git remote, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@json_option()
def command(
    names: tuple[str, ...],
    *,
    everything: bool,
    sweep: str,
    failed: bool,
    queued: bool,
    remote: str | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Remove trials by name, of a search, or all. What they made stays in the DVC cache until `dvc gc --all-experiments`.

    The commits stay in Git's store for some days, so that a trial can be had again: what is removed is named with its commit.
    """
    from mlgit.commands.exp_remove import remove_trials

    if not (names or everything or sweep or failed or queued):
        raise click.UsageError("name trials, or give --all, --sweep ID, --failed or --queued")
    if everything and (names or sweep):
        raise click.UsageError("--all is all of them: it goes with neither names nor --sweep")
    done = remove_trials(
        names, all_of_them=everything, sweep=sweep, failed=failed, queued=queued, remote=remote, dry_run=dry_run
    )
    if as_json:
        click.echo(json.dumps(done.document(), indent=2))
    else:
        _show(done)
    return done.exit_code


def _show(done: TrialsRemoved) -> None:
    verb = "would be removed" if done.is_planned else "removed"
    for each in done.here:
        click.echo(f"{verb}: {plain(each.name)} ({each.commit[:10]})")
    if done.failed:
        click.echo(f"{verb}: what is kept of {count(len(done.failed), 'failed trial')}: {plain(few(done.failed))}")
    if done.queued:
        click.echo(f"{'would be given up' if done.is_planned else 'given up'}: {plain(few(done.queued))}")
    if done.there:
        click.echo(f"{verb} at {plain(done.remote)}: {plain(few([each.name for each in done.there]))}")
    if not (done.here or done.there or done.failed or done.queued or done.refused):
        click.echo("there is nothing to remove")
    elif done.here and not done.is_planned:
        last = done.here[-1]
        click.echo(f"to have one again: `git update-ref {plain(last.ref)} {last.commit[:10]}`")
    for each, reason in done.refused:
        click.echo(f"{plain(done.remote)} keeps {plain(each.name)}: {plain(reason)}", err=True)
