"""Which paths are tables, and in which format: told by how their names end, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlgit.errors import MlgitError

_NAMES: dict[str, Literal["csv", "tsv", "json", "jsonl", "parquet"]] = {
    "csv": "csv",
    "tsv": "tsv",
    "json": "json",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
}
_SEPARATORS = {"csv": ",", "tsv": "\t"}
# Parquet packs its columns itself.
ENDINGS = (*_NAMES, *(f"{ending}.gz" for ending in _NAMES if ending != "parquet"))
# Data that nothing here reads, in a format or a packing of its own.
_OTHERS = (
    *(".arrow", ".avro", ".db", ".dta", ".feather", ".h5", ".hdf", ".hdf5", ".ipc", ".msgpack", ".npy", ".npz", ".ods", ".orc"),
    *(".pickle", ".pkl", ".psv", ".rds", ".sas7bdat", ".sav", ".sqlite", ".tfrecord", ".xls", ".xlsx"),
    *(".7z", ".br", ".bz2", ".gz", ".lz4", ".snappy", ".tar", ".tgz", ".xz", ".zip", ".zst"),
)
# For messages: `it ends in none of ...`.
LISTED = ", ".join(ENDINGS)


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How the rows of a file are written; `is_packed` with gzip around it."""

    name: Literal["csv", "tsv", "json", "jsonl", "parquet"]
    is_packed: bool = False

    @property
    def separator(self) -> str:
        """What stands between two fields, '' in a format that has none."""
        return _SEPARATORS.get(self.name, "")

    @property
    def has_types(self) -> bool:
        """Whether the file itself says what is a number and what a text."""
        return self.name not in _SEPARATORS


def of(path: str) -> TableFormat | None:
    """The format of a path; None for one that is no table."""
    name, packed = path.rpartition("/")[2].lower(), False
    if name.endswith(".gz"):
        name, packed = name.removesuffix(".gz"), True
    found = _NAMES.get(name.rpartition(".")[2]) if "." in name else None
    return None if found is None or (packed and found == "parquet") else TableFormat(found, packed)


def is_unread(path: str) -> bool:
    """Whether a path is data by its name, and no table that can be read."""
    return of(path) is None and path.lower().endswith(_OTHERS)


def ending(path: str) -> str:
    """How the name of a table ends, with its dot; '' for a path that is none."""
    return next((f".{each}" for each in reversed(ENDINGS) if path.lower().endswith(f".{each}")), "")


def known(path: str) -> TableFormat:
    """The format of a path. Raises MlgitError for one that is no table."""
    found = of(path)
    if found is None:
        raise MlgitError(f"no table: it ends in none of {LISTED}", "name a file that a stage writes in one of these formats")
    return found
