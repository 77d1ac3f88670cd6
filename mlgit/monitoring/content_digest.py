"""The digest of rows: the same in any order, and wherever they were read from.

A cell is what it means: 1 and 1.0 are one number, a day is one moment however it is written, and what is missing is as if its
column were not there. Rows are put into an order that depends on nothing but them; then columns are hashed, by their names.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.monitoring import moments
from mlgit.statistics.rows import Coded

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_FORM = "mlgit rows 1"
# What kind of cell it is; what is missing has the word 0.
_NUMBER, _TRUTH, _TIME, _TEXT = range(1, 5)
# Bits of no number that is one, and of no moment: so the word of a cell is never 0.
_NO_NUMBER = 0x7FF8DEAD00000000
_NO_TIME = moments.NONE % 2**64
_MIX = 0xD6E8FEB86659FD93


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """A column as a word of 64 bits for each row, 0 where it is missing. `kinds` is one for all, or one for each row."""

    name: str
    words: Array
    kinds: int | Array
    has_missing: bool = True

    def kinds_of(self, rows: Array) -> list[int]:
        """The kinds of the cells in some rows."""
        return [self.kinds] if isinstance(self.kinds, int) else sorted(set(np.unique(self.kinds[rows]).tolist()) - {0})


def digests(columns: Mapping[str, Any], *, windows: Array, n_windows: int) -> list[str]:
    """The digests of windows: `windows` says of each row in which it is, from 0; a row in none has -1."""
    cells = [each for name in sorted(columns) for each in _cells(name, columns[name])]
    order = _order(_row_hashes(cells, len(windows)), windows)
    bounds = np.searchsorted(windows[order], np.arange(n_windows + 1)).tolist()
    table = np.empty((len(cells), len(windows)), dtype=np.uint64)
    for place, each in enumerate(cells):
        table[place] = each.words
    gaps = [place for place, each in enumerate(cells) if each.has_missing]
    found = []
    for begin, end in itertools.pairwise(bounds):
        rows = order[begin:end]
        words = table.take(rows, axis=1)
        empty = {gaps[each] for each in np.flatnonzero(~words[gaps].any(axis=1)).tolist()} if gaps else set()
        empty = empty if end > begin else set(range(len(cells)))
        there = [place for place in range(len(cells)) if place not in empty]
        head = [(each.name, each.kinds_of(rows)) for place, each in enumerate(cells) if place not in empty]
        hashed = hashlib.sha256(json.dumps([_FORM, end - begin, head]).encode())
        hashed.update((np.ascontiguousarray(words[there]) if empty else words).data)
        found.append(f"sha256:{hashed.hexdigest()}")
    return found


def _order(hashes: Array, windows: Array) -> Array:
    """The rows by window, and in each by what they are.

    Rows that differ and share 64 bits stay as they came: that happens in one of 10^8 tables of a million rows.
    """
    order = np.argsort(hashes, kind="stable")
    return order[np.argsort(windows[order].astype(np.int16), kind="stable")] if windows.any() else order


def row_hashes(columns: Mapping[str, Any], *, rows: int) -> Array:
    """64 bits for each row, the same where the rows are: by what cells mean, as in digests."""
    return _row_hashes([each for name in sorted(columns) for each in _cells(name, columns[name])], rows)


def _row_hashes(cells: Iterable[_Cells], rows: int) -> Array:
    """Sums of what each cell gives, by its column: what is missing gives 0, as a column that is not there."""
    found = np.zeros(rows, dtype=np.uint64)
    for each in cells:
        name = hashlib.sha256(each.name.encode("utf-8", "surrogatepass")).digest()
        mixed = each.words * np.uint64(int.from_bytes(name[:8], "little") | 1)
        mixed ^= mixed >> np.uint64(29)
        mixed *= np.uint64(_MIX)
        mixed ^= mixed >> np.uint64(32)
        found += mixed
    return found


def _cells(name: str, values: Any) -> Iterator[_Cells]:
    if isinstance(values, Coded):
        yield _of_names(name, values.names, values.places, are_texts=values.are_texts)
        return
    found = np.asarray(values)
    if found.ndim > 1:
        for place in range(found.shape[1]):
            yield _of_numbers(f"{name}\0{place}", found[:, place])
    elif found.dtype.kind in "iuf":
        yield _of_numbers(name, found)
    elif found.dtype.kind == "b":
        yield _Cells(name, found.astype(np.uint64) + np.uint64(1), _TRUTH, has_missing=False)
    elif found.dtype.kind == "M":
        yield _Cells(name, found.astype("datetime64[us]").astype(np.int64).view(np.uint64) ^ np.uint64(_NO_TIME), _TIME)
    else:
        yield _of_objects(name, found.tolist())


def _of_numbers(name: str, values: Array) -> _Cells:
    found = values.astype(float) + 0.0  # there is one zero
    words = found.view(np.uint64) ^ np.uint64(_NO_NUMBER)
    is_missing = np.isnan(found)
    has_missing = bool(is_missing.any())
    if has_missing:
        words[is_missing] = 0
    return _Cells(name, words, _NUMBER, has_missing)


def _of_objects(name: str, values: Sequence[Any]) -> _Cells:
    if set(map(type, values)) <= {str, type(None)}:
        names = list(dict.fromkeys(values))
        known = {each: place for place, each in enumerate(names)}
        return _of_names(name, names, np.fromiter(map(known.__getitem__, values), dtype=np.int64, count=len(values)))
    known = {}
    places = np.fromiter((known.setdefault(_key(each), len(known)) for each in values), dtype=np.int64, count=len(values))
    firsts = {_key(each): each for each in reversed(values)}
    return _of_names(name, [firsts[key] for key in known], places, are_texts=False)


def _key(value: Any) -> Any:
    """1, 1.0 and True are three, and lists are known by their text."""
    if value is None or isinstance(value, str):
        return value
    return type(value).__name__, value if value.__hash__ is not None and value == value else _text(value)


def _of_names(name: str, names: Sequence[Any], places: Array, *, are_texts: bool = True) -> _Cells:
    made = _of_texts(names) if are_texts else [_cell(each) for each in names]
    words = np.array([each[1] for each in made], dtype=np.uint64)[places]
    kinds = {each[0] for each in made} - {0}
    has_missing = any(not each[0] for each in made)
    if len(kinds) == 1:
        return _Cells(name, words, kinds.pop(), has_missing)
    return _Cells(name, words, np.array([each[0] for each in made], dtype=np.uint8)[places], has_missing)


def _of_texts(names: Sequence[str | None]) -> list[tuple[int, int]]:
    """The cells of texts; times among them are read together."""
    dated = [each for each in names if each is not None and each[:4].isdigit() and moments.may_be(each)]
    at = {text: moment for text, moment in zip(dated, moments.of_texts(dated), strict=True) if moment != moments.NONE}
    return [_time(at[each]) if each in at else (0, 0) if each is None else _hashed(each) for each in names]


def _cell(value: Any) -> tuple[int, int]:
    """What kind a value is, and its word."""
    if value is None or value != value:
        return 0, 0
    if isinstance(value, bool):
        return _TRUTH, int(value) + 1
    if isinstance(value, int | float):
        return _NUMBER, int(_of_numbers("", np.array([_as_float(value)])).words[0])
    found = moments.microseconds(value)
    if found is not None:
        return _time(found)
    return _hashed(_text(value))


def _hashed(text: str) -> tuple[int, int]:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return _TEXT, int.from_bytes(digest[:8], "little") or 1


def _time(at: int) -> tuple[int, int]:
    return _TIME, (at % 2**64) ^ _NO_TIME


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
