"""Reads tables of data of a revision, or of the workspace as it lies: kinds of columns, rows, and values to compare.

Git's objects and DVC's cache are read; nothing is checked out or fetched. Files of up to limits.VALUES_BYTES are read
with their values, larger ones for rows and columns only.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlgit.errors import MlgitError
from mlgit.revision import recorded_paths
from mlgit.revision.contents import Contents
from mlgit.revision.revision import Revision
from mlgit.tables import columns, formats, limits, outline, profile
from mlgit.tables.columns import DataTable


def read(revision: Revision, paths: Iterable[str]) -> dict[str, DataTable]:
    """The tables at these paths of a revision, without those that it does not have.

    What cannot be read is a table without rows that tells why. Raises MlgitError when the revision's pipeline cannot be read.
    """
    found = {path: _table(revision.contents, path) for path in paths}
    return {path: table for path, table in found.items() if table is not None}


def _table(contents: Contents, path: str) -> DataTable | None:
    if formats.of(path) is None or not recorded_paths.is_inside(path):
        return columns.unread(f"no table: it is not in the project, or ends in none of {formats.LISTED}")
    try:
        size = contents.size(path)
        if size is None:
            return columns.unread("a folder, and no table") if contents.is_folder(path) else None
        return _whole(contents, path, size) if size <= limits.VALUES_BYTES else _outline(contents, path, size)
    except MlgitError as error:
        return columns.unread(error.message, error.hint)


def _whole(contents: Contents, path: str, size: int) -> DataTable | None:
    content = contents.read(path, most=limits.VALUES_BYTES)
    if content is None:
        return None
    try:
        return profile.profile(content, path=path, most=limits.VALUES_BYTES)
    except limits.TooLargeError:
        if not formats.known(path).is_packed:
            raise
        return _outline(contents, path, size)


def _outline(contents: Contents, path: str, size: int) -> DataTable:
    """Rows and names of columns, where they can be had without reading for long."""
    reason = f"larger than {limits.VALUES_BYTES >> 20} MiB, so its values are not compared"
    stream = contents.stream(path) if outline.is_read(path, size) else None
    if stream is None:
        return columns.unread(f"larger than {limits.OUTLINE_BYTES >> 20} MiB, so it is not read")
    with stream:
        measured = outline.measure(stream, path=path, most=limits.OUTLINE_BYTES)
    return columns.named(measured.rows, measured.columns, reason=reason)
