"""Columns of texts as Arrow holds them: in a quarter of the memory that objects take, and compared at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlgit.statistics.rows import Coded, Texts

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Few rows are as well off as objects.
FEWEST_ROWS = 10_000
# More different texts among the first rows are names of rows, and no classes.
_FIRST, _MOST_OF_FIRST = 1000, 100
_MOST_CLASSES = 10_000


class ArrowTexts(Texts):
    """Texts of a chunked array."""

    __slots__ = ("arrow",)

    def __init__(self, arrow: Any) -> None:
        self.arrow = arrow

    def __len__(self) -> int:
        return len(self.arrow)

    def __getitem__(self, rows: Array) -> ArrowTexts:
        return ArrowTexts(self.arrow.take(pa.array(rows)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        found: Array = self.arrow.to_numpy()
        return found.astype(dtype or object, copy=False)

    def is_same(self, other: Texts) -> bool:
        """Whether the other column has the same texts in the same order."""
        return isinstance(other, ArrowTexts) and bool(self.arrow.equals(_as(other.arrow, self.arrow.type)))

    def places_in(self, other: Texts) -> Array | None:
        """Where the other column has each text of this one, if both have the same ones, each once; else None."""
        if not isinstance(other, ArrowTexts) or len(self) != len(other):
            return None
        if self.is_same(other) and self.is_ascending():
            return np.arange(len(self))
        found = pc.index_in(self.arrow, value_set=_as(other.arrow, self.arrow.type).combine_chunks())
        if found.null_count:
            return None
        places: Array = found.to_numpy().astype(np.int64)
        return places if (np.bincount(places, minlength=len(self)) == 1).all() else None

    def is_ascending(self) -> bool:
        """Whether each text is longer than the one before it, or as long and behind it in the order of the letters."""
        sizes = pc.utf8_length(self.arrow).to_numpy()
        if (sizes[1:] < sizes[:-1]).any():
            return False
        is_behind = pc.greater(self.arrow[1:], self.arrow[:-1]).to_numpy()
        return bool(((sizes[1:] > sizes[:-1]) | is_behind).all())

    def joined(self, start: int, stop: int) -> str:
        """The texts of some rows, each after a NUL but the first."""
        some = _as(self.arrow[start:stop], pa.string()).combine_chunks()
        lines = pa.ListArray.from_arrays(pa.array([0, len(some)], pa.int32()), some)
        found: str = pc.binary_join(lines, "\0")[0].as_py()
        return found


def _as(arrow: Any, kind: Any) -> Any:
    return arrow if arrow.type == kind else arrow.cast(kind)


def joined(pieces: Sequence[Any]) -> Any:
    """Chunked arrays of texts as one column: classes as such, and few rows as objects."""
    kind = pieces[0].type if len({each.type for each in pieces}) == 1 else pa.large_string()
    whole = pa.chunked_array([chunk for each in pieces for chunk in _as(each, kind).chunks], type=kind)
    if len(whole) < FEWEST_ROWS:
        return whole.to_numpy()
    return _coded(whole) or ArrowTexts(whole)


def _coded(arrow: Any) -> Coded | None:
    if len(set(arrow[:_FIRST].to_pylist())) > _MOST_OF_FIRST:
        return None
    found = arrow.combine_chunks().dictionary_encode()
    names = found.dictionary.to_pylist()
    if len(names) > _MOST_CLASSES:
        return None
    ordered = sorted(names)
    number = {name: place for place, name in enumerate(ordered)}
    codes = np.array([number[name] for name in names], dtype=np.min_scalar_type(len(names)))
    return Coded(tuple(ordered), codes[found.indices.to_numpy()])
