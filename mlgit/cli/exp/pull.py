"""`mlgit exp pull`: bring the trials of others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit.cli.format_options import json_option
from mlgit.cli.remote_options import timeout_option
from mlgit.render.text import count, few, plain

if TYPE_CHECKING:
    from mlgit.commands.exp_pull import TrialsPulled


@click.command(
    epilog="Examples: `mlgit exp pull`, `mlgit exp pull C-0.2-7f3a1c`, `mlgit exp pull --refs-only`.",
    short_help="Bring the trials that others pushed.",
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--remote", "-r", metavar="NAME", help="The Git remote to pull from (default: the one Git would take, or origin)."
)
@click.option("--refs-only", is_flag=True, help="Do not bring what the trials made: enough to show and compare them.")
@click.option("--force", is_flag=True, help="Replace a trial of the same name that has other files here.")
@click.option("--dry-run", is_flag=True, help="Say what would come, and change nothing.")
@timeout_option()
@json_option()
def command(names: tuple[str, ...], *, remote: str | None, refs_only: bool, force: bool, dry_run: bool, as_json: bool) -> int:
    """Bring the trials that are named, or all, by one fetch, and what they made from the DVC remote into the cache.

    The large files of runs that code logged come too, of all runs that are here, or of those named by their ids. Working tree
    and branches stay as they are. A trial that has other files here is left out, and said.
    """
    from mlgit.commands.exp_pull import pull_trials

    done = pull_trials(names, remote=remote, refs_only=refs_only, force=force, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(done.document(), indent=2))
    else:
        _show(done)
    return done.exit_code


def _show(done: TrialsPulled) -> None:
    remote, verb = plain(done.remote), "would come" if done.is_planned else "came"
    if done.brought:
        names = plain(few([each.name for each in done.brought]))
        click.echo(f"{count(len(done.brought), 'trial')} {verb} from {remote}: {names}")
    if done.n_objects:
        click.echo(f"{count(done.n_objects, 'output')} came from the DVC remote")
    if done.n_files:
        click.echo(f"{count(done.n_files, 'file')} of runs came from the DVC remote")
    if not (done.brought or done.n_objects or done.n_files or done.other):
        click.echo(f"all trials of {remote} are here" if done.same else f"there are no trials on {remote}")
    for each, commit in done.other:
        told = f"{plain(each.name)} has other files here ({commit[:10]}), and was left as it is: --force replaces it"
        click.echo(told, err=True)
    for note in done.notes:
        click.echo(f"note: {plain(note)}", err=True)
