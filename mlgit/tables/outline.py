"""Whether a table can be read at all in memory that grows with its bytes: looked at before anything is taken apart.

A column costs a thousand bytes and more, however few stand in the file; so do lists in lists. A few megabytes could
otherwise ask for more memory than a machine has.
"""

from __future__ import annotations

import re

from mlgit.errors import MlgitError

MOST_COLUMNS = 100_000
_LONGEST_LINE = 16 << 20
_MOST_NESTED = 5_000_000
_MOST_VALUES = 10_000_000
_MOST_PLACES = 50_000_000
_LARGEST_UNPACKED = 1 << 30
_SEPARATORS = {"csv": b",", "tsv": b"\t"}
_LINE_END = re.compile(rb"\r\n?|\n")
_KEY = re.compile(rb'"\s*:')


def check(content: bytes, *, ending: str) -> None:
    """Raise MlgitError for a text with more columns, longer lines or more nesting than are read; `ending` is its format."""
    if ending in _SEPARATORS:
        refuse_columns(1 + _header(content).count(_SEPARATORS[ending]))
    elif content.count(b"[") + content.count(b"{") > _MOST_NESTED:
        raise MlgitError(f"more than {_MOST_NESTED} lists and objects, so it is not read", "write fewer rows, or Parquet")
    elif ending == "json" and content.count(b":") > _MOST_VALUES:
        raise MlgitError(f"more than {_MOST_VALUES} values in one document, so it is not read", "write CSV or JSON Lines")
    if ending != "json":
        _refuse_long_lines(content)
        if ending not in _SEPARATORS:
            _refuse_many_keys(content)


def refuse_columns(number: int, *, rows: int = 0) -> None:
    """Raise MlgitError for more columns than are read, and for more places in all of `rows` that lie in memory at once."""
    if number > MOST_COLUMNS or number * rows > _MOST_PLACES:
        raise MlgitError(f"more than {MOST_COLUMNS} columns, so it is not read", "leave out columns that no rule needs")


def refuse_size(unpacked: int) -> None:
    """Raise MlgitError for a packed table that takes too much room unpacked."""
    if unpacked > _LARGEST_UNPACKED:
        raise MlgitError(
            f"unpacked it has more than {_LARGEST_UNPACKED >> 30} GiB, so it is not read", "write fewer columns or rows"
        )


def _header(content: bytes) -> bytes:
    """The first record: up to the first end of a line that stands in no quotes."""
    quotes = start = 0
    for found in _LINE_END.finditer(content):
        quotes += content.count(b'"', start, found.start())
        if quotes % 2 == 0:
            return content[: found.start()]
        start = found.end()
    return content


def _refuse_long_lines(content: bytes) -> None:
    start = 0
    while len(content) - start > _LONGEST_LINE:
        window = start, start + _LONGEST_LINE + 1
        start = 1 + max(content.rfind(b"\n", *window), content.rfind(b"\r", *window))
        if not start or start <= window[0]:
            raise MlgitError(f"a line of more than {_LONGEST_LINE >> 20} MiB, so it is not read", "see what writes the file")


def _refuse_many_keys(content: bytes) -> None:
    """A line with so many colons that they cannot all be in texts has too many keys."""
    if content.count(b":") <= MOST_COLUMNS:
        return
    for line in content.split(b"\n"):
        if line.count(b":") > MOST_COLUMNS:
            refuse_columns(sum(1 for _ in _KEY.finditer(line)))
