"""From one tree to the next, and back: index and files change together, and a process killed on the way loses nothing.

A journal in Git's own folder is written before the first file is touched, and says what there was. The files are written
with an index of our own, which takes the place of Git's by one rename; who finds a journal whose process has ended before
that rename puts back what there was. After it the journal stays until the next commit, for `mlgit template abort`.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlgit.adapters.git import git
from mlgit.adapters.git.merging import Entry
from mlgit.adapters.system import files, locks, process
from mlgit.errors import MlgitError
from mlgit.scaffold import pristine, state
from mlgit.scaffold.update import MergePlan

_FORMAT = 1
_FOLDER = "mlgit/template-update"
_SPARSE = "S"  # the tag of `git ls-files -v` for what a sparse checkout leaves out
_LOCK = b"mlgit template\n"  # what our lock of the index says, so that one left behind is known


@dataclass(frozen=True, slots=True)
class Journal:
    """What an update that is not committed yet began with.

    `what` is the update in words, `head` the commit, `before` and `after` the pristine render's commit ('' for none), `touched`
    are paths from the top of the repository.
    """

    what: str
    head: str
    before: str
    after: str
    touched: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A journal that is there, and whether its process ended before the index was replaced."""

    journal: Journal
    is_broken_off: bool


def pending(root: Path) -> Pending | None:
    """The update that was begun in this working tree and is not committed yet; None where there is none."""
    place = _git_folder(root) / _FOLDER
    try:
        journal = _parse(json.loads((place / "journal.json").read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    if journal is None or journal.head != git.head(root):
        return None  # committed since, or left behind by another commit
    is_broken_off = (place / "index").exists()
    return Pending(journal, is_broken_off) if is_broken_off or _is_there(root, journal) else None


def _parse(document: dict[str, Any]) -> Journal | None:
    if document.pop("format") != _FORMAT:
        return None
    return Journal(**{**document, "touched": tuple(document["touched"])})


def _is_there(root: Path, journal: Journal) -> bool:
    """Whether the update is in this working tree still: every one changes what the state file records.

    It may have been committed on another branch that began here, stashed, or thrown away by Git itself; what has been
    changed since is the user's own work then.
    """
    recorded = [path for path in journal.touched if path.rpartition("/")[2] == state.NAME]
    return bool(git.run(root, "--literal-pathspecs", "status", "--porcelain", "--", *recorded).text)


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


def switch(root: Path, plan: MergePlan, *, what: str, after: str) -> None:
    """Have the files of a plan in the working tree and the index, both clean until now, and `after` as pristine render.

    Conflicts are entered in the index as Git's own merges do. Raises MlgitError, before anything is touched, for a file in the
    way that Git does not know.
    """
    known = _tracked(root, plan.touched)
    _check_way(root, plan.written, known=known)
    _check_overlooked(root, known)
    git_folder = _git_folder(root)
    place, index, before = git_folder / _FOLDER, git_folder / "index", pristine.tip(root)
    journal = Journal(what, plan.head, before, after, plan.touched)
    files.remove(place)
    place.mkdir(parents=True)
    with _locked(index):
        (place / "index").write_bytes(index.read_bytes())
        files.write_atomic(place / "journal.json", json.dumps({"format": _FORMAT, **asdict(journal)}), durable=True)
        try:
            env = {"GIT_INDEX_FILE": str(place / "index")}
            # from where the user is: Git keeps that folder, even if it gets empty
            here = Path.cwd().resolve()
            named = {"GIT_DIR": str(git_folder), "GIT_WORK_TREE": str(root)}
            at = here if here.is_relative_to(root) else root
            git.run(at, "read-tree", "-m", "-u", plan.head, plan.tree, env=env | named)
            if plan.conflicts:
                left_out = _paths(path for path in plan.conflicts if known.get(path) == _SPARSE)
                git.run(root, "checkout-index", "--ignore-skip-worktree-bits", "-z", "--stdin", stdin=left_out, env=env)
                rows = _rows(plan.conflicts, nothing="0" * len(plan.tree))
                git.run(root, "update-index", "-z", "--index-info", stdin=rows, env=env)
            git.update_ref(root, state.REF, after, reason=what, expected=before)
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
    named = ("--pathspec-from-file=-", "--pathspec-file-nul")
    git.run(root, "--literal-pathspecs", "reset", "--quiet", journal.head, *named, stdin=_paths(journal.touched))
    there = _tracked(root, journal.touched)
    for path in journal.touched:
        if path not in there:
            _remove(root, path)
    shown = _paths(path for path, tag in there.items() if tag != _SPARSE)
    git.run(root, "checkout-index", "--force", "--index", "-z", "--stdin", stdin=shown)
    _take_back_render(root, journal)
    files.remove(git_folder / _FOLDER)


def _take_back_render(root: Path, journal: Journal) -> None:
    """Have the pristine render as it was, unless another clone or working tree has kept one more since."""
    if pristine.tip(root) != journal.after:
        return
    if journal.before:
        git.update_ref(root, state.REF, journal.before, reason="mlgit template abort", expected=journal.after)
    else:
        git.run(root, "update-ref", "-d", state.REF, journal.after)


def _paths(paths: Iterable[str]) -> bytes:
    return os.fsencode("".join(f"{path}\0" for path in paths))


def _rows(conflicts: Mapping[str, Mapping[int, Entry]], *, nothing: str) -> bytes:
    """What `update-index` is told: each path taken out, and entered again by its stages."""
    rows = [f"0 {nothing}\t{path}\0" for path in conflicts]
    rows += [f"{mode} {oid} {stage}\t{path}\0" for path, stages in conflicts.items() for stage, (mode, oid) in stages.items()]
    return os.fsencode("".join(rows))


@contextmanager
def _locked(index: Path) -> Iterator[None]:
    """Hold the lock that every Git process takes before it changes the index."""
    lock = index.with_name("index.lock")
    try:
        with process.undisturbed():
            descriptor = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            os.write(descriptor, _LOCK)
            os.close(descriptor)
    except FileExistsError as error:
        raise MlgitError(f"{lock}: another Git process is at work", "wait until it has ended, or remove the file") from error
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


def _tracked(root: Path, paths: tuple[str, ...]) -> dict[str, str]:
    """Which of these paths the index has, and what Git calls their state: `H`, `S` for one that no file is kept of, ..."""
    wanted = set(paths)
    rows = git.run(root, "ls-files", "-v", "-z").text.split("\0")
    return {row[2:]: row[0] for row in rows if row[2:] in wanted}


def _check_way(root: Path, written: Collection[str], *, known: Mapping[str, str]) -> None:
    """Refuse to write over, or through, what Git has no copy of. A folder is in no way if all in it is tracked, and goes."""
    for path in sorted({*written} - known.keys()):
        above = [path[:end] for end, char in enumerate(path) if char == "/"]
        blocked = next((each for each in above if _is_no_folder(root / each) and each not in known), "")
        if not blocked and (root / path).is_dir() and not (root / path).is_symlink():
            blocked = next(iter(_untracked_in(root, path)), "")
        elif not blocked and os.path.lexists(root / path):
            blocked = path
        if blocked:
            raise MlgitError(f"{blocked}: in the way of a file of the template, and not in Git", "commit it, or move it")


def _untracked_in(root: Path, folder: str) -> list[str]:
    """What is in a folder and not tracked, ignored or not; a repository of its own counts as a whole."""
    return git.run(root, "--literal-pathspecs", "ls-files", "--others", "-z", "--", folder).text.split("\0")[:-1]


def _check_overlooked(root: Path, known: Mapping[str, str]) -> None:
    """Refuse to touch a file whose changes Git was told to overlook: nobody would know what is lost."""
    for path, tag in known.items():
        if (tag == _SPARSE or tag.islower()) and os.path.lexists(root / path):
            raise MlgitError(
                f"{path}: Git is told to overlook what you change in it, and the template changes it, too",
                f"`git update-index --no-assume-unchanged --no-skip-worktree {shlex.quote(path)}`; then commit it",
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
