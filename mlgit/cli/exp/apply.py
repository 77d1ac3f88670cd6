"""`mlgit exp apply`: put a trial into the working tree."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.format_options import json_option
from mlgit.render.text import count, few, plain

if TYPE_CHECKING:
    from mlgit.commands.exp_apply import TrialApplied


@click.command(
    epilog="Examples: `mlgit exp apply C-0.2-7f3a1c`, `mlgit exp apply 1a2b3c4 --dry-run`.",
    short_help="Put a trial into the working tree.",
)
@click.argument("name", metavar="NAME")
@click.option("--files-only", is_flag=True, help="Leave outputs of DVC as they are; `mlgit run` restores or makes them.")
@click.option("--force", is_flag=True, help="Replace what was changed here and is not committed.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option()
def command(name: str, *, files_only: bool, force: bool, dry_run: bool, as_json: bool) -> int:
    """Have parameters, lock, metrics and outputs here as a trial left them. Nothing is committed, and the index stays.

    NAME is the name of a trial, its ref, or seven digits of its commit. Where HEAD has gone on since the trial began, what
    the trial changed is merged. Changes that are not committed are never replaced without --force, unless another trial left
    them here.
    """
    from mlgit.commands.exp_apply import apply_trial

    done = apply_trial(name, files_only=files_only, force=force, dry_run=dry_run)
    if as_json:
        click.echo(json.dumps(done.document(), indent=2))
    else:
        _show(done)
    return errors.EXIT_YES


def _show(done: TrialApplied) -> None:
    would = "would be " if done.is_planned else ""
    if done.files:
        click.echo(f"{count(len(done.files), 'file')} {would}written: {plain(few(done.files))}")
    if done.outputs:
        click.echo(f"{count(len(done.outputs), 'output')} {would}put in place: {plain(few(done.outputs))}")
    if not done.files and not done.outputs:
        click.echo(f"all is as {plain(done.name)} left it")
    elif not done.is_planned:
        click.echo(f"this is {plain(done.name)} now; `git diff` shows it, `mlgit exp promote` makes it a branch")
    for note in done.notes:
        click.echo(f"note: {plain(note)}", err=True)
