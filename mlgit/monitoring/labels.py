"""Reads labels: a table with the truth about logged rows, of the workspace or by its path."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError, near_miss
from mlgit.model_settings import Model
from mlgit.monitoring import truth
from mlgit.monitoring.truth import Labels
from mlgit.monitoring_settings import LabelSource
from mlgit.revision import data_files, recorded_paths
from mlgit.revision.revision import Revision
from mlgit.tables import formats, limits, outline, selection

# The column of the prediction log with the time of a row, which labels may have as well.
TIME = "ts"


def read(
    revision: Revision, source: LabelSource, *, model: Model, wanted: Collection[str] = (), newest: str = "", where: str = ""
) -> Labels:
    """The labels that mlgit.yaml names under `labels:` (`where`), as a revision has them: the workspace, mostly.

    `wanted` are further columns, which KPIs ask for; `newest` is the time of the newest logged row. A file that DVC tracks may
    lie in its cache only. Raises MlgitError for what is not there or no table, and for an id with two labels.
    """
    path, hint = posixpath.normpath(source.path), f"{where or 'labels'}.path names it"
    if not recorded_paths.is_inside(path):
        raise MlgitError(f"{source.path}: not in the project", hint)
    if data_files.astray(revision.project, [path]):
        raise MlgitError(f"{path}: a symbolic link out of the repository, which mlgit does not follow", hint)
    if formats.of(path) is None:
        raise MlgitError(f"{path}: no table: it ends in none of {formats.LISTED}", hint)
    size = revision.contents.size(path)
    if size is None:
        told = f"`mlgit pull` brings what DVC tracks; {hint}"
        raise MlgitError(f"{path}: no such file", told if path in revision.recorded else hint)
    content = revision.contents.read(path, most=limits.PREDICTIONS_BYTES) if size <= limits.PREDICTIONS_BYTES else None
    if content is None:
        raise _too_large(path)
    label = source.label or model.label
    columns = _Columns(source.id, label, f"{where}.id" if where else "id", f"{where}.label" if where else "label")
    return _labels(content, path, path, columns, wanted={*wanted, TIME}, lag=source.lag, newest=newest)


def read_file(path: Path, *, key: str, label: str, wanted: Collection[str] = ()) -> Labels:
    """The labels in a file that the command line names: the truth in its column `label`, ids in `key`.

    Raises MlgitError as `read` does.
    """
    try:
        if path.stat().st_size > limits.PREDICTIONS_BYTES:
            raise _too_large(str(path))
        content = path.read_bytes()
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error
    columns = _Columns(key, label, "--id", "--label")
    return _labels(content, f"x{formats.ending(path.name)}", str(path), columns, wanted=wanted)


class _Columns:
    """Which columns hold ids and truth, and what asks for them."""

    def __init__(self, key: str, label: str, asks_key: str, asks_label: str) -> None:
        self.key, self.label = key, label
        self.asked = {key: asks_key, label: asks_label}


def _too_large(path: str) -> MlgitError:
    return MlgitError(f"{path}: larger than {limits.PREDICTIONS_BYTES >> 20} MiB", "leave out columns that nobody needs")


def _labels(
    content: bytes, ends: str, path: str, columns: _Columns, *, wanted: Collection[str], lag: int = 0, newest: str = ""
) -> Labels:
    names = {*wanted, columns.key, columns.label}
    try:
        found: Mapping[str, Any] = selection.select(content, path=ends, names=names, texts={columns.key})
        lacking = [name for name in columns.asked if name not in found]
        known = outline.measure(content, path=ends).columns if lacking else ()
    except MlgitError as error:
        raise MlgitError(f"{path}: {error.message}", error.hint) from error
    for name in lacking:
        told = f"{columns.asked[name]} names it: {', '.join(known) or 'there are none'}"
        raise MlgitError(f"{path}: no column '{name}'{near_miss(name, known)}", told)
    also = {name: each for name, each in found.items() if name not in columns.asked}
    places, kept = truth.by_id(found[columns.key], found[columns.label], path=path, label=columns.label, also=also)
    times = kept[TIME].tolist() if TIME in kept else []
    latest = truth.newest([newest, *times])
    return Labels(path, columns.label, places, kept, lag, latest)
