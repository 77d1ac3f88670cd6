"""`mlgit exp gc`: tidy up after experiments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.format_options import json_option
from mlgit.render.text import count, plain, size

if TYPE_CHECKING:
    from mlgit.commands.exp_gc import ExperimentsTidied

_MOST_SHOWN = 20


@click.command(
    epilog="Examples: `mlgit exp gc`, `mlgit exp gc --older-than 30d --keep 20`, `mlgit exp gc --off-branches --dry-run`.",
    short_help="Tidy up: old trials, working trees, files that no run names.",
)
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="Remove trials, but for the newest N of each baseline.")
@click.option("--older-than", metavar="DURATION", callback=lambda *given: _seconds(given[2]), help="Only those older, as 30d.")
@click.option("--off-branches", is_flag=True, help="Only those that began at a commit that is on no branch and no tag.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and change nothing.")
@json_option()
def command(*, keep: int | None, older_than: float | None, off_branches: bool, dry_run: bool, as_json: bool) -> int:
    """Remove the trials that all given conditions hold for; without a condition none. Then remove the working trees that
    trials ran in and nobody uses, and files of logged runs that no run names any more; and pack Git's refs and objects.

    What trials made stays in the DVC cache until `dvc gc --workspace --all-experiments`. Remotes stay as they are.
    """
    from mlgit.commands.exp_gc import tidy_experiments

    done = tidy_experiments(keep=keep, older_than=older_than, off_branches=off_branches, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(done.document(), indent=2))
    else:
        _show(done)
    return errors.EXIT_YES


def _seconds(value: str | None) -> float | None:
    if value is None:
        return None
    from mlgit.pipeline import stage_options

    try:
        found = stage_options.duration(value)
    except (AttributeError, ValueError):
        found = -1.0
    if not 0 <= found < 1e11:
        raise click.BadParameter(f"'{value}' is not a duration such as 12h or 30d")
    return found


def _show(done: ExperimentsTidied) -> None:
    verb = "would be removed" if done.is_planned else "removed"
    for each in done.removed[:_MOST_SHOWN]:
        click.echo(f"{verb}: {plain(each.name)} ({each.commit[:10]})")
    if len(done.removed) > _MOST_SHOWN:
        click.echo(f"{verb}: {len(done.removed) - _MOST_SHOWN} more")
    if done.n_files:
        click.echo(f"{verb}: {count(done.n_files, 'file')} that no run names ({size(done.n_bytes)})")
    if done.n_worktrees:
        click.echo(f"{verb}: {count(done.n_worktrees, 'working tree')}")
    kept = f"{count(done.n_kept, 'trial')} {'stays' if done.n_kept == 1 else 'stay'}"
    click.echo(kept if done.is_planned else f"{kept}; refs and objects are packed")
    for note in done.notes:
        click.echo(f"note: {plain(note)}", err=True)
