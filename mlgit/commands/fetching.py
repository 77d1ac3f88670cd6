"""Brings what a comparison reads of one side from the DVC remote into the cache: a job that pulled has its own side only."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from mlgit.adapters.dvc import remote, settings
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.dvc.store import Cache
from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.pipeline import routes, sources
from mlgit.pipeline.load import load
from mlgit.project import Project
from mlgit.revision import recorded_paths
from mlgit.revision.refs import RevisionRef


def fetch(project: Project, point: RevisionRef, paths: Iterable[str]) -> str:
    """Fetch the files at these paths as a side has them recorded; why that did not work, '' where it did.

    Paths that Git has, that nobody recorded, or that are in the cache already, are passed over.
    """
    try:
        wanted, belonging = _recorded(project, point, [posixpath.normpath(path) for path in paths if path])
        cache = Cache(settings.load(project.dvc_folder))
        if all(cache.has_all(content.md5) for content in wanted.values()):
            return ""
        there = remote.connect(project.dvc_folder, cache, routes=belonging)
        if there is None:
            return ""
        lost = remote.bring(there, cache, wanted.values())
    except MlgitError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    names = [path for path, content in wanted.items() if content in lost]
    return f"the DVC remote does not have {', '.join(names)} of {point.name}" if names else ""


def results(project: Project, point: RevisionRef, config: Config | None) -> list[str]:
    """The paths of what a side measured: outputs that are metrics or plots, and what the models of its `config` declare."""
    source = sources.at(project.root, project.git_root, point.commit, prefix=project.prefix)
    outs = [out.target for stage in load(source).graph.stages for out in stage.outs if out.kind != "out"]
    models = config.models.values() if config else ()
    return list(dict.fromkeys([*outs, *(path for each in models for path in (each.metrics, each.predictions) if path)]))


def _recorded(project: Project, point: RevisionRef, paths: list[str]) -> tuple[dict[str, Content], routes.Routes]:
    """What is recorded of each path, or of the folder it lies in; and the remotes it belongs to."""
    source = sources.at(project.root, project.git_root, point.commit, prefix=project.prefix)
    pipeline = load(source)
    recorded, kept_by_git = recorded_paths.recorded(pipeline, source.document), recorded_paths.uncached(pipeline)
    found = {}
    for path in paths:
        above = [path, *(path[:end] for end, char in enumerate(path) if char == "/")]
        known = next((each for each in above if each in recorded and each not in kept_by_git), None)
        if known is not None and source.size(path) is None:
            found[path] = Content(*recorded[known])
    return found, routes.of(pipeline.graph, [(path, recorded[path].md5) for path in recorded])
