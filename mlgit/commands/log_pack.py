"""Packs a prediction log into one Parquet file, which can be tracked as data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit.commands import dates, log_places
from mlgit.errors import MlgitError
from mlgit.serving import log_packing
from mlgit.serving.log_packing import Packed


@dataclass(frozen=True, slots=True)
class PackedLog:
    """The file that was written, and what is in it."""

    path: str
    packed: Packed

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        packed = self.packed
        return {
            "schema": 1,
            "path": self.path,
            "model": packed.model,
            "rows": packed.rows,
            "requests": packed.requests,
            "refused": packed.refused,
            "torn_lines": packed.torn,
            "columns": list(packed.columns),
            "missing": packed.unheld,
        }


def pack_log(subject: str | None = None, *, output: str, start: str | None = None, end: str | None = None) -> PackedLog:
    """Write what a log has of a time to the file `output`: a model's log, a file or folder; without either, all of the project.

    `start` and `end` are dates or times. Raises MlgitError where there is nothing to pack, and for an `output` among the logs.
    """
    since, until = dates.window(start, end)
    paths = log_places.logs() if subject is None else [log_places.log_of(subject)]
    place = Path(output)
    if place.is_dir():
        raise MlgitError(f"{output}: a folder", "name the file to write: -o FILE.parquet")
    if place.suffix in (".jsonl", ".gz", ".idx") or place.resolve() in {each.resolve() for each in paths}:
        raise MlgitError(f"{output}: the name of a file of the log", "name the file to write: -o FILE.parquet")
    return PackedLog(output, log_packing.pack(paths, place, since=since, until=until))
