"""Tracks data files and folders, as `dvc add` does."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit import project as projects
from mlgit.adapters.dvc import internals, settings
from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.git import git
from mlgit.adapters.system import locks
from mlgit.pipeline import resolved, sources
from mlgit.pipeline.load import load
from mlgit.pipeline.track import Tracked, Tracker
from mlgit.project import Project


@dataclass(frozen=True, slots=True)
class AddResult:
    """The paths that are tracked now, and whether Git was told of what was written (`core.autostage`)."""

    project: Project
    tracked: tuple[Tracked, ...]
    seconds: float
    staged: bool = False

    @property
    def written(self) -> tuple[str, ...]:
        """The files that were written, from the project's root."""
        return tuple(dict.fromkeys(file for each in self.tracked for file in each.written))

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        rows = [
            {
                "path": each.path,
                "file": each.file,
                "md5": each.digest.md5,
                "size": each.digest.size,
                "nfiles": each.digest.nfiles,
                "changed": each.file in each.written,
                "linked": each.unlinked is None,
            }
            for each in self.tracked
        ]
        return {"schema": 1, "added": rows, "written": list(self.written), "seconds": round(self.seconds, 3)}


def add(paths: Sequence[str | Path], *, watch: Callable[[str, float], None] | None = None) -> AddResult:
    """Track files and folders: in DVC's cache, by a .dvc file, and ignored by Git.

    `watch` is told how far the work on a path has come, from 0 to 1. Nothing is touched where one of the paths cannot be
    tracked: that raises MlgitError.
    """
    began = time.monotonic()
    project = projects.find()
    targets = [_target(project, os.fspath(path)) for path in paths]
    configured = settings.load(project.dvc_folder)
    source = sources.WorkspaceFiles(project.root, parsing=configured.parsing)
    kept = resolved.load(project.root)
    pipeline, searched = (kept[0], list(kept[2])) if kept else (load(source), source.folders)
    ignored = internals.ignore_filter(project.root) if sources.has_ignore_patterns(project.root, searched) else None
    tracker = Tracker(
        project.root,
        graph=pipeline.graph,
        fingerprints=Fingerprints(project.root, project.own_folder, ignored=ignored),
        cache=Cache(configured, memo=project.own_folder / "objects"),
        busy=locks.BusyPaths(project.dvc_folder / "tmp", " ".join(sys.argv)),
        ignored=ignored,
        site_cache=configured.site_cache,
        without_git=configured.no_scm,
        watch=watch,
    )
    try:
        tracked = tracker.add(targets)
    finally:
        tracker.close()
    if configured.autostage:
        git.stage_written(project.root, (file for each in tracked for file in each.written))
    return AddResult(project, tuple(tracked), time.monotonic() - began, configured.autostage)


def _target(project: Project, path: str) -> str:
    """The path from the project's root, without following a link at its end."""
    full = os.path.abspath(path)
    if not Path(full).is_relative_to(project.root):  # the root is known without links
        full = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
    return os.path.relpath(full, project.root).replace(os.sep, "/")
