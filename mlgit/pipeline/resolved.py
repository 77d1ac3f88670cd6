"""The resolved pipeline kept between commands, so that YAML and templating cost only when a pipeline file changed.

What is kept is plain data (marshal, never pickle: a cloned repository must not be able to run code), valid for one
version of mlgit and for the very stamps of every file that was read and every folder that was searched.
"""

from __future__ import annotations

import marshal
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mlgit import __version__
from mlgit.adapters import files, stamps
from mlgit.adapters.stamps import Stamp
from mlgit.errors import MlgitError
from mlgit.pipeline import lock
from mlgit.pipeline.graph import Graph
from mlgit.pipeline.load import LockText, Pipeline
from mlgit.pipeline.model import Dependency, Output, Parameters, Stage

_NAME = ".dvc/tmp/mlgit/resolved"
_MISFITS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


def load(root: Path) -> tuple[Pipeline, list[str], dict[str, list[str]]] | None:
    """The kept pipeline, the files it was read from, the folders searched with `names`; None when it is outdated."""
    try:
        version, seen, body = marshal.loads((root / _NAME).read_bytes())  # noqa: S302 - own disposable file
        if version != __version__ or any(stamps.of(f"{root}/{path}") != stamp for path, stamp in seen[0]):
            return None
        if any(names(root, folder) != known for folder, known in seen[1]):
            return None
        return _unpacked(body), [path for path, _ in seen[0]], dict(seen[1])
    except (OSError, EOFError, MlgitError, *_MISFITS):  # gone, or not what `save` writes
        return None


def save(
    root: Path,
    pipeline: Pipeline,
    *,
    read: Iterable[str],
    searched: Mapping[str, list[str]],
    since: int,
    written: Mapping[str, Stamp | None],
) -> None:
    """Keep a pipeline that was loaded at the time `since`, with the stamps of what it rests on; see `is_as_read`.

    Nothing is kept when a file is too young for its stamp to be trusted, or holds a value that is not plain data.
    """
    now = time.time_ns()
    seen = [(path, stamps.of(f"{root}/{path}")) for path in sorted(read)]
    if any(stamp is not None and stamps.is_racy(stamp, now) for _, stamp in seen):
        return
    if not all(is_as_read(path, stamp, since=since, written=written) for path, stamp in seen):
        return
    try:
        content = marshal.dumps((__version__, (seen, list(searched.items())), _packed(pipeline)))
    except ValueError:
        return
    (root / _NAME).parent.mkdir(parents=True, exist_ok=True)
    files.write_atomic(root / _NAME, content, mode=0o600)


def is_as_read(path: str, stamp: Stamp | None, *, since: int, written: Mapping[str, Stamp | None]) -> bool:
    """Whether a file read at the time `since` is still what was read then: not newer, or `written` by this command."""
    if path in written:
        return stamp == written[path]
    return stamp is None or not stamps.is_racy(stamp, since)


def names(root: Path, folder: str) -> list[str]:
    """What could change which pipeline files there are: subfolders, pipeline files, ignore files with their stamps."""
    found = []
    for entry in (root / folder).iterdir():
        if entry.name in (".gitignore", ".dvcignore"):
            found.append(f"{entry.name}{stamps.of(str(entry))}")
        elif entry.name == "dvc.yaml" or entry.name.endswith(".dvc") or (entry.is_dir() and not entry.is_symlink()):
            found.append(entry.name)
    return sorted(found)


def _packed(pipeline: Pipeline) -> Any:
    graph = pipeline.graph
    entries = {address: lock.document(entry) for address, entry in pipeline.entries.items()}
    locks = {name: (text.head, dict(text.pieces), text.tail) for name, text in pipeline.locks.items()}
    return ([_stage(stage) for stage in graph.stages], graph.needs, graph.feeds, entries, sorted(pipeline.unreadable), locks)


def _stage(stage: Stage) -> Any:
    return (
        (stage.name, stage.file, stage.cmd, stage.wdir),
        [(dep.path, dep.target) for dep in stage.deps],
        [(params.path, params.target, params.keys) for params in stage.params],
        [(out.path, out.target, out.kind, out.cache, out.persist) for out in stage.outs],
        (stage.frozen, stage.always_changed, stage.desc, dict(stage.meta), stage.exotic),
    )


def _unpacked(body: Any) -> Pipeline:
    stages, needs, feeds, entries, unreadable, locks = body
    found = tuple(
        Stage(
            name=name,
            file=file,
            cmd=cmd,
            wdir=wdir,
            deps=tuple(Dependency(*row) for row in deps),
            params=tuple(Parameters(*row) for row in params),
            outs=tuple(Output(*row) for row in outs),
            frozen=frozen,
            always_changed=always_changed,
            desc=desc,
            meta=meta,
            exotic=exotic,
        )
        for (name, file, cmd, wdir), deps, params, outs, (frozen, always_changed, desc, meta, exotic) in stages
    )
    parsed = {address: lock.parse_entry(entry, name="", stage=address) for address, entry in entries.items()}
    return Pipeline(
        Graph(found, needs, feeds),
        {address: entry for address, entry in parsed.items() if entry is not None},
        frozenset(unreadable),
        {name: LockText(head, pieces, tail) for name, (head, pieces, tail) in locks.items()},
    )
