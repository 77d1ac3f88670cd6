"""Where the bytes behind a version are: in the commit, the cache, the workspace, the DVC remote, or nowhere."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from mlgit.adapters import modelfile, remote, settings, sources
from mlgit.adapters.hashing import file_md5
from mlgit.adapters.store import Cache
from mlgit.errors import MlgitError
from mlgit.pipeline import routes
from mlgit.project import Project
from mlgit.registry.audit import Place
from mlgit.registry.facts import Facts

LARGEST_READ = 64 << 20


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """By path, where bytes are. Of what is `unknown`, `trouble` says why: the remote did not answer, and what to do."""

    places: Mapping[str, Place] = field(default_factory=dict)
    trouble: MlgitError | None = None

    def are_lost(self, path: str) -> bool:
        """Whether the bytes of a path are nowhere. Raises the trouble where nobody could say."""
        place = self.places.get(path, "gone")
        if place == "unknown" and self.trouble:
            raise self.trouble
        return place in ("gone", "unknown")


def find(project: Project, facts: Facts) -> Whereabouts:
    """Where the bytes of the model, its data and its predictions are; a remote is asked only for what is not here.

    A remote is asked by name, so what it has is not read; of the cache, single files up to LARGEST_READ bytes are.
    """
    wanted = {facts.model.path: facts.model.md5, **{each.path: each.md5 for each in facts.data}}
    if facts.predictions:
        wanted[facts.predictions.path] = facts.predictions.md5
    source = sources.Revision(project.git_root, facts.commit, prefix=project.prefix)
    cache = Cache(settings.load(project.dvc_folder))
    found: dict[str, Place] = {}
    for path, md5 in wanted.items():
        if source.size(path) is not None or source.below(path):
            found[path] = "git"
        elif md5 and cache.has_all(md5) and _is_sound(cache, md5):
            found[path] = "cache"
    lost = {path: md5 for path, md5 in wanted.items() if path not in found}
    far = _elsewhere(project, source, cache, lost)
    return Whereabouts(found | dict(far.places), far.trouble)


def _is_sound(cache: Cache, md5: str) -> bool:
    """Whether an object is what its name says; large ones, and those of folders, are believed to be."""
    path = cache.path(md5)
    return md5.endswith(".dir") or os.stat(path).st_size > LARGEST_READ or file_md5(path) == md5


def _elsewhere(project: Project, source: sources.Revision, cache: Cache, wanted: Mapping[str, str]) -> Whereabouts:
    known = {path: md5 for path, md5 in wanted.items() if md5}
    found: dict[str, Place] = dict.fromkeys(wanted, "gone")
    trouble: MlgitError | None = None
    try:
        lacking = set(_lacking(project, source, cache, known)) if known else set()
        found |= {path: "remote" for path, md5 in known.items() if md5 not in lacking}
    except MlgitError as error:
        trouble = error
        found |= dict.fromkeys(known, "unknown")
    for path, md5 in known.items():
        if found[path] != "remote" and _lies(project, path, md5):
            found[path] = "workspace"
    return Whereabouts(found, trouble)


def _lacking(project: Project, source: sources.Revision, cache: Cache, wanted: Mapping[str, str]) -> list[str]:
    there = remote.connect(project.dvc_folder, cache, routes=routes.at(source, wanted.items()))
    return list(wanted.values()) if there is None else there.lacking(wanted.values())


def _lies(project: Project, path: str, md5: str) -> bool:
    try:
        return modelfile.identify(project.root / path)[0] == md5
    except MlgitError:
        return False
