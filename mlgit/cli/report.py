"""`mlgit report`: a report as it will be shown."""

from __future__ import annotations

from pathlib import Path

import click

from mlgit import errors
from mlgit.cli.format_options import format_options
from mlgit.commands.report import FORMATS, Format, read_report, render_report, write_rendered


@click.command(
    epilog="Examples: `mlgit report`, `mlgit report mlgit-report/report.json --format html -o review.html`.",
    short_help="Show a report of `mlgit ci run`.",
)
@click.argument("report", type=click.Path(path_type=Path), default=Path("mlgit-report/report.json"))
@format_options(FORMATS, default="md")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write (default: print it).")
def command(report: Path, *, form: Format, out: Path | None) -> int:
    """Render a REPORT that `mlgit ci run` left, as the comment of a pull request, as a page, or as its JSON, checked."""
    text = render_report(read_report(report), form=form)
    if out is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        write_rendered(out, text)
    return errors.EXIT_YES
