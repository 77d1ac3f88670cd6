"""How many rows and which columns a table has, read as a stream; its values are not looked at."""

from __future__ import annotations

from typing import BinaryIO

from mlgit.tables import formats, limits, objects, parquet, separated
from mlgit.tables.shape import Shape


def is_read(path: str, size: int) -> bool:
    """Whether a path is a table of which rows and columns are counted: Parquet, which tells them at its end, at any size."""
    table = formats.of(path)
    return table is not None and (table.name == "parquet" or size <= limits.OUTLINE_BYTES)


def measure(source: bytes | BinaryIO, *, path: str, most: int = limits.OUTLINE_BYTES) -> Shape:
    """The shape of a table; the end of `path` tells its format.

    Raises MlgitError for what is not in its format, or larger than is read.
    """
    table = formats.known(path)
    if table.name == "parquet":
        return Shape(*parquet.outline(source))
    if table.separator:
        names, found = separated.rows(source, table=table, most=most)
        return Shape(sum(1 for _ in found), names)
    rows = 0
    every: dict[str, None] = {}
    for batch in objects.batches(source, table=table, most=most):
        rows += len(batch)
        for row in batch:
            if not row.keys() <= every.keys():
                every.update(dict.fromkeys(row))
    return Shape(rows, tuple(every))
