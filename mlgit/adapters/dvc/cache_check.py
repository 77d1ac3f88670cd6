"""The cache looked through for what should not be there: damaged objects, broken lists of folders, leftovers of the killed.

Looking changes nothing; what is found can then be removed.
"""

from __future__ import annotations

import json
import os
import re
import stat as stats
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mlgit.adapters.dvc import hashing, objects
from mlgit.adapters.dvc.objects import VERIFIED, Objects
from mlgit.adapters.system import files, fork_pool, locks

_OBJECT = re.compile(r"[0-9a-f]{30}(?:\.dir)?")
_EMPTY = "d41d8cd98f00b204e9800998ecf8427e"
_SMALLEST_LISTING = 2
# A name that tells no process on this machine: a download may take hours, a small file is written in an instant.
_DAY, _MINUTES = 86_400.0, 600.0
_OWN = re.compile(r".+\.([0-9]{1,7})\.tmp")  # NAME.PROCESS.tmp
_WRITTEN = re.compile(r"\.(?:dvc\.lock|dvc\.yaml|\.gitignore|.+\.dvc)\.[a-z0-9_]{8}\.tmp")

Tick = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Stock:
    """What a look through the objects found: md5s that are there, those of them that are damaged, and leftovers.

    `broken` are folder objects that cannot be read, `incomplete` those that lack files: by md5, (lacking, of how many).
    """

    there: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    incomplete: dict[str, tuple[int, int]] = field(default_factory=dict)
    leftovers: list[str] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)

    def holds(self, md5: str) -> bool:
        """Whether an object is there and sound, for a folder with all its files."""
        return md5 in self.there and md5 not in self.damaged and md5 not in self.broken and md5 not in self.incomplete


def look(store: Objects, *, deep: bool, tick: Tick | None = None) -> Stock:
    """Look through all objects; `deep` reads every one of them, else only those that DVC would not trust either."""
    folders = store.folders()

    def work(number: int) -> tuple[list[str], list[str], list[str]]:
        return _look_into(folders[number], deep=deep)

    answers = fork_pool.spread(len(folders), work, tick=(lambda begun: tick(begun / len(folders))) if tick else None)
    found = Stock(leftovers=[path for path in _entries(store.folder) if is_leftover(path)])
    for names, damaged, leftovers in answers:
        found.there.update(names)
        found.damaged.extend(damaged)
        found.leftovers.extend(leftovers)
    bad = set(found.damaged)
    for md5 in sorted(found.there - bad):
        if md5.endswith(".dir"):
            _check_listing(store, md5, found, bad)
    return found


def _entries(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.path for entry in entries if entry.is_file(follow_symlinks=False))
    except FileNotFoundError:
        return


def _look_into(folder: str, *, deep: bool) -> tuple[list[str], list[str], list[str]]:
    prefix = os.path.basename(folder)
    names, damaged, leftovers = [], [], []
    for path in sorted(_entries(folder)):
        name = os.path.basename(path)
        if _OBJECT.fullmatch(name):
            names.append(prefix + name)
            if _is_damaged(path, prefix + name, deep=deep):
                damaged.append(prefix + name)
        elif is_leftover(path):
            leftovers.append(path)
    return names, damaged, leftovers


def _is_damaged(path: str, md5: str, *, deep: bool) -> bool:
    try:
        found = os.stat(path)
        is_folder = md5.endswith(".dir")
        if found.st_size == 0 and md5 != _EMPTY:
            return True
        if is_folder and found.st_size < _SMALLEST_LISTING:
            return True
        if not deep and not is_folder and stats.S_IMODE(found.st_mode) == VERIFIED:
            return False
        return objects.file_md5(path) != md5.removesuffix(".dir")
    except FileNotFoundError:  # removed meanwhile
        return False
    except OSError:
        return True


def _check_listing(store: Objects, md5: str, found: Stock, damaged: set[str]) -> None:
    try:
        members = {member.md5 for member in hashing.parse_listing(store.listing(md5))}
    except (OSError, ValueError):
        found.broken.append(md5)
        return
    found.members[md5] = sorted(members)
    lacking = len(members - found.there) + len(members & damaged)
    if lacking:
        found.incomplete[md5] = (lacking, len(members))


def is_leftover(path: str, *, patience: float = _DAY) -> bool:
    """Whether a file is what a process that is gone was writing; `patience` (seconds) where the name tells no process."""
    name = os.path.basename(path)
    if not name.endswith(".tmp"):
        return False
    writer = objects.writer_of(name)
    if writer is not None and writer[0] == objects.machine():
        return not locks.is_alive(writer[1])
    own = _OWN.fullmatch(name) if writer is None else None
    if own is not None and not locks.is_alive(int(own[1])):
        return True
    try:
        return time.time() - os.stat(path).st_mtime > patience
    except FileNotFoundError:
        return False


def leftovers_in(dvc_folder: Path, cache_root: str, searched: list[str]) -> list[str]:
    """Leftovers outside the objects: of mlgit's own files, of the run cache, and of pipeline files in `searched`."""
    found = [path for path in _entries(str(dvc_folder / "tmp")) if is_leftover(path)]
    for top in (str(dvc_folder / "tmp" / "mlgit"), f"{cache_root}/runs"):
        for at, _, names in os.walk(top):
            found += [f"{at}/{name}" for name in names if is_leftover(f"{at}/{name}", patience=_MINUTES)]
    for folder in searched:
        written = [path for path in _entries(folder) if _WRITTEN.fullmatch(os.path.basename(path))]
        found += [path for path in written if is_leftover(path, patience=_MINUTES)]
    return sorted(found)


def stale_entries(dvc_folder: Path) -> dict[str, str] | None:
    """Paths in DVC's table of busy paths that belong to dead processes, with their commands; None for a broken table."""
    try:
        write, read = locks.read_table(dvc_folder / "tmp" / "rwlock")
    except ValueError:
        return None
    entered = [*write.items(), *((path, info) for path, infos in read.items() for info in infos)]
    return {path: str(info["cmd"]) for path, info in entered if not locks.is_alive(info["pid"])}


def clear_entries(dvc_folder: Path) -> None:
    """Take the entries of dead processes out of DVC's table of busy paths; a broken table is removed."""
    path = dvc_folder / "tmp" / "rwlock"
    with locks.held(dvc_folder / "tmp" / "rwlock.lock", timeout=10, busy="DVC's table of busy paths is locked"):
        try:
            writing, reading = locks.read_table(path)
        except ValueError:
            files.remove(path)
            return
        write = {key: info for key, info in writing.items() if locks.is_alive(info["pid"])}
        read = {key: [each for each in infos if locks.is_alive(each["pid"])] for key, infos in reading.items()}
        read = {key: infos for key, infos in read.items() if infos}
        files.write_atomic(path, json.dumps({"write": write, "read": read}))
