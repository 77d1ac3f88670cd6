"""Brings what a comparison reads of one side from the DVC remote into the cache: a job that pulled has its own side only."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from mlgit.adapters.dvc import remote
from mlgit.adapters.dvc.hashing import Content
from mlgit.errors import MlgitError
from mlgit.model_settings import is_pattern
from mlgit.pipeline import routes
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision


def fetch(revision: Revision, paths: Iterable[str]) -> str:
    """Fetch the files at these paths as a revision has them recorded; why that did not work, '' where it did.

    Paths that Git has, that nobody recorded, or that are in the cache already, are passed over.
    """
    cache = revision.cache
    try:
        wanted, belonging = _recorded(revision, [posixpath.normpath(path) for path in paths if path])
        if all(cache.has_all(content.md5) for content in wanted.values()):
            return ""
        there = remote.connect(revision.project.dvc_folder, cache, routes=belonging)
        if there is None:
            return ""
        lost = remote.bring(there, cache, wanted.values())
    except MlgitError as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    names = [path for path, content in wanted.items() if content in lost]
    return f"the DVC remote does not have {', '.join(names)} of {revision.ref.name}" if names else ""


def results(revision: Revision) -> list[str]:
    """The paths of what a revision measured: outputs that are metrics or plots, and what its models declare."""
    outs = [out.target for stage in revision.pipeline.graph.stages for out in stage.outs if out.kind != "out"]
    models = [each for model in revision.config.models.values() for each in (model, *model.tests)]
    declared = (path for each in models for path in (each.metrics, *each.declared_predictions) if path)
    return list(dict.fromkeys([*outs, *declared]))


def _recorded(revision: Revision, paths: list[str]) -> tuple[dict[str, Content], routes.Routes]:
    """What is recorded of each path, or of the folder it lies in; and the remotes it belongs to."""
    recorded = revision.recorded
    cached = recorded.keys() - revision.uncached
    absent = [path for path in paths if revision.files.size(path) is None]
    matching = [(path, known) for path in absent for known in recorded_paths.matching(cached, path)]
    found = {known if is_pattern(path) else path: recorded[known] for path, known in matching}
    return found, routes.of(revision.pipeline.graph, [(path, content.md5) for path, content in recorded.items()])
