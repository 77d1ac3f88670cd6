"""The answer "nothing changed" from stats alone: no YAML, no DVC, no Git, and hardly an import.

After a command has found the whole project up to date, everything that answer rested on is kept as a list of paths with
their stamps. While all of them are the same, the answer stands; anything else means the long way. Disposable at any time.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import time

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
            kept = marshal.load(stream)  # noqa: S302 - own disposable file below .dvc/tmp
        version, kept_root, stages, frozen, files, folders, young = kept
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
        if any(_content(path) != content for path, content in young):
            return None
    except (OSError, MlgitError):
        return None
    return stages, frozen


def save(root: str, *, stages: int, frozen: int, paths: list[str], searched: list[str]) -> None:
    """Keep the stamps that an answer "all is up to date" rested on.

    `paths` (absolute) are the files read, and the dependencies and outputs; `searched` the folders in which pipeline
    files were looked for. Of what changed too recently for its stamp to be trusted the content is kept as well.
    """
    now = time.time_ns()
    files: list[tuple[object, ...]] = []
    folders: list[tuple[str, bytes]] = []
    young: list[tuple[str, bytes]] = []
    searched_set = set(searched)
    for path in dict.fromkeys([*paths, *searched]):
        seen = stamps.of(path)
        if seen is None:
            return forget(root)
        if os.path.isdir(path) and path not in searched_set:
            rows = stamps.scan(path)
            if any(stamps.is_racy(row[1:], now) for row in rows):
                return forget(root)
            folders.append((path, stamps.shape(rows)))
            continue
        files.append((path, *seen))
        if stamps.is_racy(seen, now):
            young.append((path, _content(path)))
    temporary = f"{root}/{_NAME}.{os.getpid()}.tmp"
    os.makedirs(os.path.dirname(temporary), exist_ok=True)
    with open(temporary, "wb") as stream:
        marshal.dump((__version__, root, stages, frozen, files, folders, young), stream)
    os.replace(temporary, f"{root}/{_NAME}")
    return None


def _content(path: str) -> bytes:
    """What a young file holds, or which names a young folder has."""
    digest = hashlib.md5(usedforsecurity=False)
    if os.path.isdir(path):
        digest.update("\0".join(sorted(os.listdir(path))).encode("utf-8", "surrogateescape"))
    else:
        with open(path, "rb", buffering=0) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.digest()


def forget(root: str) -> None:
    """Drop the kept answer."""
    try:
        os.unlink(f"{root}/{_NAME}")
    except FileNotFoundError:
        return
