"""Files of a tree put into the working tree one by one; HEAD and index stay as they are."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.git.merging import Entry
from mlgit.adapters.system import files
from mlgit.errors import MlgitError

_LINK, _PROGRAM, _FILE, SUBMODULE = "120000", "100755", "100644", "160000"
# Something lies there that is neither a file nor a link, or that a link leads out to: Git has no such thing.
STRANGE: Entry = ("", "")


def differences(root: Path, old: str, new: str) -> dict[str, tuple[Entry | None, Entry | None]]:
    """The paths in which two trees (or commits) differ, with what each has there; None for nothing."""
    fields = git.run(root, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new).text.split("\0")
    found: dict[str, tuple[Entry | None, Entry | None]] = {}
    for head, path in zip(fields[::2], fields[1::2], strict=False):
        before, after, one, other, _ = head.removeprefix(":").split()
        found[path] = (_entry(before, one), _entry(after, other))
    return found


def _entry(mode: str, oid: str) -> Entry | None:
    return (mode, oid) if mode.strip("0") else None


def entries(root: Path, tree: str, paths: Iterable[str]) -> dict[str, Entry]:
    """What a tree has at these paths; one that it has not is left out."""
    wanted = list(paths)
    if not wanted:
        return {}
    listed = git.run(root, "--literal-pathspecs", "ls-tree", "-r", "-z", "--full-tree", tree, "--", *wanted).text.split("\0")
    rows = [row.partition("\t") for row in listed if row]
    return {path: (head.split()[0], head.split()[2]) for head, _, path in rows}


def lying(root: Path, paths: Iterable[str]) -> dict[str, Entry | None]:
    """What lies at these paths of the working tree, as Git would store it; None for nothing, STRANGE for what it would not."""
    found: dict[str, Entry | None] = {}
    regular: dict[str, str] = {}
    for path in paths:
        mode = _mode(root, path)
        if mode == _LINK:
            content = os.fsencode(os.readlink(root / path))
            found[path] = (mode, git.run(root, "hash-object", "--stdin", stdin=content).text.strip())
        elif mode in (_FILE, _PROGRAM):
            regular[path] = mode
        else:
            found[path] = STRANGE if mode else None
    if regular:
        rows = "".join(f"{_quoted(path)}\n" for path in regular)
        oids = git.run(root, "hash-object", "--stdin-paths", stdin=os.fsencode(rows)).text.split()
        found |= {path: (mode, oid) for (path, mode), oid in zip(regular.items(), oids, strict=True)}
    return found


def _mode(root: Path, path: str) -> str:
    """The mode of what lies at a path; '' for nothing."""
    folder = root
    for part in path.split("/")[:-1]:
        folder = folder / part
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            return "?"
    try:
        kind = os.lstat(root / path).st_mode
    except OSError:
        return ""
    if stat.S_ISREG(kind):
        return _PROGRAM if kind & 0o100 else _FILE
    return _LINK if stat.S_ISLNK(kind) else "?"


def _quoted(path: str) -> str:
    if not path.startswith('"') and "\n" not in path:
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


@contextmanager
def staged(root: Path, wanted: Mapping[str, Entry | None], *, tree: str, workshop: Path) -> Iterator[Callable[[], None]]:
    """Make files as the tree has them in a folder beside; what is yielded gives each its place, whole, when it is called.

    `workshop` is a folder that may be made, on the same disk. Raises MlgitError, with nothing touched, for a tree that no
    working tree can have.
    """
    files.remove(workshop)
    workshop.mkdir(parents=True)
    try:
        _write_out(root, [path for path, entry in wanted.items() if entry], tree=tree, folder=workshop)
        yield lambda: _put_all(root, wanted, workshop)
    finally:
        files.remove(workshop)


def _put_all(root: Path, wanted: Mapping[str, Entry | None], workshop: Path) -> None:
    try:
        for path, entry in wanted.items():
            _put(root, path, workshop / "files" / path if entry else None)
    except OSError as error:
        told = "another disk than the files" if error.errno == errno.EXDEV else error.strerror
        where = error.filename2 or error.filename
        raise MlgitError(f"{where}: cannot be written: {told}", "the same command goes on") from error


def _write_out(root: Path, paths: list[str], *, tree: str, folder: Path) -> None:
    env = {"GIT_INDEX_FILE": str(folder / "index")}
    git.run(root, "read-tree", tree, env=env)
    rows = os.fsencode("".join(f"{path}\0" for path in paths))
    git.run(root, "checkout-index", f"--prefix={folder}/files/", "-z", "--stdin", stdin=rows, env=env)


def _put(root: Path, path: str, made: Path | None) -> None:
    target = root / path
    if target.is_dir() and not target.is_symlink():
        files.remove(target)
    if made is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(made, target)
        return
    files.remove(target)
    with suppress(OSError):  # as Git does, a folder goes with the last that was in it
        for folder in Path(path).parents:
            if str(folder) != ".":
                (root / folder).rmdir()
