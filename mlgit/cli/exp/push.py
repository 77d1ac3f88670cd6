"""`mlgit exp push`: publish trials, data first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import count, few, plain, size

if TYPE_CHECKING:
    from mlgit.commands.exp_push import TrialsPushed


@click.command(
    epilog="Examples: `mlgit exp push`, `mlgit exp push C-0.2-7f3a1c --remote upstream`, `mlgit exp push --refs-only`.",
    short_help="Publish trials, data first.",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--remote", "-r", metavar="NAME", help="The Git remote to push to (default: the one Git would take, or origin).")
@click.option("--refs-only", is_flag=True, help="Leave what the trials made where it is.")
@click.option("--allow-missing", is_flag=True, help="Publish trials although data they record is nowhere.")
@click.option("--force", is_flag=True, help="Replace a trial of the same name that has other files there.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@timeout_option()
@json_option()
def command(
    names: tuple[str, ...],
    *,
    remote: str | None,
    refs_only: bool,
    allow_missing: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Publish the trials that are named, or all: what they made goes to the DVC remote first, then all refs by one push.

    A trial that was made here and there, each on its own, is the same where its files are. One that has other files there is
    left out, and said.
    """
    from mlgit.commands.exp_push import push_trials

    done = push_trials(names, remote=remote, refs_only=refs_only, allow_missing=allow_missing, force=force, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(done.document(), indent=2))
    else:
        _show(done)
    return done.exit_code


def _show(done: TrialsPushed) -> None:
    remote, verb = plain(done.remote), "would go to" if done.is_planned else "sent to"
    if done.n_objects:
        click.echo(f"{count(done.n_objects, 'object')} ({size(done.n_bytes)}) {verb} the DVC remote")
    if done.sent:
        click.echo(f"{count(len(done.sent), 'trial')} {verb} {remote}: {plain(few([each.name for each in done.sent]))}")
    elif not (done.other or done.refused):
        click.echo(f"{remote} has all of them" if done.same else "there are no trials here; `mlgit exp run` makes some")
    for each, commit in done.other:
        told = f"{plain(each.name)} has other files at {remote} ({commit[:10]}), and was not sent: --force replaces it there"
        click.echo(told, err=True)
    for each, reason in done.refused:
        click.echo(f"{remote} does not take {plain(each.name)}: {plain(reason)}", err=True)
    for note in done.notes:
        click.echo(f"note: {plain(note)}", err=True)
