"""`mlgit ci`: what the workflows of a repository do, as commands that run on a laptop too."""

from __future__ import annotations

import click

from mlgit.cli.group import LazyGroup

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("mlgit.cli.ci.run", "Run the pipeline, judge the change, and write a report."),
    "propose": ("mlgit.cli.ci.propose", "Open or update one pull request for a better model."),
    "publish": ("mlgit.cli.ci.publish", "Show a report in its pull request."),
}


class _Commands(LazyGroup):
    table = COMMANDS


@click.group(
    cls=_Commands,
    short_help="What continuous integration does.",
    epilog="Examples: `mlgit ci run`, `mlgit ci publish mlgit-report/report.json --dry-run`.",
)
def command() -> None:
    """Review in continuous integration, in two halves.

    `run` may execute what a stranger proposes, and holds no secret; `publish` may write into the pull request, and executes
    nothing: it reads the report that `run` left.
    """
