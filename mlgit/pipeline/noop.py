"""The answer "nothing changed" from stats alone: no YAML, no DVC, no Git, and hardly an import.

After a command has found the whole project up to date, everything that answer rested on is kept as a list of paths with
their stamps. While all of them are the same, the answer stands; anything else means the long way. Disposable at any time.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import time
from collections.abc import Iterable

from mlgit import __version__
from mlgit.adapters import stamps, trees
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
    stat = os.stat
    try:
        with open(f"{root}/{_NAME}", "rb") as stream:
            kept = marshal.load(stream)  # noqa: S302 - own disposable file below .dvc/tmp
        version, kept_root, stages, frozen, files, folders, young = kept
        if version != __version__ or kept_root != root:
            return None
        for path, mtime, ctime, size, inode in files:
            now = stat(path)
            if now.st_mtime_ns != mtime or now.st_ino != inode or now.st_size != size or now.st_ctime_ns != ctime:
                return None
        if any(trees.fold(trees.survey(path, known=known)) != state for path, known, state in folders):
            return None
        if any(_content(path) != content for path, content in young):
            return None
        return int(stages), int(frozen)
    except (OSError, MlgitError, ValueError, EOFError, TypeError):  # gone, or not what `save` writes
        return None


class Look:
    """The stamps of everything an answer rests on, taken at one moment; `newer` is what changed since the time given.

    A plain class: importing dataclasses takes longer than the answer.
    """

    def __init__(self) -> None:
        self.files: list[tuple[str, int, int, int, int]] = []
        self.folders: list[tuple[str, dict[str, int], bytes]] = []
        self.young: list[tuple[str, bytes]] = []
        self.newer: set[str] = set()


def look(paths: Iterable[str], *, searched: Iterable[str], since: int) -> Look | None:
    """The stamps of `paths` (absolute) as they are now; None where one is gone, or a folder is too young for its stamps.

    `searched` are folders of which only the names in them count. Of what changed too recently for its stamp to be
    trusted the content is taken as well.
    """
    now, seen = time.time_ns(), Look()
    flat = dict.fromkeys(searched)
    for path in dict.fromkeys([*paths, *flat]):
        stamp = stamps.of(path)
        if stamp is None:
            return None
        if path not in flat and os.path.isdir(path):
            inside = trees.survey(path)
            latest = max(state[2] for state in inside.values())
            if stamps.is_racy((latest, 0, 0, 0), now):
                return None
            seen.folders.append((path, {below: state[1] for below, state in inside.items()}, trees.fold(inside)))
            if stamps.is_racy((latest, 0, 0, 0), since) or stamps.is_racy(stamp, since):
                seen.newer.add(path)
            continue
        seen.files.append((path, *stamp))
        if stamps.is_racy(stamp, since):
            seen.newer.add(path)
        if stamps.is_racy(stamp, now):
            seen.young.append((path, _content(path)))
    return seen


def save(root: str, seen: Look, *, stages: int, frozen: int) -> None:
    """Keep the answer "all is up to date". What it says has to have been checked after `look`, or not to be newer."""
    temporary = f"{root}/{_NAME}.{os.getpid()}.tmp"
    os.makedirs(os.path.dirname(temporary), exist_ok=True)
    with open(temporary, "wb") as stream:
        marshal.dump((__version__, root, stages, frozen, seen.files, seen.folders, seen.young), stream)
    os.replace(temporary, f"{root}/{_NAME}")


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
