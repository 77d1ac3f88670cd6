"""Tables in formats that need a library of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from mlgit.errors import MlgitError


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
