"""`mlgit monitor`: models after their release."""

from __future__ import annotations

import click

from mlgit.cli.group import LazyGroup

# In the order in which a model meets them.
COMMANDS: dict[str, tuple[str, str]] = {
    "sketch": ("mlgit.cli.monitor.sketch", "Sketch the training data, as a stage of the pipeline."),
    "run": ("mlgit.cli.monitor.run", "Judge the windows that nobody has judged yet."),
    "show": ("mlgit.cli.monitor.show", "Show what was judged, window by window."),
    "accept": ("mlgit.cli.monitor.accept", "Accept a window that alarmed, with a reason."),
    "trigger": ("mlgit.cli.monitor.trigger", "Say whether a model is to be trained anew."),
    "export": ("mlgit.cli.monitor.export", "Tell Prometheus, with alerts and a dashboard."),
    "compare": ("mlgit.cli.monitor.compare", "Compare the champion with the version on trial."),
}


class _Commands(LazyGroup):
    table = COMMANDS


@click.group(
    cls=_Commands,
    epilog="Example: `mlgit monitor compare churn --labels data/labels.csv`.",
    short_help="Watch models after their release.",
)
def command() -> None:
    """What became of models after their release, by what they were asked and what they answered."""
