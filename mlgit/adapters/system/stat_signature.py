"""File states told apart by stat, without reading. Kept free of imports: the answer "nothing changed" starts here.

A stamp is trusted only if it is older than the clock's granularity when it is recorded: a file changed twice within one
tick keeps its times (Git calls such entries racy).
"""

from __future__ import annotations

import os
from collections.abc import Callable

from mlgit.errors import MlgitError

# Linux stamps files by a clock that ticks every 4 or 10 ms.
RACY_NS = 20_000_000
_NEVER = {".git", ".hg", ".dvc"}

Stamp = tuple[int, int, int, int]  # mtime_ns, ctime_ns, size, inode
Row = tuple[str, int, int, int, int]  # path in a folder, and its stamp


def stamp(found: os.stat_result) -> Stamp:
    """What tells one state of a file from another."""
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)


def of(path: str) -> Stamp | None:
    """The stamp of a path, or None where there is nothing."""
    try:
        return stamp(os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return None


def is_racy(seen: Stamp, recorded_ns: int) -> bool:
    """Whether a file could have changed after `recorded_ns` and still show the same stamp."""
    return max(seen[0], seen[1]) >= recorded_ns - RACY_NS


def scan(folder: str, *, ignored: Callable[[str, bool], bool] | None = None) -> list[Row]:
    """Every file of a folder with its stamp, sorted by path. Links to folders are passed over, as in DVC.

    Raises MlgitError for a .dvcignore inside, which DVC refuses too.
    """
    rows: list[Row] = []
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(f"{folder}/{below}") as entries:
            for entry in entries:
                name = f"{below}{entry.name}"
                if entry.is_dir():
                    if not entry.is_symlink() and entry.name not in _NEVER and _enters(folder, name, ignored):
                        waiting.append(f"{name}/")
                elif entry.name == ".dvcignore":
                    where = f"{folder.rstrip('/')}/{name}"
                    raise MlgitError(
                        f"{where}: a .dvcignore may not lie inside a tracked folder",
                        "name the files and folders in it instead of the folder",
                    )
                elif entry.name != ".git" and not (ignored and ignored(f"{folder}/{name}", False)):
                    rows.append((name, *stamp(entry.stat())))
    rows.sort()
    return rows


def _enters(folder: str, name: str, ignored: Callable[[str, bool], bool] | None) -> bool:
    if os.path.isdir(f"{folder}/{name}/.dvc"):
        return False
    return not (ignored and ignored(f"{folder}/{name}", True))
