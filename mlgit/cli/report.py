"""`mlgit report`: a report as it will be shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlgit import errors
from mlgit.cli.format_options import format_options

if TYPE_CHECKING:
    from mlgit.commands.report import Format


@click.command(
    epilog="Examples: `mlgit report`, `mlgit report mlgit-report/report.json --format html -o review.html`.",
    short_help="Show a report of `mlgit ci run`.",
)
@click.argument("report", type=click.Path(path_type=Path), default=Path("mlgit-report/report.json"))
@format_options(("md", "html", "json"), default="md")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write (default: print it).")
def command(report: Path, *, form: Format, out: Path | None) -> int:
    """Render a REPORT that `mlgit ci run` left, as the comment of a pull request, as a page, or as its JSON, checked."""
    from mlgit.commands.report import read_report, render_report, write_rendered

    text = render_report(read_report(report), form=form)
    if out is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_rendered(out, text)
    return errors.EXIT_YES
