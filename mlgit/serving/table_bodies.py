"""Tables as bodies of requests: CSV and Parquet, read within bounds that the sender cannot move."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mlgit.serving import parquet_footer
from mlgit.serving.inputs import Inputs
from mlgit.serving.rows import RefusedRequestError, Rows

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
# What pandas and others write for a number that is missing.
_MISSING = frozenset({"", "nan", "NaN", "NA", "N/A", "null", "NULL", "None"})
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TEXTS = frozenset({"string", "date", "timestamp", "time"})

# Compressions whose result is no more than some ten times as large; others make gigabytes of a megabyte.
_CODECS = frozenset({0, 1})  # none, snappy
_STEP = 4  # rows of Parquet at a time, so that what grows is seen before it is large
_GROWTH = 16  # times the body's size, that its values may have
_COLUMNS = 10_000


def of_csv(body: bytes, *, limit: int, inputs: Inputs) -> Rows:
    """The rows of a CSV with a header. Numbers are what looks like one in a column that the contract does not declare as text;
    in a column without a type, where all values do. An empty field is a missing value.

    Raises RefusedRequestError for what is no table.
    """
    try:
        lines = _lines(body)
        header = next(lines, None)
        if not header or len(set(header)) != len(header):
            raise RefusedRequestError("the first line of the CSV is not a header of different names")
        records: list[list[str]] = []
        for record in lines:
            if len(record) != len(header):
                raise RefusedRequestError(f"row {len(records)} of the CSV does not have {len(header)} fields")
            if len(records) == limit:
                raise RefusedRequestError(f"the CSV has more than the {limit} rows that one request may have", status=413)
            records.append(record)
    except (UnicodeDecodeError, csv.Error):
        raise RefusedRequestError("the body is not CSV in UTF-8") from None
    if not records:
        raise RefusedRequestError("the body has no rows")
    types = {each.name: each.type for each in inputs.columns}
    columns = [
        _typed(fields, kind=types.get(name, "")) for name, fields in zip(header, zip(*records, strict=True), strict=True)
    ]
    return Rows(tuple(header), list(zip(*columns, strict=True)))


def _lines(body: bytes) -> Iterator[list[str]]:
    if b"\0" in body:
        raise csv.Error
    text = io.StringIO(body.decode("utf-8-sig"), newline="")
    return (record for record in csv.reader(text, strict=True) if record)


def _typed(fields: Sequence[str], *, kind: str) -> list[Any]:
    """The values of a column of CSV by the type that its contract gives it."""
    if kind in _TEXTS:
        return [each or None for each in fields]
    if kind == "boolean":
        return [_BOOLEANS.get(each, each or None) for each in fields]
    numbers = [_number(each) for each in fields]
    if kind or not any(type(each) is str for each in numbers):
        return numbers
    booleans = [_BOOLEANS.get(each, each or None) for each in fields]
    return [each or None for each in fields] if any(type(each) is str for each in booleans) else booleans


def _number(field: str) -> int | float | str | None:
    """The number that a field is, None for a missing one; what is no number stays the text it was."""
    if field in _MISSING:
        return None
    if _INTEGER.fullmatch(field):
        return int(field)
    if _NUMBER.fullmatch(field) and abs(value := float(field)) != float("inf"):
        return value
    return field


def of_parquet(body: bytes, *, limit: int) -> Rows:
    """The rows of a Parquet file with flat columns: numbers, text, booleans, and dates as ISO text.

    Raises RefusedRequestError for another file, and for one whose values are far larger than it.
    """
    import pyarrow as pa
    from pyarrow import parquet as pq

    try:
        if not parquet_footer.codecs(body) <= _CODECS:
            raise RefusedRequestError("the Parquet file is compressed other than by snappy", status=415)
        file = pq.ParquetFile(
            pa.BufferReader(body), thrift_string_size_limit=len(body), thrift_container_size_limit=10 * _COLUMNS
        )
        _check_parquet(file, limit=limit)
        names = tuple(file.schema.names)
        columns: list[list[Any]] = [[] for _ in names]
        size = 0
        for batch in file.iter_batches(batch_size=_STEP, use_threads=False):
            size += batch.nbytes
            if size > _GROWTH * len(body) + (1 << 16):
                raise RefusedRequestError("the values of the Parquet file are far larger than the file", status=413)
            for values, column in zip(columns, batch.columns, strict=True):
                values += [_plain(each) for each in column.to_pylist()]
    except (pa.ArrowException, OSError, ValueError, TypeError, OverflowError):
        raise RefusedRequestError("the body is not a Parquet file with flat columns") from None
    if not columns or not columns[0]:
        raise RefusedRequestError("the body has no rows")
    return Rows(names, list(zip(*columns, strict=True)))


def _check_parquet(file: Any, *, limit: int) -> None:
    """Raises RefusedRequestError for a file that is refused for what its footer says."""
    footer, schema = file.metadata, file.schema
    if footer.num_rows > limit:
        raise RefusedRequestError(f"the Parquet file has more than the {limit} rows that one request may have", status=413)
    if footer.num_columns > _COLUMNS or len(set(schema.names)) != len(schema.names):
        raise RefusedRequestError("the Parquet file's columns are too many, or not of different names")
    columns = [schema.column(each) for each in range(len(schema))]
    if any(each.max_repetition_level or each.max_definition_level > 1 or "." in each.path for each in columns):
        raise RefusedRequestError("the Parquet file has columns that are not flat")


def _plain(value: Any) -> Any:
    """A value of Arrow as JSON would have brought it."""
    if value is None or type(value) in (int, str, bool):
        return value
    if type(value) is float:
        return value if value == value else None  # NaN is what is missing
    if type(value) is bytes:
        return value.decode()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return float(value)  # a decimal; anything else is a TypeError, and refused
