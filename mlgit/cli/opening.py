"""What run, status and dag begin with: the project, its pipeline, and the ledger over both."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mlgit import project as projects
from mlgit.adapters import dvc, settings, sources
from mlgit.adapters.hashing import Fingerprints
from mlgit.adapters.store import Cache
from mlgit.pipeline.book import LockBook
from mlgit.pipeline.ledger import Ledger
from mlgit.pipeline.load import Pipeline, load
from mlgit.project import Project


@dataclass(frozen=True, slots=True)
class Opened:
    """A project with everything a pipeline command works on; `here` is the current folder below the root."""

    project: Project
    pipeline: Pipeline
    ledger: Ledger
    here: str


def open_project() -> Opened:
    """Find the project that holds the current folder and load its pipeline.

    Raises MlgitError outside a project and for anything wrong in its files.
    """
    project = projects.find()
    configured = settings.load(project.dvc_folder)
    source = sources.Workspace(project.root, parsing=configured.parsing)
    pipeline = load(source)
    graph = pipeline.graph
    ignored = dvc.ignore_filter(project.root) if sources.has_ignore_patterns(project.root, source.folders) else None
    ledger = Ledger(
        project.root,
        entries=pipeline.entries,
        book=LockBook(project.root, pipeline.locks, graph.index()),
        fingerprints=Fingerprints(project.root, project.own_folder, ignored=ignored),
        cache=Cache(configured),
        borrowed=dvc.BorrowedStages(project.root),
        logs=project.own_folder / "logs",
    )
    here = Path.cwd().resolve().relative_to(project.root).as_posix()
    return Opened(project, pipeline, ledger, "" if here == "." else here)
