"""`mlgit exp diff`: two trials side by side."""

from __future__ import annotations

import click

from mlgit.cli.format_options import format_options

FORMATS = ("table", "md", "json")


@click.command(
    epilog="Examples: `mlgit exp diff lr-0.2-7f3a1c`, `mlgit exp diff lr-0.2-7f3a1c lr-0.5-01ab9e`, "
    "`mlgit exp diff lr-0.2-7f3a1c main --format md`.",
    short_help="Compare a trial with its baseline, or with another.",
)
@click.argument("one", metavar="TRIAL")
@click.argument("other", metavar="[TRIAL]", required=False)
@format_options(FORMATS, default="table")
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
def command(one: str, other: str | None, *, form: str, everything: bool) -> int:
    """Compare parameters, metrics, data and stages of a trial and its baseline, or of two trials.

    Each TRIAL may be a revision (branch, tag, commit) as well. What is shown is what `mlgit diff` shows.

    Exit code 0 when things were compared, different or not; 2 when nothing could be.
    """
    from mlgit.cli.diff import show
    from mlgit.commands.exp_diff import diff

    result = diff(one, other)
    show(result, form=form, everything=everything)
    if result.unanswered:
        raise result.unanswered
    return result.exit_code
