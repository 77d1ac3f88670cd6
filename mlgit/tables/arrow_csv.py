"""Tables with a separator, read by Arrow: faster than pandas reads them, where both see the same in them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from typing import Any

from mlgit.tables import limits, separated
from mlgit.tables.digests import MISSING_WORDS
from mlgit.tables.formats import TableFormat

_FIRST_ROWS = 50
_LARGE = 2.0**63
# What Arrow would take for a day or a moment, of which the text is wanted as it stands.
_MOMENT = re.compile(r"[0-9]{1,4}[-/:][0-9].*", re.DOTALL)
# What pandas takes for a number.
_NUMBER = re.compile(r"\s*[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|inf|infinity)\s*", re.IGNORECASE)


def read(content: bytes, *, table: TableFormat, texts: Collection[str], literal: Collection[str]) -> Any | None:
    """A table of Arrow with all columns; None where pandas has to read it, because it would see something else.

    `texts` are columns that are left as texts, `literal` those of which only an empty field is missing.
    """
    import pyarrow as pa

    first = _first(content, table)
    if first is None:
        return None
    names, rows = first
    moments = {name for row in rows for name, cell in zip(names, row, strict=False) if _MOMENT.fullmatch(cell)}
    try:
        kept = {*texts, *moments}
        found = _read(content, table, names, texts=kept)
        if later := [each.name for each in found.schema if pa.types.is_temporal(each.type)]:
            kept.update(later)
            found = _read(content, table, names, texts=kept)
        for place, name in enumerate(names):
            if name in literal and found.column(place).null_count:
                exact = _read(content, table, names, texts=kept, only=name, missing=("",)).column(0)
                found = found.set_column(place, name, exact)
    except pa.ArrowException:
        return None
    if any(map(pa.types.is_integer, found.schema.types)) and (b"0x" in content or b"0X" in content):
        return None  # Arrow takes 0x10 for 16
    differs = any(_differs(found.column(place), is_text=name in texts) for place, name in enumerate(names))
    return None if differs else found


def _first(content: bytes, table: TableFormat) -> tuple[tuple[str, ...], list[list[str]]] | None:
    """The names of the columns, and the first rows; None for what only looks like a table of one column, or is none."""
    end = content.find(b"\n")
    head = content[: max(end, 0)]
    if not head.strip() or head.count(b'"') % 2 or table.separator.encode() not in head:
        return None
    if b"\r" in content and content.count(b"\r") != content.count(b"\r\n"):
        return None
    try:
        header = next(csv.reader([head.decode("utf-8-sig").rstrip("\r")], delimiter=table.separator, strict=True))
    except (ValueError, csv.Error):
        return None
    limits.refuse_columns(len(header))
    if len(set(header)) < len(header):  # what is said of a column holds for others of its name
        return None
    return separated.names(header), list(_rows(content, table, begin=end + 1))


def _rows(content: bytes, table: TableFormat, *, begin: int) -> Iterator[list[str]]:
    lines = io.BytesIO(content[begin : begin + (1 << 16)])
    texts = (line.decode(errors="replace") for line in lines)
    try:
        for row, _ in zip(csv.reader(texts, delimiter=table.separator), range(_FIRST_ROWS), strict=False):
            yield row
    except csv.Error:
        return


def _read(
    content: bytes,
    table: TableFormat,
    names: Collection[str],
    *,
    texts: Collection[str],
    only: str = "",
    missing: Collection[str] = MISSING_WORDS,
) -> Any:
    import pyarrow as pa
    from pyarrow import csv as arrow

    has_quotes = b'"' in content
    return arrow.read_csv(
        pa.BufferReader(content),
        read_options=arrow.ReadOptions(column_names=list(names), skip_rows=1),
        parse_options=arrow.ParseOptions(
            delimiter=table.separator, quote_char='"' if has_quotes else False, newlines_in_values=has_quotes
        ),
        convert_options=arrow.ConvertOptions(
            column_types={name: pa.string() for name in names if name in texts},
            null_values=[*missing],
            true_values=["True", "TRUE", "true"],
            false_values=["False", "FALSE", "false"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            include_columns=[only] if only else None,
        ),
    )


def _differs(column: Any, *, is_text: bool) -> bool:
    """Whether pandas reads a column in another way: a NaN that is none of the words for it, numbers with a plus."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type):
        # a whole number too large for 64 bits makes a text of pandas' column
        return bool(pc.any(pc.or_(pc.is_nan(column), pc.greater_equal(pc.abs(column), _LARGE))).as_py())
    if is_text or not pa.types.is_string(column.type):
        return False
    known = (value for chunk in column.chunks for each in chunk if (value := each.as_py()) is not None)
    return column.null_count < len(column) and all(map(_NUMBER.fullmatch, known))  # the first one settles it, mostly
