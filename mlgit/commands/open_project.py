"""What run, status and dag begin with: the project, its pipeline, and the ledger over both."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mlgit import project as projects
from mlgit.adapters.dvc import dvc_stages, internals, settings
from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.protected_paths import Protected
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system import locks
from mlgit.errors import MlgitError
from mlgit.pipeline import resolved, sources
from mlgit.pipeline.graph import Pipeline
from mlgit.pipeline.ledger import Ledger
from mlgit.pipeline.lock_writer import IgnoreBook, LockBook
from mlgit.pipeline.outputs import Outputs
from mlgit.pipeline.searched import names
from mlgit.pipeline.storing import Storage
from mlgit.pipeline.track import Tracker
from mlgit.project import Project

if TYPE_CHECKING:
    from mlgit.adapters.dvc.remote_outputs import RemoteCache, RemoteOutputs


class Opened(NamedTuple):
    """A project with everything a pipeline command works on; `here` is the current folder below the root.

    `read` are the files that the pipeline was read from at the time `since`, and `searched` the folders it was looked
    for in, with what decided about the search there. `kept`: it was not read, but kept from an earlier command.
    `written` gives the files that the command has written for Git to know of, by the end of it.
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
    kept: bool = False
    remote_outputs: RemoteOutputs | None = None
    pulling: RemoteCache | None = None
    written: Callable[[], list[str]] = list
    autostage: bool = False


def open_project(*, spread: bool = False, pull: bool = False, compute_if_unreachable: bool = False) -> Opened:
    """Find the project that holds the current folder and load its pipeline.

    `spread` is for running stages on other machines, `pull` for a cache that looks in the remote for what it lacks, and
    takes it for missing if the remote cannot be asked where `compute_if_unreachable` allows that.
    Raises MlgitError outside a project and for anything wrong in its files.
    """
    since = time.time_ns()
    project = projects.find()
    configured = settings.load(project.dvc_folder)
    kept = resolved.load(project.root)
    pipeline, read, searched = kept or _load(project, configured, since)
    has_patterns = sources.has_ignore_patterns(project.root, [*searched, *_folders_of(pipeline, searched)])
    ignored = internals.ignore_filter(project.root) if has_patterns else None
    outputs = _outputs(project, configured, pipeline, has_patterns)
    book = _lock_book(project, configured, pipeline)
    cache = Cache(configured, memo=project.own_folder / "objects")
    busy = locks.BusyPaths(project.dvc_folder / "tmp", " ".join(sys.argv))
    far = _remote_outputs(project, configured, cache, pipeline, ignored=ignored) if spread else None
    fingerprints = far.awaited if far else Fingerprints(project.root, project.own_folder, ignored=ignored)
    pulling = _pulling(project, configured, cache, pipeline, compute=compute_if_unreachable) if pull and not far else None
    stored = far.cache if far else pulling or cache
    ignore_book = IgnoreBook(project.root, without_git=configured.no_scm)
    exotic = dvc_stages.BorrowedStages(project.root, pull=pulling)
    tracker = _tracker(project, configured, pipeline, fingerprints=fingerprints, cache=stored, busy=busy, ignored=ignored)
    ledger = Ledger(
        project.root,
        entries=pipeline.entries,
        book=book,
        ignores=ignore_book,
        outputs=outputs,
        storage=Storage(project.root, fingerprints=fingerprints, cache=stored),
        fingerprints=fingerprints,
        cache=stored,
        borrowed=exotic,
        busy=busy,
        logs=project.own_folder / "logs",
        tracker=tracker,
    )
    here = Path.cwd().resolve().relative_to(project.root).as_posix()
    return Opened(
        project=project,
        pipeline=pipeline,
        ledger=ledger,
        book=book,
        cache=cache,
        busy=busy,
        here="" if here == "." else here,
        read=read,
        searched=searched,
        since=since,
        ignores=has_patterns,
        kept=kept is not None,
        remote_outputs=far,
        pulling=far.cache if far else pulling,
        written=lambda: [*book.written, *ignore_book.written, *exotic.written, *tracker.written],
        autostage=configured.autostage,
    )


def _tracker(
    project: Project,
    configured: Settings,
    pipeline: Pipeline,
    *,
    fingerprints: Fingerprints,
    cache: Cache,
    busy: locks.BusyPaths,
    ignored: Callable[[str, bool], bool] | None,
) -> Tracker:
    return Tracker(
        project.root,
        graph=pipeline.graph,
        fingerprints=fingerprints,
        cache=cache,
        busy=busy,
        ignored=ignored,
        site_cache=configured.site_cache,
        without_git=configured.no_scm,
    )


def _folders_of(pipeline: Pipeline, searched: Collection[str]) -> set[str]:
    """The folders that hold outputs and were not searched, because Git ignores them."""
    targets = {out.target for stage in pipeline.graph.stages if not stage.exotic for out in stage.outs}
    return {target[: end + 1] for target in targets for end, char in enumerate(target) if char == "/"}.difference(searched)


def _lock_book(project: Project, configured: Settings, pipeline: Pipeline) -> LockBook:
    return LockBook(
        project.root,
        pipeline.locks,
        pipeline.graph.numbers(),
        entries=pipeline.entries,
        cache_folder=str(configured.cache_folder),
    )


def _outputs(project: Project, configured: Settings, pipeline: Pipeline, has_patterns: bool) -> Outputs:
    outputs = Outputs(
        project.root,
        kept=Protected(project.root, project.git_root, configured.cache_folder),
        dvcignored=internals.output_filter(project.root) if has_patterns else None,
        without_git=configured.no_scm,
    )
    outputs.refuse_declared(pipeline.graph.stages)
    return outputs


def _pulling(project: Project, configured: Settings, cache: Cache, pipeline: Pipeline, *, compute: bool) -> RemoteCache:
    from mlgit.adapters.dvc import remote, remote_outputs
    from mlgit.pipeline import routes

    there = remote.connect(project.dvc_folder, cache, routes=routes.recorded(pipeline))
    if there is None:
        raise MlgitError("--pull: the project has no default DVC remote", "type `mlgit remote add -d NAME URL`")
    return remote_outputs.RemoteCache(configured, there, may_compute=compute, runs=True)


def _remote_outputs(
    project: Project,
    configured: Settings,
    cache: Cache,
    pipeline: Pipeline,
    *,
    ignored: Callable[[str, bool], bool] | None,
) -> RemoteOutputs:
    from mlgit.adapters.dvc import remote_outputs
    from mlgit.pipeline import routes

    return remote_outputs.connect(project.root, configured, cache, ignored=ignored, routes=routes.recorded(pipeline))


def _load(project: Project, configured: Settings, since: int) -> tuple[Pipeline, list[str], dict[str, list[str]]]:
    """Read the pipeline and mlgit.yaml: a fault in either is told before anything runs."""
    from mlgit.pipeline.load import load

    projects.load_config(project)
    root = project.root
    source = sources.WorkspaceFiles(root, parsing=configured.parsing)
    pipeline = load(source)
    source.refuse_hidden()
    read = [*sorted(source.read), ".dvc/config", ".dvc/config.local", projects.CONFIG]
    searched = {folder: names(f"{root}/{folder}") for folder in source.folders}
    with suppress(MlgitError, OSError):  # only time is lost
        resolved.save(root, pipeline, read=read, folders=searched, since=since, written={})
    return pipeline, read, searched
