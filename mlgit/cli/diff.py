"""`mlgit diff`: metrics, parameters, data and stages of two revisions side by side."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlgit.cli.error_boundary import note
from mlgit.cli.format_options import format_options
from mlgit.cli.preferences import use_color
from mlgit.cli.remote_options import timeout_option
from mlgit.errors import MlgitError

if TYPE_CHECKING:
    from mlgit.commands.diff import DiffResult

FORMATS = ("table", "md", "json")


@click.command(
    epilog="Examples: `mlgit diff` (what this branch changes), `mlgit diff HEAD~1`, `mlgit diff v1.0.0 main`, "
    "`mlgit diff --format md > report.md`, `mlgit diff --json --all`.",
    short_help="Compare metrics, parameters and data between two revisions.",
)
@click.argument("base", required=False)
@click.argument("head", required=False)
@format_options(FORMATS, default="table")
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
@click.option("--pull", is_flag=True, help="Fetch metrics, plots and predictions that the cache lacks from the DVC remote.")
@click.option(
    "--plots", "with_plots", is_flag=True, help="Write the plots of both sides over each other as one HTML page instead."
)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Where the page of --plots goes; else below .dvc/tmp/mlgit.")
@timeout_option()
def command(
    base: str | None, head: str | None, form: str, everything: bool, pull: bool, with_plots: bool, out: Path | None
) -> int:
    """Compare metrics, parameters, data and stages of BASE and HEAD.

    Both are revisions (branch, tag, commit, HEAD~1) or the word `workspace`. HEAD defaults to the workspace, BASE to the
    point where this branch left the default branch; on the default branch itself to the commit before, or to HEAD while
    there are changes that are not committed.

    With --plots, the plots that dvc.yaml declares are drawn as one HTML page that opens from its file, curves over each
    other and images side by side; its path is printed. With `--json` their points are printed instead.

    Exit code 0 when things were compared, different or not; 2 when nothing could be.
    """
    from mlgit.commands.diff import diff

    if out is not None and not with_plots:
        raise MlgitError("-o names the page of --plots, which is not asked for", "add --plots, or redirect what is printed")
    if with_plots:
        return _plots(base, head, form=form, pull=pull, out=out)
    result = diff(base, head, pull=pull, note=note)
    show(result, form=form, everything=everything)
    if result.unanswered:
        raise result.unanswered
    return result.exit_code


def _plots(base: str | None, head: str | None, *, form: str, pull: bool, out: Path | None) -> int:
    from mlgit.commands.plots import plots_diff, write_page  # a diff in words draws nothing

    found = plots_diff(base, head, pull=pull, note=note)
    if form == "json":
        click.echo(json.dumps(found.document(), indent=2, default=str))
    if form != "json" or out is not None:
        click.echo(write_page(found, out), err=form == "json")
    return found.exit_code


def show(result: DiffResult, *, form: str, everything: bool) -> None:
    """Print what differs in this form."""
    from mlgit.diff import markdown, table

    if form == "json":
        click.echo(json.dumps(result.document(everything=everything), indent=2, allow_nan=False))
    elif form == "md":
        click.echo(markdown.render(result.diff, everything=everything))
    else:
        color = use_color(sys.stdout)
        click.echo(table.render(result.diff, everything=everything, color=color), color=color)
