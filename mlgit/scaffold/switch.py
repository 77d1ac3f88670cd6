"""From one tree to the next, and back: index and files change together, and a process killed on the way loses nothing.

A journal in Git's own folder is written before the first file is touched, and says what there was. The files are written
with an index of our own, which takes the place of Git's by one rename; who finds a journal whose process has ended before
that rename puts back what there was. After it the journal stays until the next commit, for `mlgit template abort`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mlgit.adapters.git import git
from mlgit.adapters.git.merging import Entry
from mlgit.adapters.system import files, locks
from mlgit.errors import MlgitError
from mlgit.scaffold import state

_FORMAT = 1
_FOLDER = "mlgit/template-update"
_LOCK = b"mlgit template\n"  # what our lock of the index says, so that one left behind is known


@dataclass(frozen=True, slots=True)
class Journal:
    """What an update that is not committed yet began with.

    `what` is the update in words, `head` the commit, `before` and `after` the pristine render's commit ('' for none), `touched`
    and `conflicts` are paths from the top of the repository.
    """

    what: str
    head: str
    before: str
    after: str
    touched: tuple[str, ...]
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A journal that is there, and whether its process ended before the index was replaced."""

    journal: Journal
    is_broken_off: bool


def pending(root: Path) -> Pending | None:
    """The update that was begun in this working tree and is not committed yet; None where there is none."""
    place = _git_folder(root) / _FOLDER
    try:
        document = json.loads((place / "journal.json").read_bytes())
    except (FileNotFoundError, ValueError):
        return None
    if document.pop("format", 0) != _FORMAT or document["head"] != git.head(root):
        return None  # committed since, or left behind by another commit
    document |= {key: tuple(document[key]) for key in ("touched", "conflicts")}
    journal = Journal(**document)
    return Pending(journal, (place / "index").exists())


@contextmanager
def alone(root: Path) -> Iterator[Journal | None]:
    """Keep other updates of this working tree out, and put back first what a killed one left; what that began with."""
    place = _git_folder(root) / _FOLDER
    with locks.held(place.with_suffix(".lock"), timeout=10, busy="another `mlgit template` is at work in this working tree"):
        found = pending(root)
        broken_off = found.journal if found and found.is_broken_off else None
        if broken_off:
            _put_back(root, broken_off)
        yield broken_off


def switch(
    root: Path,
    tree: str,
    *,
    what: str,
    head: str,
    touched: tuple[str, ...],
    conflicts: Mapping[str, Mapping[int, Entry]],
    after: str,
) -> None:
    """Have the files of `tree` in the working tree and the index, both clean until now, and `after` as pristine render.

    Conflicts (path -> stage -> entry) are entered in the index as Git's own merges do. Raises MlgitError before anything is
    touched for a file in the way that Git does not know.
    """
    _check_way(root, touched, known=set(_listed(root, head, touched)))
    git_folder = _git_folder(root)
    place, index = git_folder / _FOLDER, git_folder / "index"
    before = git.run(root, "for-each-ref", "--format=%(objectname)", state.REF).text.strip()
    journal = Journal(what, head, before, after, touched, tuple(conflicts))
    files.remove(place)
    place.mkdir(parents=True)
    with _locked(index):
        (place / "index").write_bytes(index.read_bytes())
        files.write_atomic(place / "journal.json", json.dumps({"format": _FORMAT, **asdict(journal)}), durable=True)
        try:
            env = {"GIT_INDEX_FILE": str(place / "index")}
            git.run(root, "read-tree", "-m", "-u", head, tree, env=env)
            if conflicts:
                git.run(root, "update-index", "-z", "--index-info", stdin=_rows(conflicts, nothing="0" * len(tree)), env=env)
            git.update_ref(root, state.REF, after, reason=what)
            os.replace(place / "index", index)
        except BaseException:
            _put_back(root, journal)
            raise


def abort(root: Path) -> Journal:
    """Put back what there was before an update that is not committed; what that began with.

    Raises MlgitError where there is none.
    """
    found = pending(root)
    if found is None:
        raise MlgitError("no update is under way", "one that is committed is taken back by `git revert`")
    _put_back(root, found.journal)
    return found.journal


def _put_back(root: Path, journal: Journal) -> None:
    """The touched files, index and pristine render as they were; it can be done again after it was cut off itself."""
    git_folder = _git_folder(root)
    _unlock(git_folder / "index")
    there = _listed(root, journal.head, journal.touched)
    for path in set(journal.touched) - {*there}:
        _remove(root, path)
    rows = {
        each: "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
        for each, paths in (("touched", journal.touched), ("there", there))
    }
    named = ("--pathspec-from-file=-", "--pathspec-file-nul")
    git.run(root, "--literal-pathspecs", "reset", "--quiet", journal.head, *named, stdin=rows["touched"])
    git.run(root, "checkout-index", "--force", "--index", "-z", "--stdin", stdin=rows["there"])
    if journal.before:
        git.update_ref(root, state.REF, journal.before, reason="mlgit template abort")
    elif git.has_ref(root, state.REF):
        git.run(root, "update-ref", "-d", state.REF)
    files.remove(git_folder / _FOLDER)


def _rows(conflicts: Mapping[str, Mapping[int, Entry]], *, nothing: str) -> bytes:
    """What `update-index` is told: each path taken out, and entered again by its stages."""
    rows = [f"0 {nothing}\t{path}\0" for path in conflicts]
    rows += [f"{mode} {oid} {stage}\t{path}\0" for path, stages in conflicts.items() for stage, (mode, oid) in stages.items()]
    return "".join(rows).encode("utf-8", "surrogateescape")


@contextmanager
def _locked(index: Path) -> Iterator[None]:
    """Hold the lock that every Git process takes before it changes the index."""
    lock = index.with_name("index.lock")
    try:
        descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError as error:
        raise MlgitError(f"{lock}: another Git process is at work", "wait until it has ended, or remove the file") from error
    os.write(descriptor, _LOCK)
    os.close(descriptor)
    try:
        yield
    finally:
        _unlock(index)


def _unlock(index: Path) -> None:
    """Remove the lock of the index if it is ours."""
    lock = index.with_name("index.lock")
    with suppress(FileNotFoundError):
        if lock.read_bytes() == _LOCK:
            lock.unlink()


def _git_folder(root: Path) -> Path:
    """The folder of the repository, of this working tree's own where there are several."""
    own = root / ".git"
    return own if own.is_dir() else Path(git.line(root, "rev-parse", "--absolute-git-dir"))


def _listed(root: Path, commit: str, paths: tuple[str, ...]) -> list[str]:
    """Which of these paths a commit has."""
    wanted = set(paths)
    listed = git.run(root, "ls-tree", "-r", "-z", "--name-only", "--full-tree", commit).text.split("\0")
    return sorted(wanted & {*listed})


def _check_way(root: Path, touched: tuple[str, ...], *, known: set[str]) -> None:
    for path in touched:
        if path in known:
            continue
        above = [path[:end] for end, char in enumerate(path) if char == "/"]
        blocked = next((each for each in above if _is_no_folder(root / each) and each not in known), "")
        if blocked or os.path.lexists(root / path):
            raise MlgitError(
                f"{blocked or path}: in the way of a file of the template, and not in Git", "commit it, or move it"
            )


def _is_no_folder(path: Path) -> bool:
    return path.is_symlink() or (path.exists() and not path.is_dir())


def _remove(root: Path, path: str) -> None:
    """Remove a file, and the folders that it leaves empty; never through a link."""
    above = [root / path[:end] for end, char in enumerate(path) if char == "/"]
    if any(_is_no_folder(each) for each in above) or (root / path).is_dir():
        return
    (root / path).unlink(missing_ok=True)
    with suppress(OSError):
        for folder in reversed(above):
            folder.rmdir()
