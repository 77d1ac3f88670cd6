"""What stages print, line by line: each with the stage's name where several run at once, and no two in one line."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from mlgit.render.printed import Lines, Printed
from mlgit.render.terminal import paint, width
from mlgit.render.text import plain, size

_WIDEST = 24  # of the names that lines are aligned by


class StageOutput:
    """Writes the output of the stages in `names`, and knows the last line of every stage.

    With `whole_lines` a line is written when it is complete, or too long to be waited for; without, also what stands on
    an unfinished line for a moment.
    """

    def __init__(
        self, names: Collection[str], *, prefixed: bool, color: bool, whole_lines: bool, write: Callable[[str], None]
    ) -> None:
        self.names = names
        self._color = color
        self._whole_lines = whole_lines
        self._write = write
        self._printed: dict[str, Printed] = {}
        self._is_prefixed = prefixed
        self._width = max((width(name) for name in names if width(name) <= _WIDEST), default=0) if prefixed else 0
        self._parted: set[str] = set()
        self._open = ""  # the stage that the line which is not complete is of

    def last(self, name: str) -> str:
        """The last line of a stage that runs."""
        return self._printed[name].last if name in self._printed else ""

    def printed(self, name: str, content: bytes, *, left_out: int) -> None:
        """A stage printed this, after so many bytes that were passed over."""
        is_shown = name in self.names
        if name not in self._printed:
            self._printed[name] = Printed(color=self._color and is_shown, bars=not self._whole_lines)
        found = self._printed[name]
        text = ""
        if left_out and is_shown:
            text += self._text(name, found.close())
            text += self._text(name, Lines([f"... {size(left_out)} are not shown here, but stand in the log of the stage"]))
        lines = found.feed(content, now=time.monotonic())
        if is_shown:
            self._put(text + self._text(name, lines))

    def settle(self) -> None:
        """Write what stands on unfinished lines, where that is wanted."""
        if self._whole_lines:
            return
        now = time.monotonic()
        self._put(
            "".join(self._text(name, self._printed[name].settle(now=now)) for name in self._printed if name in self.names)
        )

    def printed_all(self, name: str) -> None:
        """Nothing more comes of a stage."""
        found = self._printed.pop(name, None)
        if found is None or name not in self.names:
            return
        text = self._text(name, found.close())
        self._parted.discard(name)
        self._put(text + (self._broken() if self._open == name else ""))

    def break_line(self) -> None:
        """End the line that is not complete, for something else comes now."""
        self._put(self._broken())

    def _put(self, text: str) -> None:
        if text:
            self._write(text)

    def _broken(self) -> str:
        was_open, self._open = self._open, ""
        return "\n" if was_open else ""

    def _text(self, name: str, lines: Lines) -> str:
        if not lines.complete and not lines.part:
            return ""
        prefix = self._prefix(name)
        complete = lines.complete
        text = self._first(name, prefix, complete[0]) if complete else ""
        text += "".join([f"{prefix}{line}\n" for line in complete[1:]])
        if not lines.part:
            return text
        if self._whole_lines:
            return f"{text}{prefix}{lines.part}\n"
        if self._open != name:
            text += self._broken() + prefix
        self._open = name
        self._parted.add(name)
        return text + lines.part

    def _first(self, name: str, prefix: str, line: str) -> str:
        """A complete line, which may be the rest of one that was begun before."""
        was_parted = name in self._parted
        self._parted.discard(name)
        if was_parted and self._open == name:
            self._open = ""
            return f"{line}\n"
        if was_parted and not line:
            return ""
        return f"{self._broken()}{prefix}{line}\n"

    def _prefix(self, name: str) -> str:
        if not self._is_prefixed:
            return ""
        shown = plain(name)
        return paint(shown + " " * (self._width - width(shown)) + " |", "cyan", color=self._color) + " "
