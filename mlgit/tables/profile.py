"""A table as it is described and compared: its rows, and of each column the kind and the values."""

from __future__ import annotations

from typing import BinaryIO

from mlgit.tables import chunks, columns, formats, limits, parquet
from mlgit.tables.columns import DataTable


def profile(source: bytes | BinaryIO, *, path: str, most: int = limits.VALUES_BYTES) -> DataTable:
    """A table with the values of its columns; the end of `path` tells its format.

    Raises MlgitError for what is not in its format, or larger than is read.
    """
    table = formats.known(path)
    kinds = parquet.kinds(source) if table.name == "parquet" else None
    found, mixed = columns.gather(chunks.chunks(source, path=path, most=most), kinds=kinds)
    if mixed and not table.has_types:  # one piece took for numbers what another shows to be texts
        found, _ = columns.gather(chunks.chunks(source, path=path, texts=mixed, most=most))
    return found
