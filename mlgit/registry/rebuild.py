"""Makes a version again in a worktree of its own, with a cache of its own, and compares what came out.

The user's workspace, cache and lock are not touched: data is copied out of the cache by digest, or fetched from the remote
beside it, and what the stages make stays in a folder that is thrown away.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mlgit.adapters import documents, files, git, modelfile, process, remote, settings, sources
from mlgit.adapters.hashing import Content
from mlgit.adapters.settings import Settings
from mlgit.adapters.store import Cache
from mlgit.compare import declared
from mlgit.compare.snapshot import metric_values
from mlgit.errors import MlgitError
from mlgit.pipeline.load import load
from mlgit.project import Project
from mlgit.registry import lineage
from mlgit.registry.facts import Facts

Outcome = Literal["identical", "equal metrics", "different", "failed"]
_GRACE = 20.0


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


def rebuild(project: Project, facts: Facts, *, keep: bool = False) -> Rebuilt:
    """Make a model again from its commit, and compare: bytes first, then metrics.

    Raises MlgitError when it cannot be tried: nothing makes the model, or its raw data is nowhere.
    """
    if not facts.steps:
        raise MlgitError(f"no stage makes '{facts.model.path}', so it cannot be made again")
    with _site(project, facts.commit, keep=keep) as (folder, root):
        _bring_sources(project, facts, root, folder / "fetched")
        failures = _run(root, [path for path in (facts.model.path, facts.metrics_file) if path])
        kept = str(root) if keep else ""
        return Rebuilt("failed", differing=failures, folder=kept) if failures else _compare(facts, root, kept)


@contextmanager
def _site(project: Project, commit: str, *, keep: bool) -> Iterator[tuple[Path, Path]]:
    """A temporary folder with a worktree of the commit in it, and the project's root there; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mlgit-reproduce-")).resolve()
    try:
        tree = folder / "tree"
        quietly = ("-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach")
        git.run(project.git_root, *quietly, "--", str(tree), commit)
        root = tree / project.prefix
        (root / ".dvc").mkdir(exist_ok=True)
        text = f"[cache]\n    dir = {folder}/cache\n    type = copy\n[core]\n    site_cache_dir = {folder}/site\n"
        files.write_atomic(root / ".dvc" / "config.local", text)
        yield folder, root
    finally:
        if not keep:
            with process.undisturbed():
                _clear(folder)
                git.run(project.git_root, "worktree", "prune", check=False)


def _clear(folder: Path) -> None:
    """Remove the folder; what a stage made read-only too."""
    for at, _, _ in os.walk(folder):
        with suppress(OSError):
            os.chmod(at, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def _bring_sources(project: Project, facts: Facts, root: Path, fetched: Path) -> None:
    """Put what no stage makes and Git does not hold into the worktree: from the cache, else from the remote."""
    source = sources.Revision(project.git_root, facts.commit, prefix=project.prefix)
    wanted = {each.path: Content(each.md5, each.size or 0, each.n_files) for each in facts.with_role("source")}
    wanted = _tracked(source, facts) | wanted
    parts = [path for path in wanted if any(path.startswith(f"{other}/") for other in wanted)]
    for path, content in wanted.items():
        if not declared.is_inside(path):
            continue  # the stages read it where it lies; nothing is ever written there
        if path not in parts and source.size(path) is None and not source.below(path):
            _bring(project, content, path, root / path, fetched)


def _tracked(source: sources.Revision, facts: Facts) -> dict[str, Content]:
    """The outputs of .dvc files on the way to model and metrics."""
    pipeline = load(source)
    recorded = declared.recorded(pipeline, source.document)
    stages = lineage.Makers(pipeline.graph.stages).upstream([path for path in (facts.model.path, facts.metrics_file) if path])
    targets = [out.target for stage in stages if stage.is_source for out in stage.outs]
    found = {path: recorded[path] for path in targets if path in recorded}
    return {path: Content(digest.md5, digest.size, digest.nfiles, digest.isexec) for path, digest in found.items()}


def _bring(project: Project, content: Content, path: str, target: Path, fetched: Path) -> None:
    cache = Cache(settings.load(project.dvc_folder))
    if not cache.has_all(content.md5):
        own = Cache(Settings(cache_folder=fetched))
        has_remote = settings.default_remote(project.dvc_folder) is not None
        there = remote.connect(project.dvc_folder, remote.configured(project.dvc_folder), own) if has_remote else None
        if there is None or remote.bring(there, own, [content]):
            raise MlgitError(
                f"{path}: neither in the cache nor in a DVC remote, so the model cannot be made again",
                "`dvc push` where the data still is",
            )
        cache = own
    cache.checkout(content, str(target), as_copy=True)


def _run(root: Path, targets: list[str]) -> tuple[str, ...]:
    """Run all stages up to the targets; what failed, line by line."""
    argv = [sys.executable, "-m", "mlgit", "run", "--force", "--json", "--", *targets]
    child = process.start(argv, cwd=root, env=git.environment(), stdout=process.PIPE, stderr=process.PIPE)
    try:
        out, said = child.communicate()
    except BaseException:
        process.end(child, grace=_GRACE)
        raise
    if child.returncode == 0:
        return ()
    return _failures(out) or tuple(said.decode(errors="replace").strip().splitlines()) or (f"code {child.returncode}",)


def _failures(out: bytes) -> tuple[str, ...]:
    try:
        stages = json.loads(out)["stages"]
    except (ValueError, KeyError, TypeError):
        return ()
    failed = [each for each in stages if each["state"] == "failed"]
    return tuple(f"stage '{each['name']}' failed: {each['message'] or 'code ' + str(each['code'])}" for each in failed)


def _compare(facts: Facts, root: Path, kept: str) -> Rebuilt:
    md5, sha256, _ = modelfile.identify(root / facts.model.path)
    if md5 == facts.model.md5:
        return Rebuilt("identical", md5, sha256, folder=kept)
    metrics = _metrics(root, facts.metrics_file)
    rows = [f"{name}: {_shown(facts.metrics, name)} → {_shown(metrics, name)}" for name in sorted({*metrics, *facts.metrics})]
    changed = [row for row in rows if not _is_same(row)]
    outs = {path: recorded for step in facts.steps for path, recorded in step.outs.items()}
    differing = [f"{path}: other content than recorded" for path, recorded in outs.items() if _md5(root / path) != recorded]
    if facts.metrics and not changed:
        return Rebuilt("equal metrics", md5, sha256, tuple(differing), kept)
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
