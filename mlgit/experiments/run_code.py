"""The code a run was made with: the tracked files as they lie in the working tree, changes and all, as a tree of Git.

Git looks while the run works. What lies in the index, and the index itself, stays as it is.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.git import git
from mlgit.adapters.system import files
from mlgit.adapters.system.fork_lock import ForkLock
from mlgit.adapters.system.process import Completed
from mlgit.errors import MlgitError
from mlgit.experiments.record_refs import Repository

# Runs that begin within so many seconds share one look.
_FRESH, _SOON = 2.0, 0.3
_LARGEST = 8 << 20  # of a changed file: code is small
_MOST_UNTRACKED = 200
_STATUS = ("status", "--porcelain=v2", "-z", "--untracked-files=normal", "--no-renames", "--ignore-submodules=all")


class CodeState(NamedTuple):
    """The tree of the tracked files, and the paths that lie beside them and are not kept."""

    tree: str
    untracked: tuple[str, ...]


class CodeLook:
    """One look at the working tree: begun at once, asked for when it is needed."""

    def __init__(self, root: Path, *, tree: str) -> None:
        self._root, self._tree = root, tree
        self.began, self._owner = time.monotonic(), os.getpid()
        self._lock = ForkLock()
        self._end: Callable[[], Completed] | None = git.begin(root, "--no-optional-locks", *_STATUS)
        self._state = CodeState("", ())
        weakref.finalize(self, _finish, self._end)  # nobody may have asked

    @property
    def is_ready(self) -> bool:
        """Whether to ask costs no time, most likely."""
        return time.monotonic() - self.began > _SOON

    def state(self) -> CodeState:
        """What was found; an empty tree id where Git could not look."""
        if self._owner != os.getpid():
            return CodeState("", ())
        with self._lock:
            if self._end:
                try:
                    self._state = self._found(self._end())
                except MlgitError:  # a run is not lost because its code could not be kept
                    self._state = CodeState("", ())
                self._end = None
            return self._state

    def _found(self, done: Completed) -> CodeState:
        if done.code:
            return CodeState("", ())
        changed, beside = _paths(done.text)
        kept = [each for each in changed if _size(self._root / each) <= _LARGEST]
        beside += [each for each in changed if each not in kept]
        tree = _tree_with(self._root, kept) if kept else self._tree
        more = [f"and {len(beside) - _MOST_UNTRACKED} more"] if len(beside) > _MOST_UNTRACKED else []
        return CodeState(tree, (*sorted(beside)[:_MOST_UNTRACKED], *more))


def _finish(end: Callable[[], Completed]) -> None:
    with suppress(MlgitError, ValueError):
        end()


class Head:
    """Which commit is checked out, told from the files of HEAD and its branch where they are plain ones, else by Git."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        own = f"{repository.root}/.git"
        self._folder = own if os.path.isdir(own) else ""  # else a linked working tree, or a bare repository
        self._known: tuple[tuple[bytes, bytes], tuple[str, str]] | None = None

    def commit(self) -> tuple[str, str]:
        """The commit and its tree; '' for both before the first one."""
        key = self._key()
        if key and self._known and self._known[0] == key:
            return self._known[1]
        head = self._repository.pipe.ask(["HEAD"])[0]
        found = (head.oid, head.content[5 : head.content.index(b"\n")].decode()) if head else ("", "")
        self._known = (key, found) if key else None
        return found

    def _key(self) -> tuple[bytes, bytes] | None:
        try:
            head = _start_of(f"{self._folder}/HEAD") if self._folder else b""
            if head.startswith(b"ref: refs/heads/") and b".." not in head:
                return head, _start_of(f"{self._folder}/{os.fsdecode(head[5:].strip())}")
        except (OSError, ValueError):
            pass
        return None


def _start_of(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


class CodeWatch:
    """Looks at one working tree, as often as runs begin that are not of the same moment."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._last: CodeLook | None = None
        self._owner = 0

    def look(self, *, tree: str) -> CodeLook:
        """A look that is fresh; `tree` is that of HEAD."""
        last = self._last
        if last is None or self._owner != os.getpid() or time.monotonic() - last.began > _FRESH:
            last = self._last = CodeLook(self._root, tree=tree)
            self._owner = os.getpid()
        return last


def _paths(status: str) -> tuple[list[str], list[str]]:
    """The tracked paths that differ from HEAD, and the untracked ones."""
    changed, beside = [], []
    for row in status.split("\0"):
        if row.startswith("? "):
            beside.append(row[2:])
        elif row.startswith("1 "):
            changed.append(row.split(" ", 8)[8])
        elif row.startswith("u "):
            changed.append(row.split(" ", 10)[10])
    return changed, beside


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0  # deleted, which is a change to keep


def _tree_with(root: Path, paths: list[str]) -> str:
    """The tree of HEAD with these paths as they lie in the working tree."""
    with files.temporary_folder("code") as folder:
        index = {"GIT_INDEX_FILE": str(folder / "index")}
        git.run(root, "read-tree", "HEAD", env=index)
        given = os.fsencode("".join(f"{path}\0" for path in paths))
        git.run(root, "update-index", "--add", "--remove", "-z", "--stdin", stdin=given, env=index)
        return git.run(root, "write-tree", env=index).text.strip()
