"""Content digests as DVC computes them, remembered by stat so that unchanged files are not read again.

A folder's digest is the md5 of its sorted list of files and their md5s, written as DVC writes it. What is remembered is
trusted only while times, size and inode are the same, and only if it is not racy (see `stamps`).
"""

from __future__ import annotations

import hashlib
import json
import marshal
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from mlgit.adapters import files
from mlgit.adapters.stamps import RACY_NS, Row, Stamp, is_racy, scan, shape, stamp
from mlgit.errors import MlgitError

_CHUNK = 1 << 20
_VERSION = 1


class Content(NamedTuple):
    """The digest of a file or folder: md5 (ending in `.dir` for a folder), bytes, number of files, executable or not."""

    md5: str
    size: int
    nfiles: int | None = None
    isexec: bool = False


class Member(NamedTuple):
    """A file of a folder: its path relative to it, and its md5."""

    path: str
    md5: str


def file_md5(path: str) -> str:
    """The md5 of a file's bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb", buffering=0) as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def listing(members: Iterable[Member]) -> bytes:
    """The bytes of DVC's `.dir` object for these files."""
    rows = [{"md5": member.md5, "relpath": member.path} for member in sorted(members)]
    return json.dumps(rows, sort_keys=True).encode()


def listing_md5(members: Iterable[Member]) -> str:
    """The digest of a folder with these files."""
    return hashlib.md5(listing(members), usedforsecurity=False).hexdigest() + ".dir"


def parse_listing(content: bytes) -> list[Member]:
    """The files named in a `.dir` object.

    Raises ValueError for a path that would lead out of the folder and for an md5 that is none: such objects can come
    from a remote, and both become paths.
    """
    found = [Member(row["relpath"], row["md5"]) for row in json.loads(content)]
    for path, md5 in found:
        if not re.fullmatch(r"[0-9a-f]{32}", md5) or not path or not {"", ".", ".."}.isdisjoint(path.split("/")):
            raise ValueError(f"not the list of a folder's files: {path!r}, {md5!r}")
    return found


class Fingerprints:
    """Digests of files and folders below a root, kept in `folder` between processes. Losing them costs time only.

    `ignored` says which paths of a folder .dvcignore leaves out; None for none.
    """

    def __init__(self, root: Path, folder: Path, *, ignored: Callable[[str, bool], bool] | None = None) -> None:
        self.root = str(root)
        self._folder = folder
        self._ignored = ignored
        self._rows: dict[str, tuple[Any, ...]] = _load(folder / "fingerprints", ("siiiiis", "ssisii"))
        self._trees: dict[str, dict[str, tuple[int, int, int, int, int, str]]] = {}
        self._read: set[str] = set()  # folders looked through by this process
        self._changed = False

    def digest(self, path: str) -> Content | None:
        """The content of a path relative to the root; None when there is nothing there.

        Raises MlgitError for what is neither a file nor a folder and for what cannot be read.
        """
        full = f"{self.root}/{path}"
        try:
            found = os.stat(full)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            if found.st_mode & 0o170000 == 0o040000:
                return self._folder_digest(path, full)
            if found.st_mode & 0o170000 == 0o100000:
                return self._file_digest(path, full, found)
        except OSError as error:
            raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error
        raise MlgitError(f"{path}: neither a file nor a folder")

    def remember(self, path: str, content: Content) -> None:
        """Take over the digest of a file that was just written with known content."""
        self._store(path, stamp(os.stat(f"{self.root}/{path}")), content, time.time_ns())

    def members(self, path: str) -> list[Member]:
        """The files of a folder, sorted, with their md5s; call `digest` before."""
        found = [Member(name, row[5]) for name, row in self._tree(path).items()]
        if path not in self._read and listing_md5(found) != self._rows[path][3]:  # what was kept is lost or another's
            self._trees[path] = {}
            full = f"{self.root}/{path}"
            tree = self._hash_members(path, full, scan(full, ignored=self._ignored), time.time_ns())
            return [Member(name, row[5]) for name, row in tree.items()]
        return found

    def _file_digest(self, path: str, full: str, found: os.stat_result) -> Content:
        seen = stamp(found)
        row = self._rows.get(path)
        if row is not None and row[0] == "f" and row[1:5] == seen and not is_racy(seen, row[5]):
            return Content(row[6], seen[2], None, bool(found.st_mode & 0o111))
        now = time.time_ns()  # before reading: what is written meanwhile within a tick of the clock keeps its stamp
        content = Content(file_md5(full), seen[2], None, bool(found.st_mode & 0o111))
        self._store(path, seen, content, now)
        return content

    def _store(self, path: str, seen: Stamp, content: Content, now: int) -> None:
        self._rows[path] = ("f", *seen, now, content.md5)
        self._changed = True

    def _folder_digest(self, path: str, full: str) -> Content:
        rows = scan(full, ignored=self._ignored)
        state = hashlib.md5(shape(rows), usedforsecurity=False).hexdigest()
        known = self._rows.get(path)
        latest = max((max(row[1], row[2]) for row in rows), default=0)
        if known is not None and known[0] == "d" and known[1] == state and latest < known[2] - RACY_NS:
            return Content(known[3], known[4], known[5])
        now = time.time_ns()
        tree = self._hash_members(path, full, rows, now)
        members = [Member(name, row[5]) for name, row in tree.items()]
        md5 = listing_md5(members)
        content = Content(md5, sum(row[3] for row in rows), len(rows))
        self._rows[path] = ("d", state, now, md5, content.size, content.nfiles)
        self._changed = True
        return content

    def _hash_members(self, path: str, full: str, rows: list[Row], now: int) -> dict[str, tuple[int, int, int, int, int, str]]:
        before = self._tree(path)
        tree: dict[str, tuple[int, int, int, int, int, str]] = {}
        for name, *seen in rows:
            old = before.get(name)
            if old is not None and list(old[:4]) == seen and not is_racy(old[:4], old[4]):
                tree[name] = old
            else:
                tree[name] = (seen[0], seen[1], seen[2], seen[3], now, file_md5(f"{full}/{name}"))
        self._trees[path] = tree
        self._read.add(path)
        return tree

    def _tree_file(self, path: str) -> Path:
        return self._folder / "trees" / hashlib.md5(os.fsencode(path), usedforsecurity=False).hexdigest()

    def _tree(self, path: str) -> dict[str, tuple[int, int, int, int, int, str]]:
        if path not in self._trees:
            self._trees[path] = _load(self._tree_file(path), ("iiiiis",))
        return self._trees[path]

    def save(self) -> None:
        """Keep what was learnt for the next process."""
        if not self._changed:
            return
        (self._folder / "trees").mkdir(parents=True, exist_ok=True)
        for path, tree in self._trees.items():
            _dump(self._tree_file(path), tree)
        _dump(self._folder / "fingerprints", self._rows)
        self._changed = False


def _load(path: Path, forms: tuple[str, ...]) -> dict[str, Any]:
    """The rows kept in a file, or none where it is missing or not what `_dump` writes; `forms` are the types of a row."""
    known = {tuple({"s": str, "i": int}[char] for char in form) for form in forms}
    try:
        version, rows = marshal.loads(path.read_bytes())  # noqa: S302 - own disposable file below .dvc/tmp
        fits = version == _VERSION and all(type(row) is tuple for row in rows.values())
        return rows if fits and {tuple(map(type, row)) for row in rows.values()} <= known else {}
    except (OSError, ValueError, EOFError, TypeError, AttributeError):
        return {}


def _dump(path: Path, rows: Any) -> None:
    files.write_atomic(path, marshal.dumps((_VERSION, rows)), mode=0o600)
