"""Annotations for a job's page, as commands that GitHub's runner (and Gitea's) reads from what a step prints.

What a step prints may hold anything, so meanwhile the runner is told to look for no command in it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from mlgit.cli.error_boundary import note
from mlgit.commands.ci_publish import PublishReporter
from mlgit.render.markdown import markdown_text
from mlgit.render.text import plain
from mlgit.report import markdown
from mlgit.report.document import Report
from mlgit.report.figures import got

MOST = 10  # of each level; GitHub shows no more of one step
_KINDS = ("github", "gitea")


class Shown(PublishReporter):
    """Prints what becomes of the report; where it is not seen in the pull request, it goes to the step summary."""

    def __init__(self, summary: str) -> None:
        self._summary = summary

    def done(self, text: str) -> None:
        """Print it."""
        click.echo(text)

    def note(self, text: str) -> None:
        """Say it on standard error."""
        note(text)

    def not_shown(self, report: Report, why: str) -> None:
        """Show the report where it can be shown, with a sentence that says why not in the pull request."""
        note(f"not shown in the pull request: {why}")
        text = markdown.summary(report)
        said = f"> Not shown in the pull request: {markdown_text(why)}\n\n{text}"
        if not self._summary or not summarize(Path(self._summary), said):
            click.echo(text, nl=False)


@contextmanager
def muted(kind: str) -> Iterator[None]:
    """For as long as the block lasts, nothing that is printed is a command to the runner."""
    if kind not in _KINDS:
        yield
        return
    word = secrets.token_hex(16)
    click.echo(f"::stop-commands::{word}")
    try:
        yield
    finally:
        click.echo(f"::{word}::")


def summarize(path: Path, text: str) -> bool:
    """Add to the summary of a step; whether that could be done."""
    try:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        note(f"the step summary, {path}, cannot be written: {error.strerror}")
        return False
    return True


def tell(kind: str, report: Report) -> None:
    """What is wrong, as annotations; nothing where no runner reads them."""
    if kind not in _KINDS:
        return
    found = list(commands(report))
    for level in ("error", "warning"):
        for line in [each for each in found if each.startswith(f"::{level} ")][:MOST]:
            click.echo(line)


def commands(report: Report) -> Iterator[str]:
    """One command for the failed stage and for each rule that fails or warns."""
    if report.failure:
        ended = f"{report.failure.stage}: exit code {report.failure.code}" if report.failure.stage else "see the log"
        yield _command("error", "the run failed", ended)
    if report.state == "invalid" and not report.rules:
        yield _command("error", "no valid comparison", "; ".join(report.notes))
    for rule in report.rules:
        if rule.effect != "pass":
            told = [text for text in (got(rule), rule.reason, rule.settle) if text]
            level = "error" if rule.effect == "fail" else "warning"
            yield _command(level, f"gate {rule.id}: {rule.outcome}", ". ".join(dict.fromkeys(told)))


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    """As the runner unescapes it."""
    return plain(text)[:1000].replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text)[:200].replace(":", "%3A").replace(",", "%2C")
