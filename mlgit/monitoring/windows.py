"""Reads the windows of a model: the data of today, from files, logs or a database, cut as `by:` says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.monitoring import row_table, window_cuts, window_files, window_paths, window_query
from mlgit.monitoring.row_table import RowTable
from mlgit.monitoring.window import Window
from mlgit.monitoring.window_paths import SourceFiles
from mlgit.monitoring_settings import Cut, WindowSource
from mlgit.revision.revision import Revision


@dataclass(frozen=True, slots=True, eq=False)
class WindowsRead:
    """Windows in the order of their time, or of their names. `left_out` rows are in none, and `notes` say why."""

    windows: tuple[Window, ...]
    left_out: int = 0
    notes: tuple[str, ...] = ()


def read(
    workspace: Revision,
    source: WindowSource,
    *,
    model: Model,
    now: datetime,
    since: datetime | None = None,
    texts: Collection[str] = (),
) -> WindowsRead:
    """The windows of the declared source; with `since`, those whose period ends after it, where they are cut by a time.

    `texts` are columns that the contract calls texts, however much they look like numbers. Raises MlgitError for a source
    that is not declared, or cannot be read.
    """
    first = window_cuts.first_wanted(source.by, since)
    if source.url_env:
        rows = window_query.read(source, root=workspace.project.root, model=model)
        return _cut([(rows, ())], source.by, now=now, first=first)
    if not source.paths:
        raise MlgitError(
            f"monitoring.{model.name}: no `windows:` that say where the data of today are",
            "name files or the prediction log in mlgit.yaml, or type `mlgit monitor run --current FILE`",
        )
    named = window_paths.of_project(workspace, source.paths)
    return _of_sources(named, source.by, model=model, now=now, first=first, texts=texts)


def read_file(path: str, *, by: Cut, model: Model, now: datetime, texts: Collection[str] = ()) -> WindowsRead:
    """The windows in a file, folder or pattern that somebody typed, wherever it is. Raises MlgitError as `read` does."""
    return _of_sources(window_paths.of_command_line(path), by, model=model, now=now, first=None, texts=texts)


def _of_sources(
    sources: Sequence[SourceFiles], by: Cut, *, model: Model, now: datetime, first: datetime | None, texts: Collection[str]
) -> WindowsRead:
    found = [window_files.read(each, model=model, by=by, since=first, texts=texts) for each in sources]
    return _cut(found, by, now=now, first=first)


def _cut(found: Sequence[tuple[RowTable, tuple[str, ...]]], by: Cut, *, now: datetime, first: datetime | None) -> WindowsRead:
    """What each path names is a window where rows are not cut, else all rows are cut together."""
    notes = [each for _, said in found for each in said]
    tables = [table for table, _ in found if table.rows]
    if not tables:
        return WindowsRead((), 0, (*_distinct(notes), "no rows"))
    parts = tables if by.kind == "whole" else [row_table.joined(tables)]
    cuts = [window_cuts.cut(each, by, now=now) for each in parts]
    windows = [each for cut in cuts for each in cut.windows]
    notes += [each for cut in cuts for each in cut.notes]
    if first is not None:
        windows = [each for each in windows if not each.until or datetime.fromisoformat(each.until) >= first]
    return WindowsRead(tuple(windows), sum(each.left_out for each in cuts), tuple(_distinct(notes)))


def _distinct(notes: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(notes))
