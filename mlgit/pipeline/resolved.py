"""The resolved pipeline kept between commands, so that YAML and templating cost only when a pipeline file changed.

What is kept is plain data under this user's seal (see `adapters.system.state_files`), valid for one version of mlgit and
for the very stamps of every file that was read and every folder that was searched.
"""

from __future__ import annotations

import hashlib
import marshal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlgit import __version__
from mlgit.adapters.system import stat_signature, state_files
from mlgit.adapters.system.stat_signature import Stamp
from mlgit.pipeline import searched
from mlgit.pipeline.graph import Graph, Pipeline
from mlgit.pipeline.lock import LockText
from mlgit.pipeline.model import Dependency, Digest, Entry, Item, Output, Parameters, Stage

_NAME = ".dvc/tmp/mlgit/resolved"
_MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def load(root: Path) -> tuple[Pipeline, list[str], dict[str, list[str]]] | None:
    """The kept pipeline, the files it was read from, the folders with their `searched.names`; None when it is outdated."""
    note = state_files.read(f"{root}/{_NAME}")
    if note is None:
        return None
    try:
        version, seen, body = marshal.loads(note)  # noqa: S302 - sealed
        if version != __version__ or any(stat_signature.of(f"{root}/{path}") != stamp for path, stamp, _ in seen[0]):
            return None
        if any(_digest(f"{root}/{path}") != digest for path, _, digest in seen[0] if digest):
            return None
        if any(searched.names(f"{root}/{folder}") != known for folder, known in seen[1]):
            return None
        return _unpacked(body), [path for path, _, _ in seen[0]], dict(seen[1])
    except (OSError, EOFError, *_MISFITS):  # gone, or not what `save` writes
        return None


def save(
    root: Path,
    pipeline: Pipeline,
    *,
    read: Iterable[str],
    folders: Mapping[str, list[str]],
    since: int,
    written: Mapping[str, Stamp | None],
) -> None:
    """Keep a pipeline that was loaded at the time `since`, with the stamps of what it rests on; see `is_as_read`.

    `folders` are those that were searched, with their `searched.names`.
    Of a file that is too young for its stamp to be trusted, the content is taken as well. Nothing is kept when a file holds
    a value that is not plain data.
    """
    now = time.time_ns()
    found = [(path, stat_signature.of(f"{root}/{path}")) for path in sorted(read)]
    if not all(is_as_read(path, stamp, since=since, written=written) for path, stamp in found):
        return
    young = {path for path, stamp in found if stamp is not None and stat_signature.is_racy(stamp, now)}
    seen = [(path, stamp, _digest(f"{root}/{path}") if path in young else b"") for path, stamp in found]
    try:
        content = marshal.dumps((__version__, (seen, list(folders.items())), _packed(pipeline)))
    except ValueError:
        return
    state_files.write(f"{root}/{_NAME}", content)


def _digest(path: str) -> bytes:
    with open(path, "rb") as stream:
        return hashlib.md5(stream.read(), usedforsecurity=False).digest()


def is_as_read(path: str, stamp: Stamp | None, *, since: int, written: Mapping[str, Stamp | None]) -> bool:
    """Whether a file read at the time `since` is still what was read then: not newer, or `written` by this command."""
    if path in written:
        return stamp == written[path]
    return stamp is None or not stat_signature.is_racy(stamp, since)


def _packed(pipeline: Pipeline) -> Any:
    graph = pipeline.graph
    entries, foreign = (
        {address: _entry(entry) for address, entry in each.items()} for each in (pipeline.entries, pipeline.foreign)
    )
    locks = {name: (text.head, dict(text.pieces), text.tail, text.whole) for name, text in pipeline.locks.items()}
    return ([_stage(stage) for stage in graph.stages], graph.needs, graph.feeds, entries, foreign, locks)


def _stage(stage: Stage) -> Any:
    rows = [tuple(map(tuple, each)) for each in (stage.deps, stage.params, stage.outs)]
    return (*stage[:4], *rows, *stage[7:10], dict(stage.meta), stage.exotic)


def _entry(entry: Entry) -> Any:
    deps, outs = (tuple((item.path, tuple(item.digest)) for item in items) for items in (entry.deps, entry.outs))
    return (entry.cmd, deps, {path: dict(values) for path, values in entry.params.items()}, outs)


def _unpacked(body: Any) -> Pipeline:
    stages, needs, feeds, entries, foreign, locks = body
    dependency, parameters, output = Dependency._make, Parameters._make, Output._make
    found = tuple(
        [
            Stage._make(
                (*row[:4], tuple(map(dependency, row[4])), tuple(map(parameters, row[5])), tuple(map(output, row[6])), *row[7:])
            )
            for row in stages
        ]
    )
    return Pipeline(
        Graph(found, needs, feeds),
        _entries(entries),
        _entries(foreign),
        {name: LockText._make(row) for name, row in locks.items()},
    )


def _entries(rows: Any) -> dict[str, Entry]:
    digest = Digest._make
    return {
        address: Entry(
            cmd,
            tuple([Item(path, digest(each)) for path, each in deps]),
            params,
            tuple([Item(path, digest(each)) for path, each in outs]),
        )
        for address, (cmd, deps, params, outs) in rows.items()
    }
