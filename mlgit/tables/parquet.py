"""Tables in formats that need a library of their own."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from typing import BinaryIO

from mlgit.errors import MlgitError

_SEPARATORS = {"csv": ",", "tsv": "\t"}
WITH_DIGESTS = (*_SEPARATORS, "parquet")


def parquet_shape(stream: BinaryIO) -> tuple[int, tuple[str, ...]] | None:
    """Rows and column names of a Parquet file; None where it is none, or pyarrow is not installed."""
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return None
    try:
        described = parquet.ParquetFile(stream)
    except (ArrowException, OSError):
        return None
    return described.metadata.num_rows, tuple(described.schema_arrow.names)


def parquet_rows(stream: BinaryIO) -> tuple[list[str], Iterator[list[str]]]:
    """Column names and rows of a Parquet file, every value as text.

    Raises MlgitError where it is none, or pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise MlgitError("pyarrow is not installed, so Parquet files are not read", "`pip install pyarrow`") from error
    try:
        table = parquet.read_table(stream)
    except (ArrowException, OSError) as error:
        raise MlgitError(f"not a Parquet file: {error}") from error
    columns = [column.to_pylist() for column in table.columns]
    return list(table.column_names), ([str(value) for value in row] for row in zip(*columns, strict=True))


def row_digests(stream: BinaryIO, *, ending: str, without: str = "") -> Iterator[bytes]:
    """A digest of every row of a table in one of the formats of WITH_DIGESTS, whatever the order of its columns.

    The column `without`, which names the row, does not count. Raises MlgitError, csv.Error or ValueError for what is no table.
    """
    header, rows = parquet_rows(stream) if ending == "parquet" else _separated(stream, _SEPARATORS[ending])
    columns = sorted((name, index) for index, name in enumerate(header) if name != without)
    head = "\0".join(name for name, _ in columns).encode("utf-8", "surrogatepass")
    for row in rows:
        values = "\0".join(row[index] if index < len(row) else "" for _, index in columns)
        yield hashlib.sha256(head + b"\0\0" + values.encode("utf-8", "surrogatepass")).digest()[:16]


def _separated(stream: BinaryIO, separator: str) -> tuple[list[str], Iterator[list[str]]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    rows = (row for row in csv.reader(text, delimiter=separator) if row)
    return next(rows, []), rows
