"""What takes reading whole tables to tell: how far the values in data that differs have moved."""

from __future__ import annotations

from mlgit.compare import moved, tables
from mlgit.compare.diff import Diff
from mlgit.compare.review import Moved
from mlgit.compare.snapshot import Point
from mlgit.project import Project

# About five seconds of reading.
_MOST_BYTES = 256 << 20


def changed_tables(project: Project, before: Point, now: Point, diff: Diff) -> tuple[Moved, ...]:
    """For each table on both sides that differs, rows, columns, and how far the values of each column moved.

    Columns that name rows are left out. Where there is too much to read, small tables go first.
    """
    found: dict[str, Moved] = {}
    read, total = [], 0
    for path, size in sorted(diff.changed_tables.items(), key=lambda each: each[1]):
        total += size
        if total <= _MOST_BYTES:
            read.append(path)
        else:
            found[path] = Moved(path, reason=f"more than {_MOST_BYTES >> 20} MiB of tables differ, so it was not read")
    keys = {model.id for side in (diff.base, diff.head) for model in side.config.models.values() if model.id}
    old, new = tables.read(project, before, read), tables.read(project, now, read)
    found |= {path: moved.moved(path, old.get(path), new.get(path), keys=keys) for path in read}
    return tuple(found[path] for path in diff.changed_tables)
