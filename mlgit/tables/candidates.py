"""Rows of two tables that may be the same, found as fast as pandas reads: most are told apart without a closer look.

Each row has a number of 64 bits. Rows that count as the same (see `digests`) have the same number in every file, whatever
pandas takes a column for; the other way round it need not hold, so what is found here is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from mlgit.tables import chunks, limits
from mlgit.tables.digests import WORDS, Counted

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


class RowNumbers(NamedTuple):
    """Of some rows: their numbers, those of their names (0 where a row has none), and the names as they were read."""

    rows: Array
    keys: Array
    names: Array


def numbered(source: bytes | BinaryIO, *, path: str, counted: Counted) -> Iterator[RowNumbers]:
    """The rows of a table with a separator, piece by piece in the order they stand.

    Raises MlgitError for what is no table, or too large.
    """
    import numpy as np

    for piece in chunks.chunks(source, path=path, most=limits.OVERLAP_BYTES):
        size = max(map(len, piece.values()), default=0)
        rows = np.zeros(size, dtype=np.uint64)
        for name in counted.of(piece):
            cells = _cells(piece[name])
            rows += np.where(cells == 0, np.uint64(0), _mixed(cells ^ np.uint64(_of_text(name))))
        yield RowNumbers(rows, *_names(piece, counted, size))


def _names(piece: Mapping[str, Array], counted: Counted, size: int) -> tuple[Array, Array]:
    """The numbers of the names of rows, and the names as they were read where one column has them."""
    import numpy as np

    if not counted.keys or not piece.keys() >= set(counted.keys):
        return np.zeros(size, dtype=np.uint64), np.full(size, np.nan)
    if len(counted.keys) == 1:
        names = piece[counted.keys[0]]
        return _cells(names), names
    found, is_there = np.zeros(size, dtype=np.uint64), np.ones(size, dtype=bool)
    for name in counted.keys:
        cells = _cells(piece[name])
        found += _mixed(cells ^ np.uint64(_of_text(name)))
        is_there &= cells != 0
    return np.where(is_there, np.maximum(found, np.uint64(1)), np.uint64(0)), np.full(size, np.nan)


def _cells(values: Array) -> Array:
    """A number for each value, 0 for a missing one; a text that reads as a number counts as it."""
    import numpy as np

    if values.dtype.kind in "iuf":
        return _of_floats(values.astype(np.float64))
    if values.dtype.kind == "b":
        return np.where(values, np.uint64(_of_text("true")), np.uint64(_of_text("false")))
    import pandas as pd

    codes, distinct = pd.factorize(values.astype(object))
    known = _of_texts([str(each) for each in distinct.tolist()])
    return np.where(codes < 0, np.uint64(0), np.append(known, np.uint64(0))[codes])


def _of_texts(texts: list[str]) -> Array:
    import numpy as np

    words = [WORDS.get(text, text) for text in texts]
    floats = [_as_float(word) for word in words]
    others = [_of_text(word) if word and number is None else 0 for word, number in zip(words, floats, strict=True)]
    numbers = _of_floats(np.array([np.nan if number is None else number for number in floats], dtype=np.float64))
    return numbers + np.array(others, dtype=np.uint64)


def _as_float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _of_floats(values: Array) -> Array:
    import numpy as np

    found = _mixed((values + 0.0).view(np.uint64))  # -0.0 is 0.0
    return np.where(np.isnan(values), np.uint64(0), found)


def _mixed(values: Array) -> Array:
    """Every bit of the result depends on every bit that comes in (splitmix64)."""
    import numpy as np

    with np.errstate(over="ignore"):
        mixed = values + np.uint64(0x9E3779B97F4A7C15)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return mixed ^ (mixed >> np.uint64(31))


def _of_text(text: str) -> int:
    return hash(text) & 0xFFFFFFFFFFFFFFFF or 1
