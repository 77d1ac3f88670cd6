"""The files of data of a revision, as files of this machine: those of the workspace and of the cache where they lie.

What Git alone has is written into a folder that is gone afterwards.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision

_CHUNK = 1 << 20


@contextmanager
def placed(revision: Revision, path: str) -> Iterator[list[tuple[str, str]]]:
    """Each file of data, or below a folder of parts, as (where it lies, what it is called), in the order of their names.

    Raises MlgitError where there is none, for what Git and DVC both have, and for what is not in the cache or damaged there.
    """
    if not recorded_paths.is_inside(path):
        raise MlgitError(f"{path}: not in the project")
    contents = revision.contents
    if twice := contents.twice(path):
        hint = f"take it out of one of them: `git rm -r --cached {shlex.quote(twice)}`"
        raise MlgitError(f"{twice}: in Git, and recorded by DVC too", hint)
    with files.temporary_folder("data") as folder:
        found = []
        for index, each in enumerate(sorted(contents.files(path))):
            if each != path and posixpath.basename(each).startswith("."):
                continue
            place = contents.place(each)
            if place is None:
                stream = contents.stream(each)
                if stream is None:
                    raise MlgitError(f"{each}: no such file", "`mlgit run` or `dvc pull` brings it")
                place = str(folder / str(index))
                with stream, open(place, "wb") as copy:
                    while chunk := stream.read(_CHUNK):
                        copy.write(chunk)
            found.append((place, each))
        yield found
