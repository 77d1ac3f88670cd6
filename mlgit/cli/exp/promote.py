"""`mlgit exp promote`: make a trial a branch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli import error_boundary
from mlgit.cli.format_options import json_option
from mlgit.render.text import plain

if TYPE_CHECKING:
    from mlgit.commands.exp_promote import TrialPromoted


@click.command(
    epilog="Examples: `mlgit exp promote C-0.2-7f3a1c`, `mlgit exp promote C-0.2-7f3a1c --branch tune/c -m 'Regularise less'`.",
    short_help="Make a trial a branch, ready for a pull request.",
)
@click.argument("name", metavar="NAME")
@click.option("--branch", metavar="BRANCH", default="", help="What the branch is called (default: exp/NAME).")
@click.option("--message", "-m", metavar="TEXT", default="", help="The title of the commit (default: what was set).")
@click.option("--objective", metavar="METRIC", default="", help="By what it was picked (default: the objective of its search).")
@click.option(
    "--direction", type=click.Choice(["higher", "lower"]), help="Which way that is better (default: as in mlgit.yaml)."
)
@click.option("--dry-run", is_flag=True, help="Print the message, and make nothing.")
@json_option()
def command(
    name: str, *, branch: str, message: str, objective: str, direction: str | None, dry_run: bool, as_json: bool
) -> int:
    """Make a branch of one commit where the trial began, with the files that it changed. Nothing is checked out.

    The message says what was set and what it gained, with an interval where predictions allow one; from how many trials it was
    picked, and what is left of the gain once that is heeded. Reviews and cards tell it, too.
    """
    from mlgit.commands.exp_promote import promote_trial

    done = promote_trial(
        name,
        branch=branch,
        message=message,
        objective=objective,
        direction=direction or "",
        dry_run=dry_run,
        note=error_boundary.note,
    )
    if as_json:
        click.echo(json.dumps(done.document(), indent=2))
    else:
        _show(done)
    return errors.EXIT_YES


def _show(done: TrialPromoted) -> None:
    branch = plain(done.branch)
    if not done.commit:
        click.echo(f"would make the branch {branch} at {done.baseline[:7]} with one commit:\n")
        click.echo("\n".join(plain(line) for line in done.message.rstrip("\n").split("\n")))
        return
    if not done.is_new:
        click.echo(f"the branch {branch} is there already ({done.commit[:7]})")
    else:
        from mlgit.experiments import selection

        click.echo(f"{branch} is a branch now: {done.commit[:7]}, on {done.baseline[:7]}")
        for line in selection.told(done.selection):
            click.echo(f"  {plain(line)}")
    card = "`mlgit card build` and commit the card, " if done.has_cards else ""
    click.echo(f"next: `git switch {branch}`, `mlgit run` (restores what it made), {card}`mlgit push`")
