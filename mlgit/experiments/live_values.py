"""What a running trial has written so far: the metrics in its working tree, those of DVCLive among them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlgit.adapters.formats import documents
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.experiments.flat_names import FlatNames
from mlgit.revision.values import metric_values

_LARGEST = 4 << 20
_DEEPEST = 4
_MOST_FOLDERS = 2_000
_NEVER = {".git", ".dvc", ".venv", "node_modules", "__pycache__"}


def metrics(folder: str, *, recorded: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The newest metrics in the working tree of a running trial, by the names that trials have them by.

    `recorded` are those of its baseline by file: what is still the same there was not written by the trial.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for path in dict.fromkeys([*recorded, *_live(folder)]):
        values = _read(os.path.join(folder, path), path)
        if values and values != recorded.get(path):
            found[path] = values
    return FlatNames([recorded, found]).flat(found)


def _live(folder: str) -> Iterator[str]:
    """The metrics of folders that DVCLive writes."""
    left, number_of = [(folder, 0)], 0
    while left:
        above, depth = left.pop()
        number_of += 1
        if number_of > _MOST_FOLDERS:
            return
        with suppress(OSError), os.scandir(above) as entries:
            names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
            if "metrics.json" in names and names.get("plots"):
                yield os.path.relpath(os.path.join(above, "metrics.json"), folder)
            if depth < _DEEPEST:
                below = [name for name, is_folder in names.items() if is_folder and name not in _NEVER]
                left += [(os.path.join(above, name), depth + 1) for name in below]


def _read(place: str, path: str) -> Mapping[str, Any]:
    """The values of a file; none of one that is being written, or is not there."""
    with suppress(OSError, MlgitError, ValueError, RecursionError):
        with open(files.open_regular(place, name=path), "rb") as stream:
            content = stream.read(_LARGEST + 1)
        if len(content) <= _LARGEST:
            return metric_values(documents.parse(files.decode(content, name=path), name=Path(path).as_posix()))
    return {}
