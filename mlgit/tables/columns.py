"""What a table holds, column by column: kinds, values in a form that can be compared, and how many are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics.rows import is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# More different texts than that are names or sentences, and no categories.
MOST_VALUES = 10_000
MIXED = "mixed"
EMPTY = "empty"


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column: `numbers` (the known ones, as floats) of a numeric one, else how often each value occurs (`counts`).

    `kind` is number, text, boolean, time, mixed, or empty where every value is missing; of a Parquet file it can be integer,
    and the name of its own type. `counts` is None where there are more than MOST_VALUES.
    """

    kind: str
    missing: int
    numbers: Array | None = None
    counts: Mapping[str, int] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether every value is missing, whatever the kind."""
        return self.numbers is None and self.counts is not None and not self.counts


@dataclass(frozen=True, slots=True, eq=False)
class DataTable:
    """A table of data; without `rows` it could not be read, and without values its columns are only named: `reason` tells.

    `hint` is what to do about it.
    """

    rows: int | None = None
    columns: Mapping[str, Column] = field(default_factory=dict)
    has_values: bool = True
    reason: str = ""
    hint: str = ""


def gather(pieces: Iterable[Mapping[str, Any]], *, kinds: Mapping[str, str] | None = None) -> tuple[DataTable, tuple[str, ...]]:
    """A table from its pieces (arrays of equal length by column name), and the columns whose pieces are of several kinds.

    `kinds` are those that the file itself names.
    """
    found: dict[str, _Growing] = {}
    rows = 0
    for piece in pieces:
        rows += max((len(each) for each in piece.values()), default=0)
        for name, values in piece.items():
            found.setdefault(name, _Growing()).add(np.asarray(values))
    columns = {name: each.column(rows, (kinds or {}).get(name)) for name, each in found.items()}
    return DataTable(rows, columns), tuple(name for name, each in found.items() if each.kind == MIXED)


class _Growing:
    """A column of which one piece after the other comes in."""

    def __init__(self) -> None:
        self.kind = EMPTY
        self._known = 0
        self._numbers: list[Array] = []
        self._counts: Counter[str] | None = Counter()

    def add(self, values: Array) -> None:
        known = values[~is_missing(values)]
        if not len(known):
            return
        self._known += len(known)
        kind = _kind(known)
        self.kind = kind if self.kind in (kind, EMPTY) else MIXED
        if kind in ("number", "time"):
            self._numbers.append(_numbers(known))
        elif self._counts is not None:
            self._counts.update(str(value) for value in known.tolist())
            self._counts = self._counts if len(self._counts) <= MOST_VALUES else None

    def column(self, rows: int, kind: str | None) -> Column:
        missing = rows - self._known
        if self.kind in ("number", "time"):
            return Column(kind or self.kind, missing, numbers=np.concatenate(self._numbers))
        is_whole = self.kind != MIXED or not self._numbers  # the numbers of a mixed column are not among the counts
        return Column(kind or self.kind, missing, counts=self._counts if is_whole else None)


def _kind(known: Array) -> str:
    if known.dtype.kind in "iuf":
        return "number"
    if known.dtype.kind in "bMm":
        return "boolean" if known.dtype.kind == "b" else "time"
    if known.dtype.kind == "U":
        return "text"
    types = set(map(type, known.tolist()))
    if types == {bool}:
        return "boolean"
    if types == {str}:
        return "text"
    return "number" if all(_is_number(each) for each in types) else MIXED


def _is_number(kind: type) -> bool:
    # an array has a __float__, too: it is the value of a column of lists
    return kind is not bool and hasattr(kind, "__float__") and not hasattr(kind, "__len__")


def _numbers(known: Array) -> Array:
    """As floats; those that are infinite, or too large for the type, are as large as can be compared."""
    if known.dtype.kind in "Mm":
        return known.astype("int64").astype(float)
    if known.dtype.kind == "O":
        found: Array = np.array([_as_float(value) for value in known.tolist()])
    else:
        found = known.astype(float)
    return np.clip(found, -1e300, 1e300)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return 1e300 if value > 0 else -1e300


def unread(reason: str, hint: str = "") -> DataTable:
    """A table that could not be read, and why."""
    return DataTable(reason=reason, hint=hint, has_values=False)


def named(rows: int, names: Collection[str], *, reason: str) -> DataTable:
    """A table of which only rows and names of columns are known."""
    return DataTable(rows, {name: Column("", 0) for name in names}, has_values=False, reason=reason)
