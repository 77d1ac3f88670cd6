"""`--color`, `--quiet` and `--verbose`, which every command has."""

from __future__ import annotations

import sys
from typing import Any

import click

from mlgit.cli import preferences


def add_preferences(command: click.Command) -> click.Command:
    """Give a command, and those below it, the options that it does not have yet."""
    taken = {word for each in command.params for word in each.opts}
    for words, settings in _OPTIONS:
        if not taken & set(words):
            command.params.append(click.Option([*words], expose_value=False, **settings))
    if isinstance(command, click.Group):
        for each in command.commands.values():
            add_preferences(each)
    return command


def _set_color(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value is not None:
        preferences.current().color = value
        context.color = preferences.use_color(sys.stdout)


def _set_quiet(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing and not preferences.current().quiet:
        preferences.current().be_quiet()


def _set_verbose(context: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        preferences.current().verbose = True


_OPTIONS: tuple[tuple[tuple[str, ...], dict[str, Any]], ...] = (
    (("-q", "--quiet"), {"is_flag": True, "callback": _set_quiet, "help": "Print errors only; the exit code answers."}),
    (
        ("-v", "--verbose"),
        {
            "is_flag": True,
            "callback": _set_verbose,
            "help": "Say more: causes of an error, what is unchanged, how long it took.",
        },
    ),
    (
        ("--color",),
        {"type": click.Choice(preferences.COLORS), "callback": _set_color, "help": "Colours (default: auto, on a terminal)."},
    ),
)
