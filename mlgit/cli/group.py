"""The click group: every command of mlgit by name, imported when it is called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click

from mlgit import __version__
from mlgit.cli import other_tools
from mlgit.cli.preference_options import add_preferences
from mlgit.errors import near_miss

COMMANDS: dict[str, tuple[str, str]] = {
    "new": ("mlgit.cli.new", "Make a new ML repository from a template."),
    "init": ("mlgit.cli.init", "Bring mlgit into a Git repository that is there."),
    "template": ("mlgit.cli.template", "List templates, and update a project from its own."),
    "run": ("mlgit.cli.run", "Run what is stale in the pipeline."),
    "status": ("mlgit.cli.status", "Say which stages are stale, and why."),
    "add": ("mlgit.cli.add", "Track data files and folders, as `dvc add` does."),
    "push": ("mlgit.cli.push", "Publish data, commits and tags, in this order."),
    "pull": ("mlgit.cli.pull", "Bring commits, tags and data that others pushed."),
    "remote": ("mlgit.cli.remote", "Set up where data is kept for others."),
    "doctor": ("mlgit.cli.doctor", "Look for damage in cache, locks and pipeline files."),
    "dag": ("mlgit.cli.dag", "Draw the pipeline."),
    "exp": ("mlgit.cli.exp.group", "Try the pipeline with other parameters, beside the working tree."),
    "serve": ("mlgit.cli.serve", "Answer requests with a released model."),
    "card": ("mlgit.cli.card", "Write model cards, and check that they are true."),
    "data": ("mlgit.cli.data", "Hold data against its contracts."),
    "monitor": ("mlgit.cli.monitor.group", "Watch models after their release."),
    "model": ("mlgit.cli.model.group", "Register, promote and audit model versions as Git tags."),
    "package": ("mlgit.cli.package", "Write an image's context and manifests for a version."),
    "log": ("mlgit.cli.log", "Show and pack what served models answered."),
    "gate": ("mlgit.cli.gate", "Judge a change by the rules of mlgit.yaml."),
    "ci": ("mlgit.cli.ci.group", "Run, judge and report a change, as continuous integration does."),
    "report": ("mlgit.cli.report", "Show a report of `mlgit ci run`."),
    "completion": ("mlgit.cli.completion", "Print the script that completes command lines."),
    "diff": ("mlgit.cli.diff", "Compare metrics, parameters and data between two revisions."),
}


# The commands that have commands of their own.
GROUPS = ("model", "card", "ci", "remote", "data", "template", "monitor", "log", "exp")


class SuggestingGroup(click.Group):
    """A group that says, for a word that is none of its commands, which command may have been meant.

    `elsewhere` says what the commands of other tools are called here.
    """

    elsewhere: ClassVar[Mapping[str, str]] = {}

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            ctx.fail(f"no such command '{args[0]}'" + self._instead(ctx, args[0]))
        return super().resolve_command(ctx, args)

    def _instead(self, ctx: click.Context, word: str) -> str:
        names = self.list_commands(ctx)
        if word.lower() in self.elsewhere and word.lower() not in names:
            return f"; {self.elsewhere[word.lower()]}"
        top = ctx.find_root().command
        places = [f"mlgit {word}"] if self is not top and isinstance(top, LazyGroup) and word in top.table else []
        for name in () if places else GROUPS:
            group = top.get_command(ctx, name) if isinstance(top, click.Group) else None
            if isinstance(group, click.Group) and word in group.list_commands(ctx):
                places.append(f"mlgit {name} {word}")
        return f", did you mean `{'` or `'.join(places)}`?" if places else near_miss(word, names)


class LazyGroup(SuggestingGroup):
    """A group that knows its commands' names and summaries without importing them; a subclass names them in `table`.

    `table` is name -> (module, one line for the overview); the module holds a click command called `command`.
    """

    table: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        command: click.Command = importlib.import_module(self.table[cmd_name][0]).command
        return add_preferences(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.table.items()])


class _Commands(LazyGroup):
    table = COMMANDS
    elsewhere = other_tools.ELSEWHERE


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `mlgit new my-model`, then `cd my-model` and `mlgit run`. `mlgit COMMAND --help` has examples.",
)
@click.version_option(__version__, "-V", "--version", message="mlgit %(version)s")
def group() -> None:
    """A Git repository as the whole ML platform: pipelines, metrics, models and their history are files and commits."""


add_preferences(group)
