"""What a pipeline's files say about the paths to compare: which hold metrics and parameters, which content is recorded."""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from mlgit.errors import MlgitError
from mlgit.model_settings import is_pattern
from mlgit.pipeline import params
from mlgit.pipeline.graph import Pipeline
from mlgit.pipeline.lineage import and_above
from mlgit.pipeline.lock import known_items
from mlgit.pipeline.model import Digest, Entry, Stage
from mlgit.pipeline.status import Observed, reasons

PARAMETERS = "params.yaml"
# What stages read as programs: it is in the commit, and no data.
_CODE = {".py", ".ipynb", ".sh", ".bash", ".r", ".jl", ".sql", ".java", ".scala", ".c", ".cpp", ".rs", ".go", ".js", ".ts"}
# What pins the environment of stages: no data either.
_PINS = (
    *("requirements*.txt", "constraints*.txt", "*.lock", "pyproject.toml", "Pipfile", "setup.cfg", "conda-lock.yml"),
    *("environment.yml", "environment.yaml", "Dockerfile", ".python-version"),
)


def is_program(path: str) -> bool:
    """Whether a file is, by its ending, one that stages run."""
    return posixpath.splitext(path)[1].lower() in _CODE


def pins(path: str) -> bool:
    """Whether a file, by its name, pins what the stages run with."""
    name = posixpath.basename(path)
    return name != "dvc.lock" and any(fnmatch.fnmatchcase(name, pattern) for pattern in _PINS)


def is_inside(path: str) -> bool:
    """Whether a path is one of the project: not absolute, not above its root, no URL, nothing left to resolve."""
    return bool(path) and not path.startswith(("/", "../", "~")) and path != ".." and "://" not in path and "${" not in path


def pipeline_files(pipeline: Pipeline) -> list[str]:
    """The dvc.yaml files of a pipeline, those without stages too."""
    return [path.removesuffix(".lock") + ".yaml" for path in pipeline.locks]


def metric_files(pipeline: Pipeline, listed: Mapping[str, Any]) -> list[str]:
    """The files and folders of metrics: outputs of stages, and those at the top of dvc.yaml files (`listed`, parsed)."""
    outputs = [out.target for stage in pipeline.graph.stages for out in stage.outs if out.kind == "metric"]
    return list(dict.fromkeys([*outputs, *_named(listed, "metrics")]))


def parameter_files(pipeline: Pipeline, listed: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The keys that are read of every parameter file; none for a file that counts as a whole, as params.yaml does."""
    read = [*_variables(listed), *((each.target, each.keys) for stage in pipeline.graph.stages for each in stage.params)]
    whole = {PARAMETERS, *_named(listed, "params"), *(path for path, keys in read if not keys)}
    keys_of: dict[str, list[str]] = {PARAMETERS: [], **{path: [] for path in _named(listed, "params")}}
    for path, keys in read:
        keys_of.setdefault(path, []).extend(keys)
    return {path: () if path in whole else tuple(dict.fromkeys(keys)) for path, keys in keys_of.items()}


def _named(listed: Mapping[str, Any], key: str) -> list[str]:
    return [_target(file, str(path)) for file, document in listed.items() for path in document.get(key) or ()]


def _target(file: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(file), path))


def _variables(listed: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The files under `vars:`, each with the keys taken of it (`file.yaml:a,b`)."""
    for file, document in listed.items():
        for row in document.get("vars") or ():
            if isinstance(row, str):
                path, _, keys = row.partition(":")
                yield _target(file, path), tuple(key.strip() for key in keys.split(",") if key.strip())


def recorded(pipeline: Pipeline, document: Callable[[str], Any]) -> dict[str, Digest]:
    """The recorded content of every output by path; `document` gives the parsed .dvc files of imports."""
    found: dict[str, Digest] = {}
    for stage in pipeline.graph.stages:
        items = _entry(pipeline, stage).outs
        if stage.is_source and not items:
            items = tuple(known_items(document(stage.file).get("outs") or ()))
        digests = {item.path: item.digest for item in items}
        found |= {out.target: digests[out.path] for out in stage.outs if out.path in digests}
    return found


def covering(recorded: Collection[str], path: str) -> str:
    """The recorded path that is this one, or a folder that holds it; '' for none: a file below an output is like any other."""
    return next((each for each in and_above(path) if each in recorded), "")


def matching(recorded: Collection[str], declared: str) -> list[str]:
    """The recorded paths that a declared one stands for: `covering` it, or of a pattern, those it matches and folders that may
    hold such files."""
    if found := covering(recorded, declared):
        return [found]
    if not is_pattern(declared):
        return []
    parts = declared.split("/")
    return [each for each in recorded if _is_like(each.split("/"), parts)]


def _is_like(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    return len(parts) <= len(pattern) and all(map(fnmatch.fnmatchcase, parts, pattern))


def _entry(pipeline: Pipeline, stage: Stage) -> Entry:
    return pipeline.entries.get(stage.address) or pipeline.foreign.get(stage.address) or Entry("")


def uncached(pipeline: Pipeline) -> frozenset[str]:
    """The outputs that DVC leaves to Git."""
    return frozenset(out.target for stage in pipeline.graph.stages for out in stage.outs if not out.cache)


def is_opaque(pipeline: Pipeline, stage: Stage) -> bool:
    """Whether only DVC understands what is recorded of a stage's outputs."""
    return stage.address in pipeline.foreign or (stage.is_source and bool(stage.exotic))


class DigestOf(Protocol):
    """Tells what a path holds; `read_by` is what the lock of a stage that reads it says, for a path that is not known."""

    def __call__(self, path: str, *, read_by: Digest | None = None) -> Digest | None: ...


def dependencies(pipeline: Pipeline, stage: Stage, digest: DigestOf) -> dict[str, Digest | None]:
    """The content of everything that a stage reads, by path."""
    recorded = {item.path: item.digest for item in _entry(pipeline, stage).deps}
    return {dep.target: digest(dep.target, read_by=recorded.get(dep.path)) for dep in stage.deps}


def is_stale(pipeline: Pipeline, stage: Stage, *, digest: DigestOf, document: Callable[[str], Any]) -> bool:
    """Whether what is recorded of a stage does not belong to what is declared; `document` gives parsed parameter files."""
    if stage.is_source or stage.exotic or stage.address in pipeline.foreign:
        return False
    values: dict[str, Mapping[str, Any] | None] = {}
    for each in stage.params:
        with suppress(MlgitError):
            found = document(each.target)
            values[each.path] = None if found is None else params.pick(found, each)
    digests = dependencies(pipeline, stage, digest)
    seen = Observed(
        deps={dep.path: digests[dep.target] for dep in stage.deps},
        params=values,
        outs={out.path: digest(out.target) for out in stage.outs},
    )
    return any(reason.kind != "always" for reason in reasons(stage, pipeline.entries.get(stage.address), seen))
