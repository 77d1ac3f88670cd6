"""What run, status and dag begin with: the project, its pipeline, and the ledger over both."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from mlgit import config
from mlgit import project as projects
from mlgit.adapters import dvc, elsewhere, locks, remote, settings, sources, stamps
from mlgit.adapters.elsewhere import Elsewhere
from mlgit.adapters.hashing import Fingerprints
from mlgit.adapters.settings import Settings
from mlgit.adapters.store import Cache
from mlgit.errors import MlgitError
from mlgit.pipeline import noop, resolved
from mlgit.pipeline.book import IgnoreBook, LockBook
from mlgit.pipeline.ledger import Ledger
from mlgit.pipeline.load import Pipeline, load
from mlgit.pipeline.model import Stage
from mlgit.project import Project


@dataclass(frozen=True, slots=True)
class Opened:
    """A project with everything a pipeline command works on; `here` is the current folder below the root.

    `read` are the files that the pipeline was read from at the time `since`, and `searched` the folders it was looked
    for in, with what decided about the search there.
    """

    project: Project
    pipeline: Pipeline
    ledger: Ledger
    book: LockBook
    cache: Cache
    busy: locks.BusyPaths
    here: str
    read: list[str]
    searched: dict[str, list[str]]
    since: int
    ignores: bool
    elsewhere: Elsewhere | None = None


def open_project(*, spread: bool = False, pull: bool = False) -> Opened:
    """Find the project that holds the current folder and load its pipeline.

    `spread` is for running stages on other machines, `pull` for a cache that looks in the remote for what it lacks.
    Raises MlgitError outside a project and for anything wrong in its files.
    """
    since = time.time_ns()
    project = projects.find()
    projects.load_config(project)  # a fault in mlgit.yaml is told before anything runs, not when its word is needed
    configured = settings.load(project.dvc_folder)
    pipeline, read, searched = resolved.load(project.root) or _load(project.root, configured, since)
    has_patterns = sources.has_ignore_patterns(project.root, list(searched))
    ignored = dvc.ignore_filter(project.root) if has_patterns else None
    book = LockBook(project.root, pipeline.locks, pipeline.graph.index())
    cache = Cache(configured, memo=project.own_folder / "objects")
    busy = locks.BusyPaths(project.dvc_folder / "tmp", " ".join(sys.argv))
    far = elsewhere.connect(project.root, configured, cache, ignored=ignored) if spread else None
    ledger = Ledger(
        project.root,
        entries=pipeline.entries,
        book=book,
        ignores=IgnoreBook(project.root),
        fingerprints=far.awaited if far else Fingerprints(project.root, project.own_folder, ignored=ignored),
        cache=far.cache if far else _pulling(project, configured, cache) if pull else cache,
        borrowed=dvc.BorrowedStages(project.root),
        busy=busy,
        logs=project.own_folder / "logs",
        site_cache=configured.site_cache,
    )
    here = Path.cwd().resolve().relative_to(project.root).as_posix()
    return Opened(
        project, pipeline, ledger, book, cache, busy, "" if here == "." else here, read, searched, since, has_patterns, far
    )


def _pulling(project: Project, configured: Settings, cache: Cache) -> Cache:
    if settings.default_remote(project.dvc_folder) is None:
        raise MlgitError("--pull: the project has no default DVC remote", "type `dvc remote add -d NAME URL`")
    there = remote.connect(project.dvc_folder, remote.configured(project.dvc_folder), cache)
    return elsewhere.RemoteCache(configured, there)


def _load(root: Path, configured: Settings, since: int) -> tuple[Pipeline, list[str], dict[str, list[str]]]:
    source = sources.Workspace(root, parsing=configured.parsing)
    pipeline = load(source)
    read = [*sorted(source.read), ".dvc/config", ".dvc/config.local", config.NAME]
    searched = {folder: resolved.names(root, folder) for folder in source.folders}
    with suppress(MlgitError, OSError):  # only time is lost
        resolved.save(root, pipeline, read=read, searched=searched, since=since, written={})
    return pipeline, read, searched


def remember(opened: Opened, *, all_current: bool) -> None:
    """Keep what the next command can start from, where that can be written; without it only time is lost."""
    with suppress(MlgitError, OSError):
        _remember(opened, all_current=all_current)


def _remember(opened: Opened, *, all_current: bool) -> None:
    """Keep the pipeline as it is now, and the answer if nothing is stale.

    People edit while a long run goes on: what changed meanwhile is looked at again, or nothing is kept.
    """
    root, written = opened.project.root, opened.book.written
    pipeline = replace(opened.pipeline, entries=opened.ledger.entries, locks=opened.book.texts())
    searched = {folder: resolved.names(root, folder) for folder in opened.searched}
    if _found_more(opened, searched):
        noop.forget(str(root))
        return
    if written:
        resolved.save(root, pipeline, read=opened.read, searched=searched, since=opened.since, written=written)
    stages = pipeline.graph.stages
    changing = any(stage.exotic or stage.always_changed or stage.is_callback for stage in stages)
    if not all_current or changing or opened.ignores or not _keep_answer(opened, pipeline):
        noop.forget(str(root))


def _found_more(opened: Opened, searched: dict[str, list[str]]) -> bool:
    """Whether pipeline files or folders have come or gone since the search; outputs and .gitignore lines of a run may."""
    made = {out.target for stage in opened.pipeline.graph.stages for out in stage.outs}
    for folder, before in opened.searched.items():
        other = {f"{folder}{name}" for name in set(searched[folder]) ^ set(before) if not name.startswith(".gitignore(")}
        if not other <= made:
            return True
    return False


def _keep_answer(opened: Opened, pipeline: Pipeline) -> bool:
    root, written, stages = str(opened.project.root), opened.book.written, pipeline.graph.stages
    read = [path for path in opened.read if (opened.project.root / path).exists()]
    ignores = [f"{folder}{name}" for folder in opened.searched for name in (".gitignore", ".dvcignore")]
    ignores = [path for path in ignores if (opened.project.root / path).exists()]
    paths = [f"{root}/{path}" for path in (*read, *ignores)]
    searched = [f"{root}/.dvc", *(f"{root}/{folder}" for folder in opened.searched)]
    contents = {stage.address: _contents(stage, root) for stage in stages}
    cached = _cached(opened, pipeline)
    paths += [path for each in contents.values() for path in each]
    seen = noop.look([*paths, *cached], searched=[*searched, *_cache_folders(opened, cached)], since=opened.since)
    if seen is None:
        return False
    if not all(resolved.is_as_read(path, stamps.of(f"{root}/{path}"), since=opened.since, written=written) for path in read):
        return False
    touched = [stage for stage in stages if not seen.newer.isdisjoint(contents[stage.address])]
    if any(opened.ledger.reasons(stage) for stage in touched):
        return False
    noop.save(root, seen, stages=len(stages), frozen=sum(stage.frozen for stage in stages))
    return True


def _contents(stage: Stage, root: str) -> list[str]:
    inputs = [f"{root}/{target}" for _, target in stage.inputs()] if not stage.frozen else []
    return inputs + [f"{root}/{out.target}" for out in stage.outs]


def _cached(opened: Opened, pipeline: Pipeline) -> list[str]:
    """The cache objects of the recorded outputs."""
    found = []
    for stage in pipeline.graph.stages:
        entry = pipeline.entries.get(stage.address)
        cached = {out.path for out in stage.outs if out.cache}
        found += [opened.cache.path(item.digest.md5) for item in (entry.outs if entry else ()) if item.path in cached]
    return found


def _cache_folders(opened: Opened, cached: list[str]) -> list[str]:
    """The folders of the cache where files of folders lie: too many to name each, but none can go unseen."""
    return opened.cache.folders() if any(path.endswith(".dir") for path in cached) else []
