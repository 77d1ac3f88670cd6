"""The names of commands and their options, for a shell that completes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import click

from mlgit.cli import group


class Cursor(NamedTuple):
    """Where on a command line the next word stands.

    `path` is the command so far ('model show'), `arguments` the number of those it has; `awaited` is the option whose value
    the word is, and `ended`: a `--` says that it is no option.
    """

    command: click.Command
    path: str
    arguments: int
    awaited: click.Option | None
    ended: bool


def place(words: Sequence[str]) -> Cursor | None:
    """Where the word after these stands, which begin behind `mlgit`; None where one of them is no command."""
    command: click.Command = group.group
    path, arguments, awaited, ended = "", 0, None, False
    for word in words:
        if awaited:
            awaited = None
        elif word == "--" and not ended:
            ended = True
        elif word.startswith("-") and not ended:
            named = option(command, word)
            awaited = named if named and not (named.is_flag or named.count) else None
        elif isinstance(command, click.Group):
            found = command.get_command(context(command), word)
            if found is None:
                return None
            command, path = found, f"{path} {word}".strip()
        else:
            arguments += 1
    return Cursor(command, path, arguments, awaited, ended)


def context(command: click.Command) -> click.Context:
    """What a command is asked in, as the top calls it: click keeps with each command how its help is asked for."""
    return click.Context(command, help_option_names=group.group.context_settings["help_option_names"])


def is_group(command: click.Command) -> bool:
    """Whether a command has commands of its own."""
    return isinstance(command, click.Group)


def commands(path: str) -> list[tuple[str, str]]:
    """The commands of a group, each with what it does; '' for the top."""
    found = place(path.split())
    if found is None or not isinstance(found.command, click.Group):
        return []
    if isinstance(found.command, group.LazyGroup):
        return [(name, summary) for name, (_, summary) in found.command.table.items()]
    return [(name, each.get_short_help_str(100)) for name, each in found.command.commands.items()]


def option(command: click.Command, word: str) -> click.Option | None:
    """The option of a command that is spelled so."""
    return next((each for each in _options(command) if word in (*each.opts, *each.secondary_opts)), None)


def options(command: click.Command) -> list[tuple[str, str]]:
    """The options of a command that are words, each with what it does."""
    return [
        (word, each.help or "")
        for each in _options(command)
        if not each.hidden
        for word in (*each.opts, *each.secondary_opts)
        if word.startswith("--")
    ]


def _options(command: click.Command) -> list[click.Option]:
    return [each for each in command.get_params(context(command)) if isinstance(each, click.Option)]
