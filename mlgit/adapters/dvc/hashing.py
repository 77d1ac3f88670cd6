"""Content digests as DVC computes them, remembered by stat so that unchanged files are not read again.

What is remembered is trusted only while times, size and inode are the same, and only if it is not racy (see `stamps`).
"""

from __future__ import annotations

import errno
import hashlib
import marshal
import os
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from mlgit.adapters.dvc import ingest, protected_paths
from mlgit.adapters.dvc.objects import Objects, file_md5
from mlgit.adapters.system import dir_index, dir_scan, state_files
from mlgit.adapters.system.digests import Content, Member, listing, listing_md5, parse_listing
from mlgit.adapters.system.dir_index import FolderTree, Leaves
from mlgit.adapters.system.dir_scan import Branch, Seen
from mlgit.adapters.system.stat_signature import RACY_NS, Stamp, is_racy, stamp
from mlgit.errors import MlgitError

__all__ = ["Content", "Fingerprints", "FolderTree", "Fresh", "Member", "file_md5", "listing", "listing_md5", "parse_listing"]

_VERSION = 2
_WIDTH = 16  # bytes of an md5


class Fresh(NamedTuple):
    """Files that were read and hashed by this command: their folder (absolute, ending with '/'), names, stamps, md5s."""

    folder: str
    names: list[str]
    stamps: bytes
    md5s: bytes


class Fingerprints:
    """Digests of files and folders below a root, kept in `folder` between processes. Losing them costs time only.

    `ignored` says which paths of a folder .dvcignore leaves out; None for none. `fresh` is what had to be read (but
    for what `listener` takes over, which is told of a folder's files as soon as they are read), and `linked`, by folder,
    those of the files read that are links or have several names.
    """

    def __init__(self, root: Path, folder: Path, *, ignored: Callable[[str, bool], bool] | None = None) -> None:
        self.root = str(root)
        self.fresh: list[Fresh] = []
        self.linked: dict[str, list[str]] = {}
        self.listener: Callable[[list[Fresh]], bool] | None = None
        self._folder = folder
        self._ignored = ignored
        self._rows: dict[str, tuple[Any, ...]] = _load(f"{folder}/fingerprints")
        self._trees: dict[str, FolderTree | None] = {}
        self._changed: set[str] = set()
        self._placed: set[str] = set()
        self._rows_changed = False

    def need(self, path: str) -> None:
        """See that a path lies in the workspace; outputs made elsewhere are known to `elsewhere.Awaited` only."""

    def bring(self, paths: Iterable[str] | None = None) -> None:
        """Fetch what was made elsewhere into the workspace (default: all)."""

    def expect(self, path: str, content: Content, contents: Mapping[str, tuple[bytes, bool]] | None = None) -> None:
        """An output was made elsewhere; see `elsewhere.Awaited`."""
        raise NotImplementedError

    def digest(self, path: str, *, into: Objects | None = None, tick: ingest.Tick | None = None) -> Content | None:
        """The content of a path relative to the root; None when there is nothing there.

        What has to be read is placed in `into` on the way. `tick` is told how far the work has come, 0 to 1.
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
                return self._folder_digest(path, full, into, tick)
            if found.st_mode & 0o170000 == 0o100000:
                return self._file_digest(path, full, found, into, tick)
        except OSError as error:
            if into is not None and error.errno in (errno.ENOSPC, errno.EDQUOT):
                message = f"{path}: cannot be stored: the disk of the cache, {into.folder}, is full"
                raise MlgitError(message, "make room there (`dvc gc` removes what nothing names), and run again") from error
            where = os.path.relpath(error.filename, self.root) if isinstance(error.filename, str) else path
            raise MlgitError(f"{where}: cannot be read or stored: {error.strerror}") from error
        raise MlgitError(f"{path}: neither a file nor a folder")

    def remember(self, path: str, content: Content) -> None:
        """Take over the digest of a file that was just written with known content."""
        self._store(path, stamp(os.stat(f"{self.root}/{path}")), content.md5, time.time_ns())

    def tree(self, path: str) -> FolderTree | None:
        """What is known of a folder's files; call `digest` before."""
        if path not in self._trees:
            self._trees[path] = dir_index.load(self._tree_file(path))
        return self._trees[path]

    def is_kept(self, path: str) -> bool:
        """Whether a folder is as the last command left it; call `digest` before."""
        return path not in self._changed

    def is_placed(self, path: str) -> bool:
        """Whether every file of a folder was placed when it was hashed, by this process."""
        return path in self._placed

    def members(self, path: str) -> list[Member]:
        """The files of a folder, sorted, with their md5s; call `digest` before."""
        tree = self.tree(path)
        if tree is not None and not tree.is_whole:  # what was kept is lost
            self._trees[path] = None
            self.digest(path)
            tree = self.tree(path)
        return tree.members() if tree else []

    def listing(self, path: str) -> bytes | None:
        """The bytes of DVC's object for a folder; call `members` before."""
        tree = self.tree(path)
        return tree.listing() if tree else None

    def _file_digest(
        self, path: str, full: str, found: os.stat_result, into: Objects | None, tick: ingest.Tick | None
    ) -> Content:
        seen = stamp(found)
        row = self._rows.get(path)
        is_exec = bool(found.st_mode & 0o111)
        if row is not None and row[0] == "f" and row[1:5] == seen and not is_racy(seen, row[5]):
            return Content(row[6], seen[2], None, is_exec)
        now = time.time_ns()
        md5, found = ingest.take(full, into, tick=tick)
        self._store(path, stamp(found), md5.hex(), now)
        folder, _, name = full.rpartition("/")
        self.fresh.append(Fresh(f"{folder}/", [name], dir_scan.packed(found), md5))
        return Content(md5.hex(), found.st_size, None, is_exec)

    def _store(self, path: str, seen: Stamp, md5: str, now: int) -> None:
        self._rows[path] = ("f", *seen, now, md5)
        self._rows_changed = True

    def _folder_digest(self, path: str, full: str, into: Objects | None, tick: ingest.Tick | None) -> Content:
        now = time.time_ns()
        if protected_paths.nested_project(self.root, path):  # DVC sees nothing in it
            nothing = dir_index.make({"": Leaves(([], []), b"", b"")}, recorded=now, filtered=False)
            self._trees[path], self.linked[path] = nothing, []
            self._changed.add(path)
            return nothing.content
        tree = self.tree(path)
        filtered = self._ignored is not None
        self.linked[path] = []
        leaves: dict[str, Leaves] = {}
        if tree is not None:
            known = None if filtered or tree.filtered else {below: each[1] for below, each in tree.seen.items()}
            seen = dir_scan.survey(full, known=known, ignored=self._ignored)
            stale = [below for below, state in seen.items() if not _is_kept(tree, below, state)]
            if not stale and len(seen) == len(tree.seen):
                return tree.content
            if tree.is_whole:
                leaves = {below: each for below, each in tree.leaves.items() if below in seen}
                leaves |= self._renewed(path, full, stale, tree, into, tick)
        if not leaves:
            insides = dir_scan.branches(full, ignored=self._ignored)
            taken = self._take(path, full, {below: inside[0] for below, inside in insides.items()}, into, tick)
            leaves = {below: Leaves(inside, *taken[below]) for below, inside in insides.items()}
            if into is not None:
                self._placed.add(path)
        made = dir_index.make(leaves, recorded=now, filtered=filtered)
        self._trees[path] = made
        self._changed.add(path)
        return made.content

    def _take(
        self, path: str, full: str, names: dict[str, list[str]], into: Objects | None, tick: ingest.Tick | None
    ) -> dict[str, tuple[bytes, bytes]]:
        taken = ingest.take_all(full, names, objects=into, tick=tick)
        fresh = [Fresh(f"{full}/{below}", names[below], each.stamps, each.md5s) for below, each in taken.items()]
        if self.listener is None or not self.listener(fresh):
            self.fresh += fresh
        for below, each in taken.items():
            self.linked[path] += [below + name for name in each.linked]
        return {below: (each.stamps, each.md5s) for below, each in taken.items()}

    def _renewed(
        self, path: str, full: str, stale: list[str], tree: FolderTree, into: Objects | None, tick: ingest.Tick | None
    ) -> dict[str, Leaves]:
        """The folders inside that changed, looked at file by file: only files that are new or changed are read."""
        looked = {below: dir_scan.look(full, below, ignored=self._ignored) for below in stale}
        kept = {below: _trusted(tree, below, inside, stamps) for below, (inside, stamps) in looked.items()}
        unknown = {below: [name for name in inside[0] if name not in kept[below]] for below, (inside, _) in looked.items()}
        taken = self._take(path, full, unknown, into, tick)
        renewed = {}
        for below, (inside, _) in looked.items():
            stamps, md5s = taken[below]
            rows = kept[below] | dict(
                zip(unknown[below], zip(dir_scan.rows_of(stamps), _md5s_of(md5s), strict=True), strict=True)
            )
            ordered = [rows[name] for name in inside[0]]
            renewed[below] = Leaves(inside, b"".join(row for row, _ in ordered), b"".join(md5 for _, md5 in ordered))
        return renewed

    def renew(self, path: str) -> None:
        """Take over the stamps of a folder whose files were just replaced by others with the same content."""
        tree, full = self.tree(path), f"{self.root}/{path}"
        if tree is None:
            return
        time.sleep(RACY_NS / 1e9)  # so that the new stamps can be trusted
        now = time.time_ns()
        leaves = {}
        for below, each in tree.leaves.items():
            inside, stamps = dir_scan.look(full, below, ignored=self._ignored)
            if inside != each.inside:
                return
            leaves[below] = Leaves(inside, stamps, each.md5s)
            self.fresh.append(Fresh(f"{full}/{below}", inside[0], stamps, each.md5s))
        self._trees[path] = dir_index.make(leaves, recorded=now, filtered=tree.filtered)
        self._changed.add(path)

    def _tree_file(self, path: str) -> Path:
        return self._folder / "trees" / hashlib.md5(os.fsencode(path), usedforsecurity=False).hexdigest()

    def save(self) -> None:
        """Keep what was learnt for the next process, where that can be written: without it only time is lost."""
        with suppress(MlgitError):
            for path in self._changed:
                tree = self._trees[path]
                if tree is not None:
                    dir_index.save(self._tree_file(path), tree)
            if self._rows_changed:
                state_files.write(f"{self._folder}/fingerprints", marshal.dumps((_VERSION, self._rows)))
        self._changed.clear()
        self._rows_changed = False


def _is_kept(tree: FolderTree, below: str, state: Seen) -> bool:
    kept = tree.seen.get(below)
    return kept is not None and kept[0] == state[0] and state[2] < tree.recorded - RACY_NS


def _trusted(tree: FolderTree, below: str, inside: Branch, stamps: bytes) -> dict[str, tuple[bytes, bytes]]:
    """Files with the stamp they had when they were hashed, where that stamp is old enough to be trusted."""
    old = tree.leaves.get(below)
    if old is None:
        return {}
    known = dict(zip(old.inside[0], zip(dir_scan.rows_of(old.stamps), _md5s_of(old.md5s), strict=True), strict=True))
    limit = tree.recorded - RACY_NS
    found = {}
    for name, row in zip(inside[0], dir_scan.rows_of(stamps), strict=True):
        if name in known and known[name][0] == row and dir_scan.latest_in(row) < limit:
            found[name] = known[name]
    return found


def _md5s_of(md5s: bytes) -> list[bytes]:
    return [md5s[at : at + _WIDTH] for at in range(0, len(md5s), _WIDTH)]


def _load(path: str) -> dict[str, tuple[Any, ...]]:
    """The rows that were kept, none where there are none."""
    note = state_files.read(path)
    version, rows = marshal.loads(note) if note else (_VERSION, {})  # noqa: S302 - sealed
    return rows if version == _VERSION else {}
