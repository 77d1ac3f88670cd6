"""The versions that data had in Git's history, as far back as they are looked for."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from mlgit.adapters.git import git
from mlgit.errors import MlgitError
from mlgit.revision.revision import Revision
from mlgit.revision.revisions import Revisions

# A file that was written anew each day for a year has so many; of more, the newest are taken.
MOST_VERSIONS = 400
_MOST_COMMITS = 5000
_NAME_LENGTH = 10


@dataclass(frozen=True, slots=True)
class DataVersion:
    """Data as a commit has them first; `name` tells their content, and `is_last` that it is what is asked for."""

    name: str
    revision: Revision
    is_last: bool = False


def versions(revisions: Revisions, revision: Revision, paths: Collection[str]) -> tuple[DataVersion, ...]:
    """The different versions of data at these paths, from the oldest to that of the revision.

    Only the first parents of merges are followed: what a branch had before it was merged was nobody's data.
    """
    last = _name(revision, paths)
    found: dict[str, DataVersion] = {last: DataVersion(last, revision, is_last=True)}
    for commit in _commits(revisions, revision, paths):
        each = revisions.commit(commit)
        name = _name(each, paths)
        if name and name not in found:
            found[name] = DataVersion(name, each)
            if len(found) == MOST_VERSIONS:
                break
    return tuple(reversed(found.values()))


def _commits(revisions: Revisions, revision: Revision, paths: Collection[str]) -> Iterator[str]:
    """The commits, from the newest, that changed the files, or what records them."""
    start = revision.commit or revisions.head
    if not start:
        return
    prefix = revisions.project.prefix
    records = {each for path in paths for name in _and_above(path) for each in (name, f"{name}.dvc")}
    records |= {posixpath.join(posixpath.dirname(each), "dvc.lock") for each in revision.pipeline.locks} | {"dvc.lock"}
    pathspecs = [f":(literal){posixpath.join(prefix, each)}" for each in sorted(records)]
    listed = git.run(
        revisions.project.git_root,
        *("log", "--first-parent", f"--max-count={_MOST_COMMITS}", "--format=%H", start, "--", *pathspecs),
    )
    yield from listed.text.split()


def _and_above(path: str) -> list[str]:
    return [path, *(path[:end] for end, char in enumerate(path) if char == "/")]


def _name(revision: Revision, paths: Collection[str]) -> str:
    """What a version of the data is called: by its content; '' where a revision has not all of it."""
    try:
        digests = [revision.digest_or_none(path) for path in paths]
    except MlgitError:  # a pipeline that could not be read then is no reason to know nothing of others
        return ""
    if not all(digests):
        return ""
    told = "\n".join(each.md5 for each in digests if each)
    return told[:_NAME_LENGTH] if len(digests) == 1 else hashlib.sha256(told.encode()).hexdigest()[:_NAME_LENGTH]
