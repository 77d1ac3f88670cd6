"""Makes a version again in a worktree of its own, with a cache of its own, and compares what came out.

The user's workspace, cache and lock are not touched: data is copied out of the cache by digest, or fetched from the remote
beside it, and what the stages make stays in a folder that is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlgit.adapters.dvc import worktree
from mlgit.adapters.dvc.hashing import Content
from mlgit.adapters.formats import documents
from mlgit.adapters.modelscan import modelfile
from mlgit.errors import MlgitError
from mlgit.registry.facts import Facts
from mlgit.revision import recorded_paths
from mlgit.revision.revision import Revision
from mlgit.revision.values import metric_values

Outcome = Literal["identical", "equal metrics", "different", "failed"]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What came of making a version again; `differing` tells line by line what is not as recorded.

    `folder` is where it was made, '' when that is gone.
    """

    outcome: Outcome
    md5: str = ""
    sha256: str = ""
    differing: tuple[str, ...] = ()
    folder: str = ""


def rebuild(revision: Revision, facts: Facts, *, keep: bool = False) -> Rebuilt:
    """Make a model again from its commit, and compare: bytes first, then metrics.

    Raises MlgitError when it cannot be tried: nothing makes the model, or its raw data is nowhere.
    """
    if not facts.steps:
        raise MlgitError(f"no stage makes '{facts.model.path}', so it cannot be made again")
    project = revision.project
    opened = worktree.opened(project.git_root, facts.commit, prefix=project.prefix, label="reproduce", keep=keep)
    with opened as (folder, root):
        _bring_sources(revision, facts, root, folder / "fetched")
        failures = worktree.run(root, _targets(facts))
        kept = str(root) if keep else ""
        return Rebuilt("failed", differing=failures, folder=kept) if failures else _compare(facts, root, kept)


def _targets(facts: Facts) -> tuple[str, ...]:
    """What is made again: the model, and what tells how good it is: its metrics, or where no file has them, its predictions."""
    told = [facts.metrics_file] if facts.metrics_file else [each.path for each in facts.prediction_files]
    return tuple(dict.fromkeys([facts.model.path, *told]))


def _bring_sources(revision: Revision, facts: Facts, root: Path, fetched: Path) -> None:
    """Put what no stage makes and Git does not hold into the worktree: from the cache, else from the remote."""
    wanted = {each.path: Content(each.md5, each.size or 0, each.n_files) for each in facts.with_role("source")}
    wanted = _tracked(revision, facts) | wanted
    parts = [path for path in wanted if any(path.startswith(f"{other}/") for other in wanted)]
    belonging = revision.routes([(path, content.md5) for path, content in wanted.items()])
    for path, content in wanted.items():
        if not recorded_paths.is_inside(path):
            continue  # the stages read it where it lies; nothing is ever written there
        if path not in parts and not revision.has(path):
            hint = "`mlgit push` where the data still is"
            worktree.bring(
                revision.project.dvc_folder,
                content,
                path,
                root / path,
                routes=belonging,
                aside=fetched,
                lost="the model cannot be made again",
                hint=hint,
            )


def _tracked(revision: Revision, facts: Facts) -> dict[str, Content]:
    """The outputs of .dvc files on the way to model and metrics."""
    stages = revision.makers.upstream(_targets(facts))
    targets = [out.target for stage in stages if stage.is_source for out in stage.outs]
    return {path: revision.recorded[path] for path in targets if path in revision.recorded}


def _compare(facts: Facts, root: Path, kept: str) -> Rebuilt:
    md5, sha256, _ = modelfile.identify(root / facts.model.path)
    if md5 == facts.model.md5:
        return Rebuilt("identical", md5, sha256, folder=kept)
    metrics = _metrics(root, facts.metrics_file)
    rows = [f"{name}: {_shown(facts.metrics, name)} → {_shown(metrics, name)}" for name in sorted({*metrics, *facts.metrics})]
    changed = [row for row in rows if not _is_same(row)]
    outs = {path: recorded for step in facts.steps for path, recorded in step.outs.items()}
    differing = [f"{path}: other content than recorded" for path, recorded in outs.items() if _md5(root / path) != recorded]
    said = [] if facts.metrics_file else [each for each in facts.prediction_files if each.md5]
    others = [f"{each.path}: other predictions than recorded" for each in said if _md5(root / each.path) != each.md5]
    if (facts.metrics and not changed) or (said and not others):
        return Rebuilt("equal metrics", md5, sha256, tuple(differing), kept)
    differing += others
    return Rebuilt("different", md5, sha256, (*differing, *changed), kept)


def _shown(metrics: Mapping[str, float], name: str) -> str:
    return repr(metrics[name]) if name in metrics else "(none)"


def _is_same(row: str) -> bool:
    before, _, after = row.partition(": ")[2].partition(" → ")
    return before == after


def _md5(path: Path) -> str:
    try:
        return modelfile.identify(path)[0]
    except MlgitError:
        return ""


def _metrics(root: Path, path: str) -> dict[str, float]:
    if not path or not (root / path).is_file():
        return {}
    values: dict[str, Any] = metric_values(documents.load(root / path, name=path))
    return {name: float(value) for name, value in values.items() if type(value) in (int, float)}
