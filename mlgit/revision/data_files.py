"""The files of data of a revision, as files of this machine: those of the workspace and of the cache where they lie.

What Git alone has is written into a folder that is gone afterwards.
"""

from __future__ import annotations

import os
import posixpath
import re
import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from mlgit.adapters.dvc import settings
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision

_CHUNK = 1 << 20
# Where DVC keeps an object below its cache. `cache.dir` comes with a commit, so the folder alone says nothing.
_OBJECT = re.compile(r"(?:files/md5/)?[0-9a-f]{2}/[0-9a-f]{30}")


def astray(project: Project, paths: Iterable[str]) -> str:
    """The first of some paths below the project that is a link out of it, and not to an object of DVC's cache, wherever that
    is; '' where there is none. Whoever proposes a change writes links, and must not read this machine's files with them.
    """
    cache = ""
    for path in paths:
        full = project.root / path
        if files.leads_out(full, of=project.root):
            cache = cache or os.path.realpath(settings.load(project.dvc_folder).cache_folder)
            if not _OBJECT.fullmatch(os.path.relpath(os.path.realpath(full), cache)):
                return path
    return ""


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
