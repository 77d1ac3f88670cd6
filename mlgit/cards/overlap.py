"""How many rows of the test data are in the training data too."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

SEPARATORS = {"csv": ",", "tsv": "\t"}
_WIDEST_FIELD = 1 << 27

Row = tuple[tuple[str, str], ...]


def count(train: Iterable[tuple[str, bytes]], test: Iterable[tuple[str, bytes]], *, id_column: str) -> tuple[int, int] | None:
    """Shared rows and all rows of the test tables, each given as ending and bytes; rows are compared without `id_column`.

    None for a format other than those of SEPARATORS, and for bytes that are no table.
    """
    before = csv.field_size_limit(_WIDEST_FIELD)
    try:
        known = {row for ending, content in train for row in _rows(ending, content, id_column)}
        rows = [row in known for ending, content in test for row in _rows(ending, content, id_column)]
    except (KeyError, csv.Error, UnicodeDecodeError):
        return None
    finally:
        csv.field_size_limit(before)
    return (sum(rows), len(rows)) if known and rows else None


def _rows(ending: str, content: bytes, id_column: str) -> Iterator[Row]:
    lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=SEPARATORS[ending])
    rows = (row for row in lines if row)
    columns = sorted((name, place) for place, name in enumerate(next(rows, [])) if name != id_column)
    for row in rows:
        yield tuple((name, row[place] if place < len(row) else "") for name, place in columns)
