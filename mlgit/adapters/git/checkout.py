"""A working tree of a commit that programs write into, and that is made again what it was: by stats, not by a checkout."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mlgit.adapters.git import bundle
from mlgit.adapters.git.bundle import Clone
from mlgit.adapters.system import files, stat_signature
from mlgit.adapters.system.stat_signature import Stamp

_COMPILED = "__pycache__"  # Python checks what lies there itself; writing it anew for every stage takes long


class WorkingTree:
    """A folder with the files of a commit, and with what is kept beside them. Paths are relative to its top."""

    def __init__(self, folder: Path, clone: Clone, commit: str) -> None:
        self._folder = str(folder)
        clone.check_out(commit, folder)
        self._kept: set[str] = {".git"}
        self._files: dict[str, Stamp] = {}
        self._folders: set[str] = set()
        self._survey()

    def keep(self, *paths: str) -> None:
        """Let `tidy` leave these paths, and all that lies in them, alone."""
        self._kept.update(paths)

    def tidy(self, *, keep: Iterable[str] = ()) -> None:
        """Take away what does not belong here, and put back what was changed or removed.

        Of what was put in place by `keep`, only what is named again stays; .git and what lies in `.dvc` always does.
        """
        wanted = set(keep)
        for path in [each for each in self._kept if each not in wanted and not _is_own(each)]:
            self._kept.discard(path)
        seen = self._walk()
        lost = [path for path in self._files if path not in seen and path not in self._kept]
        changed = [path for path, stamp in seen.items() if path in self._files and self._files[path] != stamp]
        if lost or changed:
            bundle.restore(Path(self._folder), [*lost, *changed])
            for path in (*lost, *changed):
                self._files[path] = stat_signature.stamp(os.lstat(f"{self._folder}/{path}"))

    def _survey(self) -> None:
        waiting = [""]
        while waiting:
            below = waiting.pop()
            for entry in os.scandir(f"{self._folder}/{below}"):
                path = f"{below}{entry.name}"
                if entry.is_dir(follow_symlinks=False):
                    self._folders.add(path)
                    waiting.append(f"{path}/")
                elif path != ".git":
                    self._files[path] = stat_signature.stamp(entry.stat(follow_symlinks=False))

    def _walk(self) -> dict[str, Stamp]:
        """The commit's files as they are now; everything else that is not kept is removed on the way."""
        seen: dict[str, Stamp] = {}
        above_kept = {path[:end] for path in self._kept for end, char in enumerate(path) if char == "/"}
        waiting = [""]
        while waiting:
            below = waiting.pop()
            for entry in list(os.scandir(f"{self._folder}/{below}")):
                path = f"{below}{entry.name}"
                if path in self._kept or entry.name == _COMPILED:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if path in self._folders or path in above_kept:
                        waiting.append(f"{path}/")
                    else:
                        files.remove(Path(entry.path))
                elif path in self._files:
                    seen[path] = stat_signature.stamp(entry.stat(follow_symlinks=False))
                else:
                    files.remove(Path(entry.path))
        return seen


def _is_own(path: str) -> bool:
    return path == ".git" or "/.dvc/" in f"/{path}"
