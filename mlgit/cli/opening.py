"""What run, status and dag begin with: the project, its pipeline, and the ledger over both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from mlgit import project as projects
from mlgit.adapters import dvc, settings, sources
from mlgit.adapters.hashing import Fingerprints
from mlgit.adapters.settings import Settings
from mlgit.adapters.store import Cache
from mlgit.pipeline import noop, resolved
from mlgit.pipeline.book import LockBook
from mlgit.pipeline.ledger import Ledger
from mlgit.pipeline.load import Pipeline, load
from mlgit.project import Project


@dataclass(frozen=True, slots=True)
class Opened:
    """A project with everything a pipeline command works on; `here` is the current folder below the root.

    `read` are the files that the pipeline was read from and `searched` the folders it was looked for in.
    """

    project: Project
    pipeline: Pipeline
    ledger: Ledger
    book: LockBook
    cache: Cache
    here: str
    read: list[str]
    searched: list[str]
    ignores: bool


def open_project() -> Opened:
    """Find the project that holds the current folder and load its pipeline.

    Raises MlgitError outside a project and for anything wrong in its files.
    """
    project = projects.find()
    configured = settings.load(project.dvc_folder)
    pipeline, read, searched = resolved.load(project.root) or _load(project.root, configured)
    has_patterns = sources.has_ignore_patterns(project.root, searched)
    ignored = dvc.ignore_filter(project.root) if has_patterns else None
    book = LockBook(project.root, pipeline.locks, pipeline.graph.index())
    cache = Cache(configured)
    ledger = Ledger(
        project.root,
        entries=pipeline.entries,
        book=book,
        fingerprints=Fingerprints(project.root, project.own_folder, ignored=ignored),
        cache=cache,
        borrowed=dvc.BorrowedStages(project.root),
        logs=project.own_folder / "logs",
    )
    here = Path.cwd().resolve().relative_to(project.root).as_posix()
    return Opened(project, pipeline, ledger, book, cache, "" if here == "." else here, read, searched, has_patterns)


def _load(root: Path, configured: Settings) -> tuple[Pipeline, list[str], list[str]]:
    source = sources.Workspace(root, parsing=configured.parsing)
    pipeline = load(source)
    read = [*sorted(source.read), ".dvc/config", ".dvc/config.local"]
    resolved.save(root, pipeline, read=read, searched=source.folders)
    return pipeline, read, source.folders


def remember(opened: Opened, *, all_current: bool) -> None:
    """Keep what the next command can start from: the pipeline as it is now, and the answer if nothing is stale."""
    pipeline = replace(opened.pipeline, entries=opened.ledger.entries, locks=opened.book.texts())
    if opened.book.has_written:
        resolved.save(opened.project.root, pipeline, read=opened.read, searched=opened.searched)
    stages = pipeline.graph.stages
    changing = any(stage.exotic or stage.always_changed or stage.is_callback for stage in stages)
    root = str(opened.project.root)
    if not all_current or changing or opened.ignores:
        noop.forget(root)
        return
    noop.save(
        root,
        stages=len(stages),
        frozen=sum(stage.frozen for stage in stages),
        paths=[*_files(opened, root), *_contents(opened, pipeline, root)],
        searched=[f"{root}/{folder}" for folder in opened.searched],
    )


def _files(opened: Opened, root: str) -> list[str]:
    candidates = [*opened.read, *(f"{folder}.gitignore" for folder in opened.searched)]
    return [f"{root}/{path}" for path in candidates if (opened.project.root / path).exists()]


def _contents(opened: Opened, pipeline: Pipeline, root: str) -> list[str]:
    found = []
    for stage in pipeline.graph.stages:
        found += [f"{root}/{target}" for _, target in stage.inputs()] if not stage.frozen else []
        found += [f"{root}/{out.target}" for out in stage.outs]
        entry = pipeline.entries.get(stage.address)
        cached = {out.path for out in stage.outs if out.cache}
        found += [opened.cache.path(item.digest.md5) for item in (entry.outs if entry else ()) if item.path in cached]
    return found
