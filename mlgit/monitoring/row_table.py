"""Rows of data in memory, by columns, with what is known of each row beside its inputs: before they are cut into windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mlgit import lazy_numpy as np
from mlgit.statistics.rows import Coded

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# What a row may have beside its inputs: `version` is the one that answered, `time` the log's own.
Role = Literal["id", "prediction", "score", "version", "time"]
TIME = "ts"


@dataclass(frozen=True, slots=True, eq=False)
class RowTable:
    """Rows by columns and by roles, all of one length; of columns `hashed` the values are hashes.

    `name` is what the source of the rows calls itself: the window that all of them make is called so.
    """

    rows: int
    columns: Mapping[str, Array] = field(default_factory=dict)
    roles: Mapping[Role, Array] = field(default_factory=dict)
    hashed: frozenset[str] = frozenset()
    name: str = ""

    def time(self, column: str) -> Array | None:
        """The column that rows are cut by: an input, else the log's own time, `ts`, or `log_ts` where an input is called so."""
        if column in self.columns:
            return self.columns[column]
        return self.roles.get("time") if column in (TIME, f"log_{TIME}") else None

    def at(self, rows: Array) -> RowTable:
        """Some of the rows, by their places."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return RowTable(len(rows), columns, {role: values[rows] for role, values in self.roles.items()}, self.hashed, self.name)


def joined(tables: Sequence[RowTable], *, name: str = "") -> RowTable:
    """The rows of several tables below each other; a column that one of them lacks is missing in its rows."""
    tables = [each for each in tables if each.rows] or list(tables[:1])
    if len(tables) == 1:
        only = tables[0]
        return RowTable(only.rows, only.columns, only.roles, only.hashed, name or only.name)
    sizes = [each.rows for each in tables]
    names = dict.fromkeys(column for each in tables for column in each.columns)
    columns = {column: stacked([each.columns.get(column) for each in tables], sizes) for column in names}
    kinds = dict.fromkeys(role for each in tables for role in each.roles)
    roles = {role: stacked([each.roles.get(role) for each in tables], sizes) for role in kinds}
    hashed = frozenset().union(*(each.hashed for each in tables))
    return RowTable(sum(sizes), columns, roles, hashed, name or tables[0].name)


def stacked(pieces: Sequence[Any], sizes: Sequence[int]) -> Any:
    """Pieces of one column below each other, None for one that is missing in so many rows."""
    known = [each for each in pieces if each is not None]
    if len(known) == len(pieces) and all(isinstance(each, Coded) and each.are_texts for each in known):
        return _of_classes(known)
    arrays = [None if each is None or _is_nothing(np.asarray(each)) else np.asarray(each) for each in pieces]
    there = [each for each in arrays if each is not None]
    if not there:
        return np.full(sum(sizes), np.nan)
    kinds = {each.dtype.kind for each in there}
    may_lack = kinds <= set("iuf") or kinds == {"M"}
    if len({each.shape[1:] for each in there}) == 1 and (may_lack or (len(there) == len(pieces) and len(kinds) == 1)):
        return np.concatenate(
            [_missing(size, like=there[0]) if each is None else each for each, size in zip(arrays, sizes, strict=True)]
        )
    found = np.full(sum(sizes), None, dtype=object)
    start = 0
    for each, size in zip(arrays, sizes, strict=True):
        if each is not None:
            found[start : start + size] = _as_objects(each)
        start += size
    return found


def _missing(size: int, *, like: Array) -> Array:
    return np.full((size, *like.shape[1:]), np.datetime64("NaT", "us") if like.dtype.kind == "M" else np.nan)


def _is_nothing(values: Array) -> bool:
    """A column of which nobody wrote any value has no kind."""
    return values.dtype.kind == "f" and values.ndim == 1 and bool(np.isnan(values).all())


def _as_objects(values: Array) -> Array:
    if values.dtype.kind == "O" and values.ndim == 1:
        return values
    if values.ndim > 1:
        return np.fromiter(list(values), dtype=object, count=len(values))
    listed = [None if each != each else each for each in values.tolist()]
    return np.fromiter(listed, dtype=object, count=len(listed))


def _of_classes(pieces: Sequence[Coded]) -> Coded:
    names = pieces[0].names
    if all(each.names == names for each in pieces):
        return Coded(names, np.concatenate([each.places for each in pieces]))
    names = tuple(sorted({name for each in pieces for name in each.names}))
    number = {name: place for place, name in enumerate(names)}
    maps = [np.array([number[name] for name in each.names], dtype=np.int32) for each in pieces]
    return Coded(names, np.concatenate([each[piece.places] for each, piece in zip(maps, pieces, strict=True)]))
