"""The files of a project as a commit has them, written out for a predictor that is a program of its own."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.pipeline.sources import CommitFiles
from mlgit.revision.revision import Revision

_LINK, _PROGRAM = "120000", "100755"


def write(revision: Revision, folder: Path) -> None:
    """Write the files of a commit into a new folder; links last, so that nothing is written through one.

    Links out of the project are left out. Raises MlgitError for names that Git would not check out.
    """
    source, names, links = _listed(revision)
    folder.mkdir()
    for name in names:
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place, "xb") as stream:
            stream.write(source.content(name) or b"")
        if source.tree[name][0] == _PROGRAM:
            place.chmod(0o755 & ~files.current_umask())
    for name, target in links.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(target)


def is_same(revision: Revision, folder: Path) -> bool:
    """Whether a folder holds these files and no others, as what was compiled of them, which Python would run in their place."""
    source, names, links = _listed(revision)
    if {*_below(folder)} != {*names, *links}:
        return False
    if any(not (folder / name).is_symlink() or os.readlink(folder / name) != target for name, target in links.items()):
        return False
    places = ((folder / name, source.content(name) or b"") for name in names)
    return all(not place.is_symlink() and place.is_file() and place.read_bytes() == content for place, content in places)


def _below(folder: Path) -> list[str]:
    """Everything below a folder that is no folder, links to folders included."""
    found = []
    for at, below, names in os.walk(folder):
        linked = [each for each in below if os.path.islink(os.path.join(at, each))]
        found += [os.path.relpath(os.path.join(at, each), folder) for each in (*names, *linked)]
    return found


def _listed(revision: Revision) -> tuple[CommitFiles, list[str], dict[str, str]]:
    """The commit's files, their names, and its links that stay in the project, with their targets."""
    source = revision.files
    assert isinstance(source, CommitFiles), "a release is of a commit"
    for name in source.tree:
        if any(part in ("", ".", "..", ".git") for part in name.split("/")):  # Git makes none, but an object can hold any
            raise MlgitError(f"'{name}': not a path that Git checks out", "`git fsck` tells more")
    source.fetch(list(source.tree))
    targets = {name: os.fsdecode(source.content(name) or b"") for name in sorted(source.tree) if source.tree[name][0] == _LINK}
    names = [name for name in sorted(source.tree) if name not in targets]
    return source, names, {name: target for name, target in targets.items() if _stays_inside(name, target)}


def _stays_inside(name: str, target: str) -> bool:
    end = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return not posixpath.isabs(target) and end != ".." and not end.startswith("../")
