"""The answer "nothing changed" from stats alone: no YAML, no DVC, no Git, and hardly an import.

After a command has found the whole project up to date, everything that answer rested on is kept as a list of paths with
their stamps. While all of them are the same, the answer stands; anything else means the long way. Disposable at any time.
"""

from __future__ import annotations

import marshal
import os
import time
from typing import Any

from mlgit import __version__
from mlgit.adapters import stamps
from mlgit.errors import MlgitError

_NAME = ".dvc/tmp/mlgit/noop"


def root_of(folder: str) -> str | None:
    """The project that holds a folder: the nearest one above with a `.dvc` folder."""
    while not os.path.isdir(f"{folder}/.dvc"):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def answer(root: str) -> tuple[int, int] | None:
    """The number of stages, and of frozen ones among them, if nothing changed since `save`; else None."""
    try:
        with open(f"{root}/{_NAME}", "rb") as stream:
            kept: Any = marshal.load(stream)  # noqa: S302 - own disposable file below .dvc/tmp
        version, kept_root, stages, frozen, files, folders = kept
    except (OSError, ValueError, EOFError, TypeError):
        return None
    if version != __version__ or kept_root != root:
        return None
    stat = os.stat
    try:
        for path, mtime, ctime, size, inode in files:
            now = stat(path)
            if now.st_mtime_ns != mtime or now.st_ino != inode or now.st_size != size or now.st_ctime_ns != ctime:
                return None
        if any(stamps.shape(stamps.scan(path)) != shape for path, shape in folders):
            return None
    except (OSError, MlgitError):
        return None
    return stages, frozen


def save(root: str, *, stages: int, frozen: int, paths: list[str], searched: list[str]) -> None:
    """Keep the stamps that an answer "all is up to date" rested on.

    `paths` (absolute) are the files read, and the dependencies and outputs; `searched` the folders in which pipeline
    files were looked for. Nothing is kept when one of them changed too recently for its stamp to be trusted.
    """
    now = time.time_ns()
    files: list[tuple[Any, ...]] = []
    folders: list[tuple[str, bytes]] = []
    for path in dict.fromkeys(paths):
        rows = stamps.scan(path) if os.path.isdir(path) else None
        seen = stamps.of(path)
        if seen is None or any(stamps.is_racy(row[1:], now) for row in (rows if rows is not None else [("", *seen)])):
            return forget(root)
        if rows is None:
            files.append((path, *seen))
        else:
            folders.append((path, stamps.shape(rows)))
    for path in searched:
        seen = stamps.of(path)
        if seen is None or stamps.is_racy(seen, now):
            return forget(root)
        files.append((path, *seen))
    temporary = f"{root}/{_NAME}.{os.getpid()}.tmp"
    os.makedirs(os.path.dirname(temporary), exist_ok=True)
    with open(temporary, "wb") as stream:
        marshal.dump((__version__, root, stages, frozen, files, folders), stream)
    os.replace(temporary, f"{root}/{_NAME}")
    return None


def forget(root: str) -> None:
    """Drop the kept answer."""
    try:
        os.unlink(f"{root}/{_NAME}")
    except FileNotFoundError:
        return
