"""Which DVC remotes the content of a pipeline belongs to: an output may name one of its own (DVC's `remote:`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mlgit.pipeline.graph import Graph, Pipeline
from mlgit.pipeline.lineage import and_above
from mlgit.pipeline.model import NOTHING


class Routes(NamedTuple):
    """The remotes that outputs name, and by md5 those that an object belongs to ('': the default)."""

    names: tuple[str, ...] = ()
    by_md5: Mapping[str, tuple[str, ...]] = NOTHING


def of(graph: Graph, contents: Iterable[tuple[str, str]]) -> Routes:
    """The routes of contents, given as (path from the root, md5). What lies inside an output belongs where the output does."""
    own = {out.target: out.remote for stage in graph.stages for out in stage.outs if out.remote and out.cache}
    if not own:
        return Routes()
    found: dict[str, dict[str, None]] = {}
    for path, md5 in contents:
        name = next((own[each] for each in and_above(path) if each in own), "")
        found.setdefault(md5, {})[name] = None
    return Routes(tuple(dict.fromkeys(own.values())), {md5: tuple(names) for md5, names in found.items()})


def recorded(pipeline: Pipeline) -> Routes:
    """The routes of everything that a pipeline's locks and .dvc files record of what stages read and write."""
    if not pipeline.names_remotes:
        return Routes()
    contents = []
    for stage in pipeline.graph.stages:
        entry = pipeline.entries.get(stage.address) or pipeline.foreign.get(stage.address)
        if entry is not None:
            targets = {dep.path: dep.target for dep in stage.deps} | {out.path: out.target for out in stage.outs}
            items = [item for item in (*entry.deps, *entry.outs) if item.path in targets]
            contents += [(targets[item.path], item.digest.md5) for item in items]
    return of(pipeline.graph, contents)
