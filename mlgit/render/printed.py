"""What a program prints, as the lines that a terminal would be left with: safe to show, and a progress bar as one line.

Programs redraw a line with a carriage return, move up to redraw several, leave a line open while they work or ask, print
bytes that are no text, and escape sequences that clear the screen or set a title. Of these only colours are obeyed.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mlgit.render.text import plain

BAR_SECONDS = 10.0  # between two states of a progress bar that are shown as lines
_LONGEST = 1 << 16  # bytes of a line that are waited for
_COLOR = re.compile(r"(\x1b\[[0-9;:]*m)")
_ESCAPE = re.compile(
    r"(?!\x1b\[[0-9;:]*m)(?:"
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # titles, links and other strings
    r"|\x1b[ -/]*[0-Z\\^-~]|\x1b[\[\]]?)"
)
_TO_THE_START = re.compile(rb"\x1b\[[01]?G")  # another word for a carriage return
_UP = re.compile(rb"\x1b\[\d*[AF]")
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]{0,500}|[ -/]*)?\Z")
_RESET = "\x1b[0m"


class Lines(NamedTuple):
    """Lines that are complete, and after them the `part` of an unfinished one that is to be shown now."""

    complete: list[str]
    part: str = ""


class Printed:
    """The output of one program as it grows. A line of which a part was given continues with what is given next."""

    def __init__(self, *, color: bool = False, bars: bool = True) -> None:
        self._color = color
        self._bars = bars
        self._rest = b""
        self._looked_at = b""
        self._is_bar = False
        self._is_parted = False  # a part of the line was given
        self._state = ""  # of the bar, as it was given last
        self._last = b""
        self._kept_back = b""
        self._shown_at = float("-inf")

    @property
    def last(self) -> str:
        """The last line that says something, finished or not, without colours."""
        return shown(self._rest) or shown(self._last)

    def feed(self, content: bytes, *, now: float) -> Lines:
        """Take in what was printed."""
        if b"\x1b" in content or b"\x1b" in self._rest:
            content, self._rest = _TO_THE_START.sub(b"\r", self._rest + content), b""
        before, newline, after = content.rpartition(b"\n")
        if not newline:
            self._rest += content
            return Lines([], self._open_line())
        block, self._rest = self._rest + before, after
        lines = self._lines(block, now)
        return Lines(lines, self._open_line())

    def settle(self, *, now: float) -> Lines:
        """What is to be shown of an unfinished line that nothing was added to since the last call, or of a bar."""
        if self._is_bar:
            state = shown(self._rest, color=self._color)
            if self._bars and state and state != self._state and now - self._shown_at >= BAR_SECONDS:
                self._state, self._shown_at = state, now
                return Lines([*self._cut_off(), state])
            return Lines([])
        is_quiet = bool(self._rest) and self._rest == self._looked_at
        self._looked_at = self._rest
        return Lines([], self._take() if is_quiet else "")

    def close(self) -> Lines:
        """What is left at the end."""
        left = [shown(self._kept_back, color=self._color)] if self._kept_back else []
        self._kept_back = b""
        if not self._rest:
            return Lines(left)
        left += self._finished(self._rest)
        self._rest = b""
        return Lines([line for line in left if line])

    def _lines(self, block: bytes, now: float) -> list[str]:
        if not self._is_bar and b"\r" not in block and b"\x1b" not in block:
            text = block.decode("utf-8", "replace")
            if text.replace("\n", "").replace("\t", "").isprintable():  # by far the most of what is printed
                found = text.split("\n")
                self._is_parted, self._kept_back = False, b""
                self._last = next((line for line in reversed(found) if line), "").encode() or self._last
                return found
        lines = []
        for line in block.split(b"\n"):
            self._last = line if line.strip() else self._last
            if _is_redrawn(line):
                self._kept_back, self._is_bar = line, False
                if now - self._shown_at < BAR_SECONDS:
                    continue
                self._shown_at, self._kept_back = now, b""
            else:
                self._kept_back = b""
            lines += self._finished(line)
        return lines

    def _finished(self, line: bytes) -> list[str]:
        """The text of a line that has ended; nothing for the last state of a bar that was given before."""
        text = shown(line, color=self._color)
        was_given = self._is_bar and text == self._state
        before = self._cut_off() if b"\r" in line.rstrip(b"\r") else []
        self._is_bar, self._is_parted, self._state = False, False, ""
        return [] if was_given else [*before, text]

    def _cut_off(self) -> list[str]:
        """The end of a line of which a part was given, before something is written over it."""
        was_parted, self._is_parted = self._is_parted, False
        return [""] if was_parted else []

    def _open_line(self) -> str:
        """Look at an unfinished line: forget what was written over, and give what is too long to be waited for."""
        if b"\r" in self._rest:
            self._is_bar = True
            states = [each for each in self._rest.split(b"\r") if each.strip()]
            self._rest = b"\r" + (states[-1] if states else b"") + (b"\r" if self._rest.endswith(b"\r") else b"")
            self._rest = self._rest[: 2 * _LONGEST]
            return ""
        return self._take() if len(self._rest) > _LONGEST and not self._is_bar else ""

    def _take(self) -> str:
        """Give the unfinished line away, but for a character or an escape sequence that is cut off."""
        end = len(self._rest)
        if found := _UNFINISHED.search(self._rest[-512:]):
            end -= len(found.group())
        for back in range(1, min(4, end + 1)):
            if self._rest[end - back] >= 0xC0:
                wanted = 2 if self._rest[end - back] < 0xE0 else 3 if self._rest[end - back] < 0xF0 else 4
                end -= back if back < wanted else 0
                break
        text, self._rest = shown(self._rest[:end], color=self._color, is_part=True), self._rest[end:]
        self._looked_at = self._rest
        self._is_parted = self._is_parted or bool(text)
        return text


def _is_redrawn(line: bytes) -> bool:
    """Whether a line is one of several that are drawn anew again and again, as bars below each other are.

    What a program writes after it has blanked a bar is a line of its own.
    """
    if b"\x1b[" not in line or not (ups := _UP.split(line))[1:]:
        return False
    before, _, text = ups[-1].rpartition(b"\r")
    return not text.strip() or not (before and not before.strip())


def shown(line: bytes, *, color: bool = False, is_part: bool = False) -> str:
    """A line as a terminal would be left with it, in one line of safe text, with its colours or without."""
    text = line.decode("utf-8", "replace")
    if text.isprintable():
        return text
    if "\r" in text:
        states = [each for each in text.split("\r") if each.strip()]
        text = states[-1] if states else ""
    if "\x1b" in text or not text.isascii():
        text = _ESCAPE.sub("", text)
    if "\b" in text and not is_part:
        text = _rubbed_out(text)
    if "\x1b" not in text:
        return _safe(text)
    parts = _COLOR.split(text)
    if not color:
        return _safe("".join(parts[::2]))
    return "".join(each if number % 2 else _safe(each) for number, each in enumerate(parts)) + _RESET


def _safe(text: str) -> str:
    return text if text.replace("\t", "").isprintable() else plain(text)


def _rubbed_out(text: str) -> str:
    left: list[str] = []
    for char in text:
        if char != "\b":
            left.append(char)
        elif left:
            left.pop()
    return "".join(left)
