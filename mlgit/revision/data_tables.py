"""Reads tables of data of a revision, or of the workspace as it lies: kinds of columns, rows, and values to compare.

Git's objects and DVC's cache are read; nothing is checked out or fetched. Files of up to LARGEST_VALUES bytes are read
with their values, larger ones for rows and columns only.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlgit.errors import MlgitError
from mlgit.render.text import suffix
from mlgit.revision import recorded_paths
from mlgit.revision.contents import LARGEST_BLOB, Contents
from mlgit.revision.revision import Revision
from mlgit.tables import chunks, columns, parquet, shape
from mlgit.tables.columns import DataTable

LARGEST_VALUES = 64 << 20


def read(revision: Revision, paths: Iterable[str]) -> dict[str, DataTable]:
    """The tables at these paths of a revision, without those that it does not have.

    What cannot be read is a table without rows that tells why. Raises MlgitError when the revision's pipeline cannot be read.
    """
    found = {path: _table(revision.contents, path) for path in paths}
    return {path: table for path, table in found.items() if table is not None}


def _table(contents: Contents, path: str) -> DataTable | None:
    if not shape.is_table(path) or not recorded_paths.is_inside(path):
        return columns.unread(f"no table: it is not in the project, or ends in none of {', '.join(chunks.ENDINGS)}")
    try:
        size = contents.size(path)
        if size is None:
            return columns.unread("a folder, and no table") if contents.is_folder(path) else None
        return _whole(contents, path) if size <= LARGEST_VALUES else _outline(contents, path, size)
    except MlgitError as error:
        return columns.unread(error.message, error.hint)


def _whole(contents: Contents, path: str) -> DataTable | None:
    content = contents.read(path, most=LARGEST_VALUES)
    if content is None:
        return None
    ending = suffix(path)
    kinds = chunks.parquet_kinds(content) if ending == "parquet" else None
    table, mixed = columns.gather(chunks.chunks(content, ending=ending), kinds=kinds)
    if mixed and ending in chunks.UNTYPED:
        table, _ = columns.gather(chunks.chunks(content, ending=ending, texts=mixed))
    return table


def _outline(contents: Contents, path: str, size: int) -> DataTable:
    """Rows and names of columns, where they can be had without reading for long."""
    ending, reason = suffix(path), f"larger than {LARGEST_VALUES >> 20} MiB, so its values are not compared"
    stream = contents.stream(path) if ending == "parquet" or size <= LARGEST_BLOB else None
    if stream is None:
        return columns.unread(f"larger than {LARGEST_BLOB >> 20} MiB, so it is not read")
    with stream:
        if ending == "parquet":
            described = parquet.parquet_shape(stream)
            return columns.named(*described, reason=reason) if described else columns.unread("no Parquet file, or no pyarrow")
        measured = shape.measure(stream, ending)
    return columns.named(measured.rows, measured.columns, reason=reason) if measured else columns.unread("no table")
