"""The large files of runs and logged models, to and from the project's DVC remote, where they have a folder of their own.

DVC knows nothing of that folder, so no `dvc gc` takes away what only runs need. Small files stand in Git.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from mlgit.adapters.dvc import remote as remotes
from mlgit.adapters.dvc.remote import RemoteUnreachableError, Store
from mlgit.adapters.git import shared_refs
from mlgit.errors import MlgitError
from mlgit.experiments.record_refs import Repository
from mlgit.experiments.run import MODELS, RUNS
from mlgit.experiments.run_artifacts import FileContents, in_commit
from mlgit.experiments.run_codec import LoggedFiles
from mlgit.render.text import count, few

FOLDER = "mlgit"  # of a remote


class MovedFiles(NamedTuple):
    """How many contents were sent or brought, or would be, their bytes, and what to know about the others."""

    n_files: int = 0
    n_bytes: int = 0
    notes: tuple[str, ...] = ()


def send(
    root: Path, dvc_folder: Path, *, refs: Collection[str] | None = None, remote: str = "", dry_run: bool = False
) -> MovedFiles:
    """Send the files of runs and logged models that the DVC remote lacks: of all, or of those of these refs.

    Raises MlgitError where the remote cannot be asked; files that this clone does not have are noted.
    """
    contents = FileContents(Repository(root))
    sizes = _large(contents, root, refs)
    here = {md5: size for md5, size in sizes.items() if contents.has(md5)}
    if not here:
        return MovedFiles()
    there = remotes.open_folder(dvc_folder, contents, below=FOLDER, name=remote)
    if there is None:
        told = f"{count(len(here), 'file')} of runs stay in this clone: there is no DVC remote for them"
        return MovedFiles(notes=(f"{told}; `mlgit remote add -d NAME URL` names one",))
    if not dry_run:
        there.make()
    lacking = set(here) - _whole(there, here, is_new=dry_run)
    if lacking and not dry_run:
        there.push(lacking)
        left = lacking - there.whole(lacking)
        if left:
            raise MlgitError(f"{count(len(left), 'file')} of runs did not arrive, such as {min(left)}", "push again")
    return MovedFiles(len(lacking), sum(here[md5] for md5 in lacking))


def bring(root: Path, dvc_folder: Path, *, refs: Collection[str] | None = None, remote: str = "") -> MovedFiles:
    """Bring the files of runs and logged models that this clone lacks: of all, or of those of these refs.

    Raises MlgitError where the remote cannot be asked; files that it does not have are noted.
    """
    contents = FileContents(Repository(root))
    lacking = {md5: size for md5, size in _large(contents, root, refs).items() if not contents.has(md5)}
    if not lacking:
        return MovedFiles()
    there = remotes.open_folder(dvc_folder, contents, below=FOLDER, name=remote)
    if there is None:
        raise MlgitError(
            f"no DVC remote to fetch {count(len(lacking), 'file')} of runs from", "`mlgit remote add -d NAME URL` names one"
        )
    gone = there.fetch(lacking)
    notes = (f"the DVC remote does not have {few(sorted(gone))}: `mlgit push` where they were logged",) if gone else ()
    brought = lacking.keys() - set(gone)
    return MovedFiles(len(brought), sum(lacking[md5] for md5 in brought), notes)


def _large(contents: FileContents, root: Path, refs: Collection[str] | None) -> dict[str, int]:
    """The contents that do not stand in Git, with their bytes."""
    here = shared_refs.listed(root, (RUNS, MODELS))
    commits = [oid for ref, oid in here.items() if refs is None or ref in refs]
    found: dict[str, int] = {}
    for listed in contents.listed_by(commits).values():
        found |= _outside(listed)
    return found


def _outside(listed: LoggedFiles) -> Mapping[str, int]:
    inside = set(in_commit(listed))
    return {md5: size for path, (size, md5) in listed.items() if path not in inside}


def _whole(there: Store, md5s: Iterable[str], *, is_new: bool) -> set[str]:
    """Those that are there as a whole; none in a remote that may be new, and was not made yet."""
    try:
        return there.whole(md5s)
    except RemoteUnreachableError:
        if is_new:
            return set()
        raise
