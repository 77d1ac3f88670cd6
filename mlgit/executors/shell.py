"""How a stage's command becomes an argument list: through $SHELL, as in DVC."""

from __future__ import annotations

from pathlib import PurePath

CANNOT_START = 127  # the exit code of a shell that does not find a program
_NO_STARTUP_FILES = {"bash": ("--noprofile", "--norc"), "zsh": ("--no-rcs",), "fish": ("--no-config",)}


def argv(command: str, *, shell: str) -> list[str]:
    """The argument list that runs a command in this shell, without the user's start-up files."""
    return [shell, *_NO_STARTUP_FILES.get(PurePath(shell).name.lower(), ()), "-c", command]
