"""Tables of JSON objects: a document that is a list of them, or one on each line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.tables import limits, streams
from mlgit.tables.formats import TableFormat

Row = dict[str, Any]

_KEY = re.compile(rb'"\s*:')
# About this many values at a time: 100 MB of objects at most.
_VALUES = 1_000_000
_FIRST = 4096
_BOM = b"\xef\xbb\xbf"


def batches(source: bytes | BinaryIO, *, table: TableFormat, most: int) -> Iterator[list[Row]]:
    """The rows, in lists of which one at a time lies in memory; of a document, all in one. At least one list, be it empty.

    Raises MlgitError for what is no table.
    """
    if table.name == "json":
        yield _document(source, table=table, most=most)
        return
    rows: list[Row] = []
    names: set[str] = set()
    nested = 0
    every: set[str] = set()
    for row, inside in _lines(source, table=table, most=most):
        rows.append(row)
        nested += inside
        if not row.keys() <= names:
            names.update(row)
            every.update(row)
            limits.refuse_columns(len(every))
        if len(rows) * len(names) >= _VALUES or len(rows) >= _VALUES // 10 or nested >= _VALUES:
            yield rows
            rows, names, nested = [], set(), 0
    yield rows


def _lines(source: bytes | BinaryIO, *, table: TableFormat, most: int) -> Iterator[tuple[Row, int]]:
    """One object on each line that is not blank, and how many lists and objects are in it."""
    for number, line in enumerate(streams.text(source, table=table, most=most), start=1):
        if not line.strip():
            continue
        inside = line.count(b"[") + line.count(b"{")
        limits.refuse_nested(inside)
        if line.count(b":") > limits.COLUMNS:  # so many cannot all be in texts
            limits.refuse_columns(sum(1 for _ in _KEY.finditer(line)))
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            raise MlgitError(f"line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise MlgitError(f"line {number} is no JSON object, so it has no columns")
        yield row, inside


def _document(source: bytes | BinaryIO, *, table: TableFormat, most: int) -> list[Row]:
    stream = streams.text(source, table=table, most=most)
    first = stream.read(_FIRST)
    begins = first.removeprefix(_BOM).lstrip()
    if begins and not begins.startswith(b"["):  # the other documents of a project are not read any further
        raise MlgitError("no list of JSON objects, so it has no rows and columns")
    content = first + stream.read()
    limits.refuse_nested(content.count(b"[") + content.count(b"{"))
    limits.refuse_document(content.count(b":"))
    try:
        rows = json.loads(content.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise MlgitError(f"no JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MlgitError("no list of JSON objects, so it has no rows and columns")
    limits.refuse_columns(len({name for row in rows for name in row}), rows=len(rows))
    return rows
