"""Folders seen by stat alone: which files lie there, and one digest of names and stamps for each folder inside.

Two surveys with equal digests saw the same files in the same state. Large folders are looked at by several processes.
Links to folders are passed over, as in DVC, and so are projects of their own and what .dvcignore leaves out.
"""

from __future__ import annotations

import hashlib
import os
from array import array
from collections.abc import Callable, Mapping

from mlgit.adapters.system import fork_pool
from mlgit.errors import MlgitError

Ignored = Callable[[str, bool], bool]

# Below this a fork costs more than it saves.
MANY = 5000
_SLICE = 4096
_NEVER = frozenset((".git", ".hg", ".dvc"))
_WIDTH = 4  # numbers in a stamp: mtime_ns, ctime_ns, size, inode
INODE = (1 << 63) - 1  # an inode number may need 64 bits, an item of the array has 63


Branch = tuple[list[str], list[str]]  # what lies directly in one folder: its files and its folders, each sorted
Seen = tuple[bytes, int, int]  # a folder's state: digest of names and stamps, number of files, latest of their times


def branch(folder: str, below: str, *, ignored: Ignored | None = None) -> Branch:
    """The names in `folder/below` (`below` is '' or ends with '/'), without a stat per file.

    Raises MlgitError for a .dvcignore inside and for what is neither a file nor a folder.
    """
    files, folders = [], []
    with os.scandir(f"{folder}/{below}") as entries:
        for entry in entries:
            if entry.is_file():
                files.append(entry.name)
            elif not entry.is_dir():
                _refuse(f"{folder}/{below}{entry.name}")
            elif not entry.is_symlink() and entry.name not in _NEVER:
                folders.append(entry.name)
    return _kept_files(folder, below, sorted(files), ignored), _kept_folders(folder, below, sorted(folders), ignored)


def _refuse(path: str) -> None:
    os.stat(path)  # a link to nothing raises here
    raise MlgitError(f"{path}: neither a file nor a folder")


def _kept_files(folder: str, below: str, files: list[str], ignored: Ignored | None) -> list[str]:
    if ignored:
        files = [name for name in files if not ignored(f"{folder}/{below}{name}", False)]
    if ".dvcignore" in files:
        where = f"{folder.rstrip('/')}/{below}.dvcignore"
        raise MlgitError(
            f"{where}: a .dvcignore may not lie inside a tracked folder",
            "name the files and folders in it instead of the folder",
        )
    if ".git" in files:
        files.remove(".git")
    return files


def _kept_folders(folder: str, below: str, folders: list[str], ignored: Ignored | None) -> list[str]:
    return [
        name
        for name in folders
        if not os.path.isdir(f"{folder}/{below}{name}/.dvc") and not (ignored and ignored(f"{folder}/{below}{name}", True))
    ]


def branches(folder: str, *, ignored: Ignored | None = None) -> dict[str, Branch]:
    """Every folder from `folder` down, by its path below it ('' or ending with '/')."""
    found: dict[str, Branch] = {}
    waiting = [""]
    while waiting:
        below = waiting.pop()
        found[below] = branch(folder, below, ignored=ignored)
        waiting += [f"{below}{name}/" for name in found[below][1]]
    return found


def look(folder: str, below: str, *, ignored: Ignored | None = None) -> tuple[Branch, bytes]:
    """The names in `folder/below`, and the stamps of its files."""
    descriptor = os.open(f"{folder}/{below}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        names = sorted(os.listdir(descriptor))
        stamps, others = _stat_all(descriptor, names)
        if not others and not ignored and ".git" not in names and ".dvcignore" not in names:
            return (names, []), stamps
    finally:
        os.close(descriptor)
    return _look_closer(folder, below, names, stamps, others, ignored)


def _stat_all(descriptor: int, names: list[str]) -> tuple[bytes, list[str]]:
    """The stamps of the regular files among the names, and the other names."""
    stamps, others = array("q"), []
    stat, extend = os.stat, stamps.extend
    for name in names:
        found = stat(name, dir_fd=descriptor)
        if found.st_mode & 0o170000 == 0o100000:
            extend((found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino & INODE))
        else:
            others.append(name)
    return stamps.tobytes(), others


def _look_closer(
    folder: str, below: str, names: list[str], stamps: bytes, others: list[str], ignored: Ignored | None
) -> tuple[Branch, bytes]:
    is_other = set(others)
    regular = [name for name in names if name not in is_other]
    folders = []
    for name in others:
        path = f"{folder}/{below}{name}"
        if not os.path.isdir(path):
            _refuse(path)
        elif name not in _NEVER and not os.path.islink(path):
            folders.append(name)
    kept = _kept_files(folder, below, list(regular), ignored)
    if len(kept) < len(regular):
        rows = dict(zip(regular, rows_of(stamps), strict=True))
        stamps = b"".join(rows[name] for name in kept)
    return (kept, _kept_folders(folder, below, folders, ignored)), stamps


def rows_of(stamps: bytes) -> list[bytes]:
    """The stamps of many files as one piece for each file."""
    return [stamps[start : start + 8 * _WIDTH] for start in range(0, len(stamps), 8 * _WIDTH)]


def numbers_of(stamps: bytes) -> array[int]:
    """The stamps of many files as numbers, four for each file: mtime_ns, ctime_ns, size, inode."""
    numbers = array("q")
    numbers.frombytes(stamps)
    return numbers


def packed(found: os.stat_result) -> bytes:
    """The stamp of one file."""
    return array("q", (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino & INODE)).tobytes()


def latest_in(stamps: bytes) -> int:
    """The latest time in the stamps, 0 where there are none."""
    numbers = numbers_of(stamps)
    return max(numbers[0::_WIDTH] + numbers[1::_WIDTH], default=0)


def seen(found: Branch, stamps: bytes) -> Seen:
    """The state of a folder from what lies in it."""
    files, folders = found
    names = "\0".join(files) + "\0\0" + "\0".join(folders)
    state = hashlib.md5(names.encode("utf-8", "surrogateescape") + stamps, usedforsecurity=False).digest()
    return state, len(files), latest_in(stamps)


def survey(folder: str, *, known: Mapping[str, int] | None = None, ignored: Ignored | None = None) -> dict[str, Seen]:
    """The state of every folder from `folder` down.

    `known` are the folders of the last survey with their numbers of files: where to look is shared out by it.
    """
    if known is None or ignored or sum(known.values()) < MANY or not fork_pool.may_fork():
        return {below: state for below, (state, _) in _survey_from("", folder, ignored).items()}
    found = _survey_spread(folder, known)
    reached: dict[str, Seen] = {}
    waiting = [""]
    while waiting:
        below = waiting.pop()
        if below not in found:
            found.update(_survey_from(below, folder, None))
        reached[below], folders = found[below]
        waiting += [f"{below}{name}/" for name in folders]
    return reached


def _survey_from(start: str, folder: str, ignored: Ignored | None) -> dict[str, tuple[Seen, list[str]]]:
    found: dict[str, tuple[Seen, list[str]]] = {}
    waiting = [start]
    while waiting:
        below = waiting.pop()
        inside, stamps = look(folder, below, ignored=ignored)
        found[below] = (seen(inside, stamps), inside[1])
        waiting += [f"{below}{name}/" for name in inside[1]]
    return found


def _survey_spread(folder: str, known: Mapping[str, int]) -> dict[str, tuple[Seen, list[str]]]:
    """The known folders that are still there: small ones whole, in groups, and large ones in slices."""
    large = {below: branch(folder, below) for below, files in known.items() if files > 2 * _SLICE and _is_there(folder, below)}
    step = max(_SLICE, sum(known.values()) * 2 // fork_pool.MOST_PARTS)
    slices = [(below, at) for below, inside in large.items() for at in range(0, len(inside[0]), step)]
    small = [below for below in known if below not in large]
    size = -(-max(len(small), 1) // max(1, fork_pool.MOST_PARTS - len(slices)))
    size = max(size, min(64, len(small) // 32))
    groups = [small[at : at + size] for at in range(0, len(small), size)]

    def work(number: int) -> object:
        if number < len(slices):
            below, at = slices[number]
            return _slice(folder, below, large[below][0][at : at + step])
        group = groups[number - len(slices)]
        return [(below, *_whole(folder, below)) for below in group if _is_there(folder, below)]

    answers = fork_pool.spread(len(slices) + len(groups), work)
    found = {below: (state, folders) for answer in answers[len(slices) :] for below, state, folders in answer}
    stamps: dict[str, bytes] = {}
    for (below, _), piece in zip(slices, answers, strict=False):
        stamps[below] = stamps.get(below, b"") + piece
    return found | {below: (seen(inside, stamps.get(below, b"")), inside[1]) for below, inside in large.items()}


def _is_there(folder: str, below: str) -> bool:
    return os.path.isdir(f"{folder}/{below}")


def _whole(folder: str, below: str) -> tuple[Seen, list[str]]:
    inside, stamps = look(folder, below)
    return seen(inside, stamps), inside[1]


def _slice(folder: str, below: str, names: list[str]) -> bytes:
    descriptor = os.open(f"{folder}/{below}", os.O_RDONLY | os.O_DIRECTORY)
    try:
        return _stat_all(descriptor, names)[0]
    finally:
        os.close(descriptor)


def fold(found: Mapping[str, Seen]) -> bytes:
    """One digest of a whole survey."""
    rows = b"".join(os.fsencode(below) + b"\0" + found[below][0] for below in sorted(found))
    return hashlib.md5(rows, usedforsecurity=False).digest()
