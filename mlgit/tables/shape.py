"""How many rows and which columns a table has, read as a stream."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from mlgit.render.text import suffix

_WIDEST_FIELD = 1 << 27


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a table: its rows below the header, and the names of its columns."""

    rows: int
    columns: tuple[str, ...]


def is_table(path: str) -> bool:
    """Whether a path is, by its ending, a table that can be read."""
    ending = suffix(path)
    return ending == "parquet" or ending in ENDINGS


def measure(stream: BinaryIO, ending: str) -> Shape | None:
    """The shape of a table in one of the formats of ENDINGS; None for content that is not in its format."""
    reader = ENDINGS.get(ending)
    try:
        return reader(io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")) if reader else None
    except (csv.Error, ValueError, RecursionError):
        return None


def _separated(text: io.TextIOWrapper, separator: str) -> Shape:
    """The first row is the header; rows without any field are not counted."""
    before = csv.field_size_limit(_WIDEST_FIELD)  # the default refuses a field of 128 KiB, as texts to learn from have
    try:
        rows = (row for row in csv.reader(text, delimiter=separator) if row)
        header = next(rows, [])
        return Shape(sum(1 for _ in rows), tuple(header))
    finally:
        csv.field_size_limit(before)


def _lines(text: io.TextIOWrapper) -> Shape:
    """One JSON document per line; the columns are the keys of the first."""
    rows = (row for row in text if row.strip())
    first = json.loads(next(rows, "{}"))
    return Shape(sum(1 for _ in rows) + bool(first), tuple(first) if isinstance(first, dict) else ())


ENDINGS: dict[str, Callable[[io.TextIOWrapper], Shape]] = {
    "csv": lambda text: _separated(text, ","),
    "tsv": lambda text: _separated(text, "\t"),
    "jsonl": _lines,
    "ndjson": _lines,
}
