"""Where the bytes behind a version are: in the commit, the cache, the workspace, the DVC remote, or nowhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mlgit.adapters.dvc import remote
from mlgit.adapters.dvc.hashing import file_md5
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.modelscan import modelfile
from mlgit.errors import MlgitError
from mlgit.project import Project
from mlgit.registry.audit import Place
from mlgit.registry.facts import Facts
from mlgit.revision.revision import Revision

LARGEST_READ = 64 << 20


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """By path, where bytes are. Of what is `unknown` or `damaged`, `trouble` says why, and what to do.

    What is `unknown` could not be asked for; what is `damaged` lies at the remote, and is not what it was. `has_remote`:
    there is one to ask.
    """

    places: Mapping[str, Place] = field(default_factory=dict)
    trouble: MlgitError | None = None
    has_remote: bool = True

    def fault(self, path: str) -> str:
        """Why the bytes of a path cannot be had; '' where they can. Raises the trouble where nobody could say."""
        place = self.places.get(path, "gone")
        if place == "unknown" and self.trouble:
            raise self.trouble
        if place == "damaged" and self.trouble:
            return self.trouble.message
        if place not in ("gone", "damaged", "unknown"):
            return ""
        last = ", nor in the DVC remote" if self.has_remote else ", and there is no DVC remote"
        return f"neither in Git, nor in the cache{last}"


def find(revision: Revision, facts: Facts) -> Whereabouts:
    """Where the bytes of the model, its data and its predictions are; see `look`."""
    data = [*facts.data, *facts.prediction_files]
    files = {facts.model.path: (facts.model.md5, facts.model.size)} | {each.path: (each.md5, each.size) for each in data}
    return look(revision, files)


def look(revision: Revision, files: Mapping[str, tuple[str, int | None]], *, read: bool = False) -> Whereabouts:
    """Where the bytes of files are that a revision records, given by path with md5 and size.

    A remote is asked only for what is not here, and by what it tells of size and md5; of the cache, single files up to
    LARGEST_READ bytes are read. With `read`, all is.
    """
    wanted = {path: md5 for path, (md5, _) in files.items()}
    cache = revision.cache
    found: dict[str, Place] = {}
    for path, md5 in wanted.items():
        if revision.has(path):
            found[path] = "git"
        elif md5 and cache.has_all(md5) and _is_sound(cache, md5, read=read):
            found[path] = "cache"
    lost = {path: each for path, each in files.items() if path not in found}
    far = _elsewhere(revision, lost, read=read)
    return replace(far, places=found | dict(far.places))


def _is_sound(cache: Cache, md5: str, *, read: bool) -> bool:
    """Whether an object is what its name says; large ones, and those of folders, are believed to be unless all is read."""
    if not md5.endswith(".dir"):
        path = cache.path(md5)
        return (not read and os.stat(path).st_size > LARGEST_READ) or file_md5(path) == md5
    return not read or all(file_md5(cache.path(member.md5)) == member.md5 for member in cache.members(md5) or ())


def _elsewhere(revision: Revision, files: Mapping[str, tuple[str, int | None]], *, read: bool) -> Whereabouts:
    known = {path: md5 for path, (md5, _) in files.items() if md5}
    found: dict[str, Place] = dict.fromkeys(files, "gone")
    trouble: MlgitError | None = None
    has_remote = True
    try:
        there = _connect(revision, known) if known else None
        has_remote = there is not None
        if there is not None:
            examined = there.examine({md5: size for md5, size in files.values() if md5}, read=read)
            trouble = next(iter(examined.damaged.values()), None)
            for path, md5 in known.items():
                found[path] = "damaged" if md5 in examined.damaged else "gone" if md5 in examined.gone else "remote"
    except MlgitError as error:
        trouble = error
        found |= dict.fromkeys(known, "unknown")
    for path, md5 in known.items():
        if found[path] != "remote" and _lies(revision.project, path, md5):
            found[path] = "workspace"
    return Whereabouts(found, trouble if {"unknown", "damaged"} & set(found.values()) else None, has_remote)


def _connect(revision: Revision, known: Mapping[str, str]) -> remote.Remote | None:
    return remote.connect(revision.project.dvc_folder, revision.cache, routes=revision.routes(known.items()))


def _lies(project: Project, path: str, md5: str) -> bool:
    try:
        return modelfile.identify(project.root / path)[0] == md5
    except MlgitError:
        return False
