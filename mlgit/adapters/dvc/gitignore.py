"""`.gitignore` lines for outputs, decided and written as DVC does."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mlgit.adapters.dvc import protected_paths
from mlgit.adapters.git import git
from mlgit.adapters.system import files, stat_signature
from mlgit.errors import MlgitError

_OUTSIDE_NS = 100_000_000
_SPECIAL = set("\\[]!*#?")


def line_for(path: str) -> str:
    """The .gitignore line that DVC writes for an output, without its line end."""
    name = f"/{path.rpartition('/')[2]}"
    if _SPECIAL.isdisjoint(name):
        return name
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in name)


class Rules:
    """What Git's ignore files say of paths of a project (relative to `root`, a folder's ending with `/`), as DVC reads them.

    Git itself answers for no pattern and for plain names. Where wildcards, negations or files outside the working tree
    have a say, the library that DVC asks is asked: the two differ there, and it is slow to import.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._query = git.IgnoreQuery(root)
        self._asked = AsDvc(root)

    def __enter__(self) -> Rules:
        return self

    def __exit__(self, *error: object) -> None:
        self._query.__exit__(*error)

    def hidden(self, paths: list[str]) -> set[str]:
        """Those that are ignored."""
        rules = self._query.rules([*paths, *(path[:-1] for path in paths if path.endswith("/"))])
        return {path for path in paths if self._hides(path, {rules[path], rules[path.rstrip("/")]})}

    def _hides(self, path: str, rules: set[tuple[str, str]]) -> bool:
        found = [rule for rule in rules if rule[1]]
        if not found:
            return False
        names_it = all(
            _is_plain(*rule) and rule[0].rstrip("/").endswith(posixpath.basename(path.rstrip("/"))) for rule in found
        )
        return (names_it and not self._speaks(path)) or self.ignores(path)

    def _speaks(self, path: str) -> bool:
        """Whether a folder has a file of its own: to DVC, it has a say on the folder too."""
        return path.endswith("/") and os.path.exists(f"{self._root}/{path}.gitignore")

    def settled(self, paths: list[str]) -> tuple[set[str], set[str]]:
        """Outputs that are ignored whatever will lie there, and those of which only `ignores` can tell once it does."""
        behind_link = _behind_links(str(self._root))
        asked = {path: [path, f"{path}/", *_folders_above(path)] for path in paths if not behind_link(path)}
        rules = self._query.rules(list(dict.fromkeys(each for row in asked.values() for each in row)))
        hidden, unsure = set(), set(paths) - asked.keys()
        for path, row in asked.items():
            found = [rule for rule in map(rules.__getitem__, row) if rule[1]]
            is_plain = all(_is_plain(*rule) and not rule[0].endswith("/") for rule in found)
            if found and is_plain and not any(self._speaks(each) for each in row[2:]):
                hidden.add(path)
            elif found:
                unsure.add(path)
        return hidden, unsure

    def ignores(self, path: str) -> bool:
        """Whether one path is ignored, asked of the library that DVC asks."""
        return self._asked(path)


class AsDvc:
    """Says whether a path from the root is ignored to DVC, by the ignore files as they are when it is asked.

    To read them takes milliseconds, so it is done again only when one of them has changed, or is too young to tell. Those
    outside the project are looked at ten times a second.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._top = str(root)
        self._outside: list[str] = []
        self._looked_outside = 0
        self._read: dict[str, stat_signature.Stamp | None] = {}
        self._young: set[str] = set()
        self._ask: Callable[[str], bool] | None = None

    def __call__(self, path: str) -> bool:
        """Whether the path is ignored now."""
        if self._ask is None:
            config = [
                os.path.relpath(f"{each}/config", self._root) for each in protected_paths.git_folders(_git_root(self._root))
            ]
            self._outside = [*elsewhere(self._root), *config]
        now = time.time_ns()
        inside = [".gitignore", *(f"{folder}.gitignore" for folder in _folders_above(f"{path}/"))]
        is_soon = 0 <= now - self._looked_outside < _OUTSIDE_NS  # many stages may end in this time, and none writes there
        stamps = self._stamps(inside if is_soon else [*inside, *self._outside])
        if self._ask is None or any(self._is_other(file, stamp) for file, stamp in stamps.items()):
            stamps |= self._stamps(self._outside)
            self._ask = _reader(self._root)
            self._read, self._young = {}, set()
        self._looked_outside = self._looked_outside if is_soon else now
        for file, stamp in stamps.items():
            if file not in self._read:
                self._read[file] = stamp
                if stamp and stat_signature.is_racy(stamp, now):
                    self._young.add(file)
        return self._ask(path)

    def _stamps(self, paths: list[str]) -> dict[str, stat_signature.Stamp | None]:
        return {path: stat_signature.of(f"{self._top}/{path}") for path in paths}

    def _is_other(self, file: str, stamp: stat_signature.Stamp | None) -> bool:
        return file in self._young or self._read.get(file, stamp) != stamp


def _reader(root: Path) -> Callable[[str], bool]:
    from dulwich.ignore import IgnoreFilterManager
    from dulwich.repo import Repo

    with Repo.discover(str(root)) as repo:
        manager = IgnoreFilterManager.from_repo(repo)
        top = os.path.relpath(root, os.path.realpath(repo.path))
    return lambda path: bool(manager.is_ignored(path if top == "." else f"{top}/{path}"))


def _is_plain(pattern: str, source: str) -> bool:
    """Whether everybody understands a pattern alike: a name, in a file of the working tree."""
    is_name = bool(pattern.strip("/")) and not set("*?[\\!").intersection(pattern)
    return is_name and posixpath.basename(source) == ".gitignore" and not source.startswith("/")


def _folders_above(path: str) -> list[str]:
    return [path[: end + 1] for end, char in enumerate(path) if char == "/"]


def _behind_links(root: str) -> Callable[[str], bool]:
    """A function that says whether a path is a link, or lies behind one; folders are looked at once."""
    folders = {"": False}

    def is_link(path: str) -> bool:
        return os.path.islink(f"{root}/{path}")

    def lies_behind(folder: str) -> bool:
        if folder not in folders:
            folders[folder] = lies_behind(posixpath.dirname(folder)) or is_link(folder)
        return folders[folder]

    return lambda path: is_link(path) or ("/" in path and lies_behind(posixpath.dirname(path)))


def elsewhere(root: Path) -> list[str]:
    """The ignore files outside a project that count in it, relative to `root`, whether they are there or not."""
    git_root = _git_root(root)
    found = [folder / ".gitignore" for folder in root.parents if folder.is_relative_to(git_root)]
    found += [Path(folder, "info/exclude") for folder in protected_paths.git_folders(git_root)]
    own = git.run(root, "config", "--type=path", "core.excludesFile", check=False).text.strip()
    default = Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "git/ignore")
    return [os.path.relpath(each, root) for each in (*found, git_root / own if own else default)]


def _git_root(root: Path) -> Path:
    return next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)


def without_line(root: Path, paths: Iterable[str]) -> list[str]:
    """The outputs (relative to `root`) whose line does not stand in the .gitignore beside them, or not for sure the last."""
    texts: dict[str, set[str]] = {}
    found = []
    for path in paths:
        folder = path.rpartition("/")[0]
        if folder not in texts:
            texts[folder] = lines(read(root / folder / ".gitignore"))
            if any(line.startswith("!") for line in texts[folder]):
                texts[folder] = set()
        if line_for(path) not in texts[folder]:
            found.append(path)
    return found


def read(path: Path) -> str:
    """The text of a .gitignore, bytes that are no text included; '' where there is none."""
    return files.read_bytes(path).decode("utf-8", "surrogateescape") if path.is_file() else ""


def write(path: Path, text: str) -> None:
    """Put a text that `read` gave, with lines added, back."""
    files.write_atomic(path, text.encode("utf-8", "surrogateescape"), durable=True)


def lines(text: str) -> set[str]:
    """The lines of a .gitignore, as DVC tells them."""
    return set(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))


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
