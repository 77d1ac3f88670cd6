"""`.gitignore` lines for outputs, decided and written as DVC does."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from pathlib import Path

from mlgit.adapters import files, git
from mlgit.errors import MlgitError

_SPECIAL = set("\\[]!*#?")


def line_for(path: str) -> str:
    """The .gitignore line that DVC writes for an output, without its line end."""
    name = "/" + posixpath.basename(path)
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in name)


def missing(root: Path, paths: Iterable[str]) -> set[str]:
    """Which outputs (relative to `root`) Git does not ignore yet.

    DVC asks about the bare name, so a pattern for folders (`data/`) does not count for the folder `data` itself.
    """
    texts: dict[str, set[str]] = {}
    unknown = []
    for path in paths:
        folder = posixpath.dirname(path)
        if folder not in texts:
            file = root / folder / ".gitignore"
            texts[folder] = set(files.read_text(file).splitlines()) if file.is_file() else set()
        if line_for(path) not in texts[folder]:
            unknown.append(path)
    return set(unknown) - _ignored(root, unknown)


def _ignored(root: Path, paths: list[str]) -> set[str]:
    if not paths:
        return set()
    parents = {path: [f"{path[:end]}/" for end, char in enumerate(path) if char == "/"] for path in paths}
    with git.IgnoreQuery(root) as query:
        patterns = query.patterns([*paths, *dict.fromkeys(parent for each in parents.values() for parent in each)])
    found = set()
    for path in paths:
        own = patterns[path]
        above = any(_excludes(patterns[parent]) for parent in parents[path])
        if above or (_excludes(own) and not own.endswith("/")):
            found.add(path)
    return found


def _excludes(pattern: str) -> bool:
    return bool(pattern) and not pattern.startswith("!")


def refuse_tracked(root: Path, paths: Iterable[str]) -> None:
    """Raise MlgitError for a path that Git already tracks, or tracks something in: it cannot be ignored."""
    for path in tracked(root, paths):
        raise tracked_error(path)


def tracked_error(path: str) -> MlgitError:
    """What is said of an output that Git tracks."""
    return MlgitError(
        f"output '{path}' is already tracked by Git, so DVC cannot take it over",
        f"type `git rm -r --cached '{path}'` and commit, or declare it with `cache: false`",
    )


def tracked(root: Path, paths: Iterable[str]) -> list[str]:
    """Which of these paths (relative to `root`) Git tracks, or tracks something in."""
    wanted = dict.fromkeys(paths)
    if not wanted:
        return []
    found = set()
    for path in git.run(root, "ls-files", "-z").text.split("\0"):
        if path in wanted:
            found.add(path)
        found.update(path[:end] for end, char in enumerate(path) if char == "/" and path[:end] in wanted)
    return [path for path in wanted if path in found]
