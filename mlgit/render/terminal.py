"""What a terminal shows: colours, and columns that line up in any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from mlgit.render.text import plain

_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def paint(text: str, style: str, *, color: bool) -> str:
    """`text` in one of the styles bold, dim, red, green, yellow, cyan; as it is when `color` is False."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if color and text else text


def width(text: str) -> int:
    """How many terminal columns `text` takes (wide East Asian characters take two)."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, columns: int) -> str:
    """`text` in at most so many columns; where something is left out, the last of them shows that."""
    if width(text) <= columns:
        return text
    taken, used = [], 0
    for char in text:
        used += _columns(char)
        if used >= columns:
            break
        taken.append(char)
    return "".join(taken) + "…" if columns > 0 else ""


def wrap(text: str, columns: int, *, indent: int = 0) -> list[str]:
    """`text` in lines of at most so many columns, broken between words; all but the first begin with `indent` spaces."""
    if width(text) <= columns:
        return [text]
    lines, line = [], ""
    start = " " * (indent if indent <= columns // 2 else 2)
    for word in text.split(" "):
        if line.strip() and width(line) + 1 + width(word) > columns:
            lines.append(line.rstrip())
            line = start + word
        else:
            line += f" {word}" if line else word
    return [cut(each, columns) for each in (*lines, line)]


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, right: Iterable[int] = ()) -> str:
    """Rows as aligned columns, two spaces apart; the columns numbered in `right` are aligned to the right."""
    lines = [[plain(cell).replace("\t", " ") for cell in row] for row in (header, *rows)]
    to_right = set(right)
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            _pad(cell, size, index in to_right) for index, (cell, size) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _pad(cell: str, size: int, right: bool) -> str:
    space = " " * (size - width(cell))
    return space + cell if right else cell + space
