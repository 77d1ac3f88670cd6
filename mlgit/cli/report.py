"""`mlgit report`: a report as it will be shown."""

from __future__ import annotations

from pathlib import Path

import click

from mlgit import errors
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.report import document, html, markdown

FORMATS = ("md", "html", "json")


@click.command(
    epilog="Examples: `mlgit report`, `mlgit report mlgit-report/report.json --format html -o review.html`.",
    short_help="Show a report of `mlgit ci run`.",
)
@click.argument("report", type=click.Path(path_type=Path), default=Path("mlgit-report/report.json"))
@click.option("--format", "form", type=click.Choice(FORMATS), default="md", show_default=True, help="As what to show it.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write (default: print it).")
def command(report: Path, *, form: str, as_json: bool, out: Path | None) -> int:
    """Render a REPORT that `mlgit ci run` left, as the comment of a pull request, as a page, or as its JSON, checked."""
    try:
        with open(report, "rb") as stream:
            found = document.from_json(stream.read(document.MAX_BYTES + 1), source=str(report))
    except OSError as error:
        raise MlgitError(f"{report}: cannot be read: {error.strerror}", "`mlgit ci run` writes one") from error
    text = {"md": markdown.comment, "html": html.page, "json": document.to_json}["json" if as_json else form](found)
    if out is None:
        click.echo(text, nl=not text.endswith("\n"))
    else:
        files.write_atomic(out, text)
    return errors.EXIT_YES
