"""Reads a report that `ci_run` made, and renders it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.report import document, html, markdown
from mlgit.report.document import Report

Format = Literal["md", "html", "json"]
FORMATS: tuple[Format, ...] = ("md", "html", "json")


def read_report(path: Path) -> Report:
    """The report in a file, checked by its schema. Raises MlgitError for a file that is missing or holds no report."""
    try:
        with open(path, "rb") as stream:
            return document.from_json(stream.read(document.MAX_BYTES + 1), source=str(path))
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}", "`mlgit ci run` writes one") from error


def render_report(report: Report, *, form: Format = "md") -> str:
    """The report as the comment of a pull request, as a page, or as its JSON."""
    return {"md": markdown.comment, "html": html.page, "json": document.to_json}[form](report)


def write_rendered(path: Path, text: str) -> None:
    """Write what was rendered into a file, whole or not at all."""
    files.write_atomic(path, text)
