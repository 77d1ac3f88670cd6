"""The answer "nothing changed" from stats alone: no YAML, no DVC, no Git, and hardly an import.

After a command has found the whole project up to date, everything that answer rested on is kept as a list of paths with
their stamps. While all of them are the same, the answer stands; anything else means the long way. Disposable at any time.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import time
from collections.abc import Iterable, Mapping, Set

from mlgit import __version__
from mlgit.adapters.system import dir_scan, stat_signature, state_files
from mlgit.errors import MlgitError
from mlgit.pipeline import searched as folders_searched

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
        seen = self.seen
        return frozenset(row[0] for rows in (seen.files, seen.folders, seen.searched) for row in rows)

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
        version, kept_root, stages, frozen, rows = marshal.loads(note)  # noqa: S302 - sealed
        files, folders, young, searched, absent = rows
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
        changed += [path for path, stamp, known in searched if stat_signature.of(path) != stamp and _names(path) != known]
        changed += [path for path in absent if os.path.exists(path)]
        seen = Look()
        seen.files, seen.folders, seen.young, seen.searched, seen.absent = files, folders, young, searched, absent
        return Kept(int(stages), int(frozen), seen, frozenset(changed))
    except (OSError, ValueError, EOFError, TypeError):  # what another mlgit of the same version wrote
        return None


def _state(path: str, known: dict[str, int]) -> bytes:
    """A folder's state in short; none for what is no folder any more."""
    try:
        return dir_scan.fold(dir_scan.survey(path, known=known))
    except (OSError, MlgitError):
        return b""


def _names(folder: str) -> list[str] | None:
    """What of a searched folder counts; none for what is no folder any more."""
    try:
        return folders_searched.names(folder)
    except OSError:
        return None


class Look:
    """The stamps of everything an answer rests on, taken at one moment; `newer` is what changed since the time given.

    A plain class: importing dataclasses takes longer than the answer.
    """

    def __init__(self) -> None:
        self.files: list[tuple[str, int, int, int, int]] = []
        self.folders: list[tuple[str, dict[str, int], bytes]] = []
        self.young: list[tuple[str, bytes]] = []
        self.searched: list[tuple[str, tuple[int, ...], list[str]]] = []  # no stamp: too young
        self.absent: list[str] = []
        self.newer: set[str] = set()


def look(
    paths: Iterable[str],
    *,
    since: int,
    flat: Iterable[str] = (),
    searched: Mapping[str, list[str]] | None = None,
    absent: Iterable[str] = (),
    earlier: Look | None = None,
) -> Look | None:
    """The stamps of `paths` (absolute) as they are now; None where one is gone, or a folder does not come to rest.

    `flat` are folders of which only the names in them count, `searched` those of which only these `searched.names` do, and
    `absent` paths that are not there. Of what changed too recently for its stamp to be trusted the content is taken as
    well. What is in `earlier`, seen by this command and found unchanged, is taken over: should it have changed since, its
    stamp will tell.
    """
    now, seen = time.time_ns(), earlier or Look()
    known = {row[0] for row in (*seen.files, *seen.folders)}
    names_only = dict.fromkeys(flat)
    for path in dict.fromkeys([*paths, *names_only]):
        if path in known:
            continue
        stamp = stat_signature.of(path)
        if stamp is None:
            return None
        if path not in names_only and os.path.isdir(path):
            inside, latest = _settled(path)
            if inside is None:
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
    for path, expected in (searched or {}).items():
        stamp = stat_signature.of(path)
        if stamp is None or _names(path) != expected:
            return None
        seen.searched.append((path, () if stat_signature.is_racy(stamp, now) else stamp, expected))
    seen.absent = list(absent)
    return None if any(map(os.path.exists, seen.absent)) else seen


def _settled(folder: str) -> tuple[dict[str, dir_scan.Seen] | None, int]:
    """A folder's survey and the latest time in it; none if its stamps cannot be trusted after a short wait either.

    What a run has just made is waited for: a tick of the clock costs less than the next command's long way.
    """
    for _ in range(2):
        now = time.time_ns()
        inside = dir_scan.survey(folder)
        latest = max(state[2] for state in inside.values())
        if not stat_signature.is_racy((latest, 0, 0, 0), now):
            return inside, latest
        if latest > now:
            break
        time.sleep((latest + stat_signature.RACY_NS - now) / 1e9 + 1e-4)
    return None, 0


def save(root: str, seen: Look, *, stages: int, frozen: int) -> None:
    """Keep the answer "all is up to date". What it says has to have been checked after `look`, or not to be newer."""
    rows = (seen.files, seen.folders, seen.young, seen.searched, seen.absent)
    content = marshal.dumps((__version__, root, stages, frozen, rows))
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
