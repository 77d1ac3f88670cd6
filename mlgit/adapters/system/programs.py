"""Commands that need no shell: recognised by their text, and resolved on PATH once each.

The rule is GNU make's: without characters that mean something to a shell, and with a program as its first word, a
command does the same without one. Starting a shell for it costs as much again as the command itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

# Only plain words are let through; whatever is not listed goes to the shell.
_PLAIN = re.compile(r"[A-Za-z0-9_.:,@%+-]+(?: +[A-Za-z0-9_./=:,@%+-]+)*")
_SHELL_WORDS = frozenset(
    """
    . : alias bg bind break builtin caller case cd command compgen complete compopt continue coproc declare dirs disown do
    done echo elif else enable esac eval exec exit export false fc fg fi for function getopts hash help history if in jobs kill
    let local logout mapfile popd printf pushd pwd read readarray readonly return select set shift shopt source suspend test
    then time times trap true type typeset ulimit umask unalias unset until wait while
    """.split()  # noqa: SIM905 - a list of 80 words is read more easily as words
)


def shell_of(environ: Mapping[str, str]) -> str:
    """The shell that commands are run with, as in DVC."""
    return environ.get("SHELL") or "/bin/sh"


class Programs:
    """The programs that commands may be run as directly.

    None may be when the shell is no plain sh or bash, reads a file at its start, or has functions from its environment,
    nor when PATH depends on the folder a command runs in.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        plain = os.path.basename(shell_of(environ)) in ("sh", "dash", "bash")
        steered = any(name in ("BASH_ENV", "ENV") or name.startswith("BASH_FUNC_") for name in environ)
        path = environ.get("PATH", "") if plain and not steered else ""
        folders = path.split(os.pathsep)
        self._folders = folders if all(map(os.path.isabs, folders)) else []
        self._found: dict[str, str | None] = {}

    def direct(self, command: str) -> tuple[str, list[str]] | None:
        """The program's path and the argument list of a command that needs no shell; None for any other."""
        if not _PLAIN.fullmatch(command):
            return None
        words = command.split()
        if words[0] in _SHELL_WORDS:
            return None
        if words[0] not in self._found:
            self._found[words[0]] = self._find(words[0])
        program = self._found[words[0]]
        return None if program is None else (program, words)

    def _find(self, name: str) -> str | None:
        for folder in self._folders:
            path = f"{folder}/{name}"
            if os.access(path, os.X_OK) and os.path.isfile(path):
                try:
                    with open(path, "rb") as stream:
                        start = stream.read(4)
                except OSError:
                    return None
                # a script without `#!` is run by the shell itself; other systems' binaries have other marks
                return path if start[:2] == b"#!" or start == b"\x7fELF" else None
        return None
