"""Lines that are wider than the terminal, broken between words: a terminal itself would break them anywhere."""

from __future__ import annotations

import re
from typing import TextIO

from mlgit.cli.screen import Screen
from mlgit.render.terminal import width

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_DRAWING = re.compile(r"\r|\x1b\[[0-9;?]*[A-Za-ln-z]")
# A cell of a table: columns are two spaces apart.
_CELL = re.compile(r" *(?:`[^`\n]*`|[^ ]| (?! ))+")
# A word with the spaces before it; a command in backquotes is one word, so that it can be copied as a whole.
_WORD = re.compile(r" *(?:`[^`\n]*`|[^ ])+| +$")
_NARROWEST = 10


def wrap_lines(stream: TextIO) -> None:
    """From now on, what is written to this terminal is broken between words."""
    screen, write = Screen(stream), stream.write
    is_begun = False  # the line that is being written

    def written(text: str, /) -> int:
        nonlocal is_begun
        columns = screen.size[0]
        if not text or _DRAWING.search(text) or columns < _NARROWEST:  # lines that are drawn anew have the right width
            write(text)
        else:
            first, newline, rest = text.partition("\n") if is_begun else ("", "", text)
            write(first + newline + "\n".join(wrapped(line, columns) for line in rest.split("\n")))
        is_begun = not text.endswith("\n") if text else is_begun
        return len(text)

    stream.write = written  # type: ignore[method-assign]


def wrapped(line: str, columns: int) -> str:
    """A line as lines of at most so many columns, unless one word alone is wider; those after the first are indented."""
    if _width(line) <= columns:
        return line
    indent = " " * min(len(line) - len(line.lstrip(" ")) + 2, columns // 2)
    lines, current = [], ""
    for word in _words(line, columns - len(indent)):
        if current.strip() and _width(current + word) > columns:
            lines.append(current)
            current = indent + word.lstrip(" ")
        else:
            current += word
    return "\n".join([*lines, current])


def _words(line: str, columns: int) -> list[str]:
    """What is kept together: cells of a table, or what stands in backquotes, or words where those are too wide."""
    found: list[str] = []
    for cell in _CELL.findall(line):
        if "  " in line.strip() and _fits(cell, columns):
            found.append(cell)
        else:
            for word in _WORD.findall(cell):
                found += [word] if _fits(word, columns) else re.findall(r" *[^ ]+| +$", word)
    return found


def _fits(text: str, columns: int) -> bool:
    return _width(text.strip(" ")) <= columns


def _width(text: str) -> int:
    return width(_COLOR.sub("", text))
