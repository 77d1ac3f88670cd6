"""Tables in formats that need a library of their own."""

from __future__ import annotations

from typing import BinaryIO


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
