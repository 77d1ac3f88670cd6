"""Command lines of mlgit that stand in documents and workflows: do they exist, and do they take these options?"""

from __future__ import annotations

from collections.abc import Sequence

import click

from mlgit.cli import group, names


def parse(words: Sequence[str]) -> None:
    """Let click parse what comes after `mlgit`, without running it. Raises click's UsageError for what it does not take."""
    # a number stands where a variable of the environment will
    given = ["7" if word.startswith("$") and "/" not in word else word for word in words]
    context = names.context(group.group)
    command: click.Command = group.group
    while isinstance(command, click.Group):
        if given and given[0] in ("--help", "-h", "--version"):
            return
        if not given:
            raise click.UsageError("a command is missing")
        _, found, given = command.resolve_command(context, given)
        assert found is not None
        command = found
    with command.make_context("mlgit", list(given)) as made:
        assert made.args == []
