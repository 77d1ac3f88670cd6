"""Places that no output may be, hold or lie in, by whatever path it is named: repositories, DVC's folder, the cache.

Places are told by device and inode, so links, other spellings and file systems without case make no difference.
"""

from __future__ import annotations

import os
from pathlib import Path

_REPOSITORIES = frozenset((".git", ".hg", ".dvc"))
_CACHE = "DVC's cache"
Identity = tuple[int, int]


class Protected:
    """What has to outlast every stage of one project."""

    def __init__(self, root: Path, git_root: Path, cache_folder: Path) -> None:
        self._root = str(root)
        self._top = str(git_root)
        kept = {**dict.fromkeys(git_folders(git_root), "the Git repository"), str(root / ".dvc"): "DVC's own folder"}
        kept[str(cache_folder)] = _CACHE
        above = [str(root), *_parents(str(root))]
        self._above = {_identity(path) for path in [*above, *(each for path in kept for each in _parents(path))]} - {None}
        outer = {_identity(path) for path in above}
        self._kept = {found: what for path, what in kept.items() if (found := _identity(path)) and found not in outer}
        self._verdicts: dict[str, str] = {}
        self._away: dict[str, bool] = {}

    def reason(self, target: str) -> str:
        """Why nothing may be written at a path (from the root, or absolute); '' where something may."""
        full = os.path.normpath(os.path.join(self._root, target))
        found = _identity(full)
        if found is not None:
            if found in self._above:
                return "holds the project, its repository or DVC's cache"
            if found in self._kept:
                return f"is {self._kept[found]}"
        folder = os.path.dirname(full)
        if folder not in self._verdicts:
            self._verdicts[folder] = self._verdict(folder)
        if os.path.islink(full) and not self._verdicts[folder]:
            why = self._verdict(full)
            is_object = why == f"lies in {_CACHE}" and os.path.isfile(full)  # an output may be linked to what it holds
            return "" if is_object else why
        return self._verdicts[folder]

    def leads_away(self, target: str) -> bool:
        """Whether a link above a path in the project leads out of the repository, where Git ignores nothing."""
        folder = os.path.dirname(os.path.join(self._root, target))
        if folder not in self._away:
            real = os.path.realpath(folder)
            self._away[folder] = real != self._top and not real.startswith(f"{self._top}/")
        return self._away[folder]

    def _verdict(self, folder: str) -> str:
        real = os.path.realpath(folder)
        for each in (real, *_parents(real)):
            found = _identity(each)
            if found in self._kept:
                return f"lies in {self._kept[found]}"
        return ""


def repository_in(folder: str) -> str:
    """A repository, or project of DVC, that a folder holds: the path of its `.git` or `.dvc`; '' where there is none."""
    if not os.path.isdir(folder) or os.path.islink(folder):
        return ""
    waiting = [folder]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name in _REPOSITORIES and (entry.name == ".git" or entry.is_dir()):
                    return entry.path
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
    return ""


def nested_project(root: str | Path, path: str) -> str:
    """The folder with a project of its own that `path`, relative to the project's root, is or lies in; '' for none."""
    if "/" not in path:
        return path if path and os.path.isdir(f"{root}/{path}/.dvc") else ""
    ends = [*(end for end, char in enumerate(path) if char == "/"), len(path)]
    return next((path[:end] for end in ends if path[:end] and os.path.isdir(f"{root}/{path[:end]}/.dvc")), "")


def git_folders(git_root: Path) -> list[str]:
    """The repository's `.git`, and where it leads to in a worktree or submodule."""
    found = [git_root / ".git"]
    if found[0].is_file():
        text = found[0].read_text(encoding="utf-8", errors="surrogateescape").strip()
        found.append(Path(os.path.normpath(git_root / text.removeprefix("gitdir:").strip())))
        common = found[1] / "commondir"
        if common.is_file():
            found.append(Path(os.path.normpath(found[1] / common.read_text(errors="surrogateescape").strip())))
    return [str(each) for each in found]


def _parents(path: str) -> list[str]:
    return [str(each) for each in Path(path).parents]


def _identity(path: str) -> Identity | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino)
