"""The answer "nothing changed" from stats alone: no YAML, no DVC, no Git, and hardly an import.

After a command has found the whole project up to date, everything that answer rested on is kept as a list of paths with
their stamps. While all of them are the same, the answer stands; anything else means the long way. Disposable at any time.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import time
from collections.abc import Iterable, Set

from mlgit import __version__
from mlgit.adapters.system import dir_scan, stat_signature, state_files
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


class Kept:
    """What was kept, and what has become of it: the paths the answer rested on, and those that changed since.

    A plain class, as `Look`.
    """

    def __init__(self, stages: int, frozen: int, seen: Look, changed: frozenset[str]) -> None:
        self.stages = stages
        self.frozen = frozen
        self.seen = seen
        self.changed = changed

    @property
    def paths(self) -> frozenset[str]:
        """Everything the answer rested on."""
        return frozenset([row[0] for row in self.seen.files] + [row[0] for row in self.seen.folders])

    def rows(self, paths: Set[str]) -> Look:
        """What was seen of those of the paths that did not change."""
        found, wanted = Look(), paths - self.changed
        found.files = [row for row in self.seen.files if row[0] in wanted]
        found.folders = [row for row in self.seen.folders if row[0] in wanted]
        found.young = [row for row in self.seen.young if row[0] in wanted]
        return found


def compare(root: str) -> Kept | None:
    """What `save` kept, looked at again; None if nothing is kept."""
    stat = os.stat
    note = state_files.read(f"{root}/{_NAME}")
    if note is None:
        return None
    try:
        version, kept_root, stages, frozen, files, folders, young = marshal.loads(note)  # noqa: S302 - sealed
        if version != __version__ or kept_root != root:
            return None
        changed = []
        for path, mtime, ctime, size, inode in files:
            try:
                now = stat(path)
            except OSError:
                changed.append(path)
                continue
            if now.st_mtime_ns != mtime or now.st_ino != inode or now.st_size != size or now.st_ctime_ns != ctime:
                changed.append(path)
        changed += [path for path, known, state in folders if _state(path, known) != state]
        changed += [path for path, content in young if _content(path) != content]
        seen = Look()
        seen.files, seen.folders, seen.young = files, folders, young
        return Kept(int(stages), int(frozen), seen, frozenset(changed))
    except (OSError, ValueError, EOFError, TypeError):  # what another mlgit of the same version wrote
        return None


def _state(path: str, known: dict[str, int]) -> bytes:
    """A folder's state in short; none for what is no folder any more."""
    try:
        return dir_scan.fold(dir_scan.survey(path, known=known))
    except (OSError, MlgitError):
        return b""


class Look:
    """The stamps of everything an answer rests on, taken at one moment; `newer` is what changed since the time given.

    A plain class: importing dataclasses takes longer than the answer.
    """

    def __init__(self) -> None:
        self.files: list[tuple[str, int, int, int, int]] = []
        self.folders: list[tuple[str, dict[str, int], bytes]] = []
        self.young: list[tuple[str, bytes]] = []
        self.newer: set[str] = set()


def look(paths: Iterable[str], *, searched: Iterable[str], since: int, earlier: Look | None = None) -> Look | None:
    """The stamps of `paths` (absolute) as they are now; None where one is gone, or a folder is too young for its stamps.

    `searched` are folders of which only the names in them count. Of what changed too recently for its stamp to be
    trusted the content is taken as well. What is in `earlier`, seen by this command and found unchanged, is taken over:
    should it have changed since, its stamp will tell.
    """
    now, seen = time.time_ns(), earlier or Look()
    known = {row[0] for row in (*seen.files, *seen.folders)}
    flat = dict.fromkeys(searched)
    for path in dict.fromkeys([*paths, *flat]):
        if path in known:
            continue
        stamp = stat_signature.of(path)
        if stamp is None:
            return None
        if path not in flat and os.path.isdir(path):
            inside = dir_scan.survey(path)
            latest = max(state[2] for state in inside.values())
            if stat_signature.is_racy((latest, 0, 0, 0), now):
                return None
            seen.folders.append((path, {below: state[1] for below, state in inside.items()}, dir_scan.fold(inside)))
            if stat_signature.is_racy((latest, 0, 0, 0), since) or stat_signature.is_racy(stamp, since):
                seen.newer.add(path)
            continue
        seen.files.append((path, *stamp))
        if stat_signature.is_racy(stamp, since):
            seen.newer.add(path)
        if stat_signature.is_racy(stamp, now):
            seen.young.append((path, _content(path)))
    return seen


def save(root: str, seen: Look, *, stages: int, frozen: int) -> None:
    """Keep the answer "all is up to date". What it says has to have been checked after `look`, or not to be newer."""
    content = marshal.dumps((__version__, root, stages, frozen, seen.files, seen.folders, seen.young))
    state_files.write(f"{root}/{_NAME}", content)


def _content(path: str) -> bytes:
    """What a young file holds, or which names a young folder has; nothing for what cannot be read."""
    digest = hashlib.md5(usedforsecurity=False)
    try:
        if os.path.isdir(path):
            digest.update("\0".join(sorted(os.listdir(path))).encode("utf-8", "surrogateescape"))
        else:
            with open(path, "rb", buffering=0) as stream:
                while chunk := stream.read(1 << 20):
                    digest.update(chunk)
    except OSError:
        return b""
    return digest.digest()


def forget(root: str) -> None:
    """Drop the kept answer."""
    try:
        os.unlink(f"{root}/{_NAME}")
    except FileNotFoundError:
        return
