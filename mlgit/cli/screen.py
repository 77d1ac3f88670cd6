"""A terminal whose last lines are drawn anew again and again, while others scroll by above them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TextIO

_COLUMNS, _LINES = 80, 24  # of a terminal that does not say


def is_terminal(stream: object) -> bool:
    """Whether lines can be drawn anew there."""
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


class Screen:
    """The terminal that a stream leads to. It is asked for its size each time, for that changes."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn: list[str] = []

    @property
    def size(self) -> tuple[int, int]:
        """Columns that may be written to, and lines: in the last column a terminal could begin a new line by itself."""
        try:
            found = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            return _COLUMNS - 1, _LINES
        return (found.columns or _COLUMNS) - 1 or 1, found.lines or _LINES

    def show(self, above: str, rows: Sequence[str]) -> None:
        """Put these rows in the place of those drawn before, below `above`, which stays: whole lines, or nothing."""
        if not above and list(rows) == self._drawn:
            return
        back = f"\x1b[{len(self._drawn)}A\r\x1b[J" if self._drawn else ""
        self._drawn = list(rows)
        self._stream.write(back + above + "".join(f"{row}\n" for row in rows))
        self._stream.flush()
