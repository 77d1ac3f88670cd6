"""The names of commands and their options, for a shell that completes them."""

from __future__ import annotations

import click

from mlgit.cli import group

# Groups whose commands are imported with much that only these need.
SLOW = {"card": ("build", "check", "index")}


def groups() -> tuple[str, ...]:
    """The commands that have commands of their own."""
    return group.GROUPS


def commands(above: str) -> list[str]:
    """The commands of a group; '' for the top."""
    if not above:
        return list(group.COMMANDS)
    if above in SLOW:
        return list(SLOW[above])
    found = _find(above)
    return found.list_commands(click.Context(found)) if isinstance(found, click.Group) else []


def options(path: str) -> list[str]:
    """The options of a command that are words."""
    found = _find(path)
    params = found.get_params(click.Context(found)) if found else []
    return [word for each in params if not getattr(each, "hidden", False) for word in each.opts if word.startswith("--")]


def _find(path: str) -> click.Command | None:
    found: click.Command | None = group.group
    for word in path.split():
        found = found.get_command(click.Context(found), word) if isinstance(found, click.Group) else None
    return found
