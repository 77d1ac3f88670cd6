"""`mlgit exp`: trials before a release."""

from __future__ import annotations

import click

from mlgit.cli import other_tools
from mlgit.cli.group import LazyGroup

# In the order in which a trial meets them.
COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("mlgit.cli.exp.run", "Try the pipeline with other parameters."),
    "list": ("mlgit.cli.exp.list", "List trials by name."),
    "show": ("mlgit.cli.exp.show", "Show trials in a table, the best first."),
    "compare": ("mlgit.cli.exp.compare", "Compare trials, and the best with the baseline."),
    "diff": ("mlgit.cli.exp.diff", "Compare a trial with its baseline, or with another."),
    "promote": ("mlgit.cli.exp.promote", "Make a trial a branch, ready for a pull request."),
    "apply": ("mlgit.cli.exp.apply", "Put a trial into the working tree."),
    "remove": ("mlgit.cli.exp.remove", "Remove trials, here and at a remote."),
    "push": ("mlgit.cli.exp.push", "Publish trials, data first."),
    "pull": ("mlgit.cli.exp.pull", "Bring the trials that others pushed."),
    "gc": ("mlgit.cli.exp.gc", "Tidy up: old trials, working trees, files that no run names."),
    "import": ("mlgit.cli.exp.importing", "Bring experiments of MLflow, DVCLive or another repository."),
    "export": ("mlgit.cli.exp.export", "Send trials and runs to MLflow."),
}


class _Commands(LazyGroup):
    table = COMMANDS
    elsewhere = other_tools.OF_EXPERIMENTS


@click.group(
    cls=_Commands,
    epilog="Example: `mlgit exp run --set train.lr=0.1,0.2 --set train.depth=2..8`.",
    short_help="Try the pipeline with other parameters, beside the working tree.",
)
def command() -> None:
    """Trials of the pipeline with other parameters, kept as refs of Git that `dvc exp` reads too."""
