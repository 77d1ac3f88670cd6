"""`mlgit add`: track files and folders as `dvc add` does."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import click

from mlgit import errors
from mlgit import project as projects
from mlgit.adapters.dvc import internals, settings
from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.git import git
from mlgit.adapters.system import locks
from mlgit.cli.bar import progress
from mlgit.cli.error_boundary import use_color
from mlgit.pipeline import resolved, sources
from mlgit.pipeline.load import load
from mlgit.pipeline.track import Tracked, Tracker
from mlgit.project import Project
from mlgit.render.terminal import paint
from mlgit.render.text import count, plain, seconds, size


@click.command(
    epilog="Examples: `mlgit add data/raw.csv`, `mlgit add images labels.json`, `mlgit add data --json`.",
    short_help="Track data files and folders, as `dvc add` does.",
)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(paths: tuple[str, ...], *, as_json: bool) -> int:
    """Track data files and folders: in DVC's cache, by a .dvc file, and ignored by Git.

    A path that is tracked already is brought up to date. Nothing is touched when one of the paths cannot be tracked.
    `dvc push` and `dvc pull` work as after `dvc add`.
    """
    began = time.monotonic()
    project = projects.find()
    targets = [_target(project, path) for path in paths]
    configured = settings.load(project.dvc_folder)
    source = sources.WorkspaceFiles(project.root, parsing=configured.parsing)
    kept = resolved.load(project.root)
    pipeline, searched = (kept[0], list(kept[2])) if kept else (load(source), source.folders)
    ignored = internals.ignore_filter(project.root) if sources.has_ignore_patterns(project.root, searched) else None
    with progress(shown=not as_json and use_color(sys.stdout)) as watch:
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
            found = tracker.add(targets)
        finally:
            tracker.close()
    if configured.autostage:
        git.stage_written(project.root, (file for each in found for file in each.written))
    _show(project, found, time.monotonic() - began, as_json=as_json, staged=configured.autostage)
    return errors.EXIT_YES


def _target(project: Project, path: str) -> str:
    """The path from the project's root, without following a link at its end."""
    full = os.path.abspath(path)
    if not Path(full).is_relative_to(project.root):  # the root is known without links
        full = os.path.join(os.path.realpath(os.path.dirname(full)), os.path.basename(full))
    return os.path.relpath(full, project.root).replace(os.sep, "/")


def _show(project: Project, found: list[Tracked], took: float, *, as_json: bool, staged: bool) -> None:
    written = list(dict.fromkeys(file for each in found for file in each.written))
    if as_json:
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
            for each in found
        ]
        click.echo(json.dumps({"schema": 1, "added": rows, "written": written, "seconds": round(took, 3)}, indent=2))
        return
    color = use_color(sys.stdout)
    for each in found:
        state = "added" if each.file in each.written else "unchanged"
        files = f"{count(each.digest.nfiles, 'file')}, " if each.digest.nfiles is not None else ""
        what = f"{plain(_shown(project, each.path))}  ({files}{size(each.digest.size)})"
        click.echo(f"{paint(f'{state:9}', 'green' if state == 'added' else 'dim', color=color)}  {what}")
        if each.unlinked:
            click.echo(plain(f"stays as it is: {each.unlinked.message}\nhint: {each.unlinked.hint}"), err=True)
    done = f"{count(len(found), 'path')} in {seconds(took)}"
    if written and not staged:
        names = " ".join(plain(_shown(project, file)) for file in written)
        done += f"; `git add {names}` keeps track"
    click.echo(done)


def _shown(project: Project, path: str) -> str:
    return project.relative(project.root / path)
