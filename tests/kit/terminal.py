"""A program in a pseudo-terminal, and the screen that its user would see."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_TOKEN = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|\r|\n|[^\x00-\x1f\x7f\x1b]")
_UNFINISHED = re.compile(r"\x1b(\[[0-9;?]*)?\Z")


class Screen:
    """Lines as a terminal of this size shows them; what has scrolled away is kept. Knows only what mlgit may send."""

    def __init__(self, columns: int, lines: int) -> None:
        self.columns, self.lines = columns, lines
        self.rows, self.row, self.column = [""], 0, 0
        self._rest = ""

    def feed(self, text: str) -> None:
        text = self._rest + text
        unfinished = _UNFINISHED.search(text)
        self._rest = unfinished[0] if unfinished else ""
        text = text[: len(text) - len(self._rest)]
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            assert found, f"not for a terminal: {text[at : at + 20]!r}"
            self._take(found)
            at = found.end()

    def _take(self, found: re.Match[str]) -> None:
        if found[0] == "\r":
            self.column = 0
        elif found[0] == "\n":
            self.row += 1
        elif found[2] == "A":
            self.row = max(self.row - int(found[1] or 1), len(self.rows) - self.lines, 0)
        elif found[2] == "J":
            self.rows[self.row :] = [self.rows[self.row][: self.column]]
        elif found[2] is None:
            self._put(found[0])
        else:
            assert found[2] == "m", found[0]
        self.rows += [""] * (self.row + 1 - len(self.rows))

    def _put(self, char: str) -> None:
        if self.column == self.columns:
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        line = self.rows[self.row].ljust(self.column)
        self.rows[self.row] = line[: self.column] + char + line[self.column + 1 :]
        self.column += 1

    @property
    def text(self) -> str:
        return "\n".join(row.rstrip() for row in self.rows).rstrip("\n")


class Terminal:
    """`mlgit` with arguments in a terminal of this size; `sent` is all that came from it."""

    def __init__(
        self, root: Path, *args: str, columns: int = 80, lines: int = 24, env: Mapping[str, str] | None = None
    ) -> None:
        self._ours, theirs = pty.openpty()
        self.screen, self.sent = Screen(columns, lines), ""
        self.resize(columns, lines)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlgit", *args],
            cwd=root,
            env={**os.environ, "TERM": "xterm-256color", **(env or {})},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - so that a typed Ctrl-C arrives
        )
        os.close(theirs)

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.columns, self.screen.lines = columns, lines

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, holds: Callable[[str], bool]) -> str:
        """Read until the screen is as wanted; that screen."""
        deadline = time.monotonic() + 30
        while not holds(self.screen.text):
            assert time.monotonic() < deadline, self.screen.text
            assert self._read(), self.screen.text
        return self.screen.text

    def end(self) -> tuple[int, str]:
        """Read to the end; the exit code and the screen."""
        while self._read():
            pass
        os.close(self._ours)
        return self.process.wait(30), self.screen.text

    def _read(self) -> bool:
        if not select.select([self._ours], [], [], 30)[0]:
            return False
        try:
            content = os.read(self._ours, 65536)
        except OSError:  # the other end was closed
            return False
        self.sent += content.decode(errors="replace")
        self.screen.feed(content.decode(errors="replace"))
        return bool(content)
