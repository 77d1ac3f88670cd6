"""The digest of rows: the same in any order, and wherever they were read from.

A cell is what it means: 1 and 1.0 are one number, a day is one moment however it is written, and what is missing is as if its
column were not there. Rows are put into an order that depends on nothing but them; then columns are hashed, by their names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.monitoring import moments
from mlgit.statistics.rows import Coded

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_FORM = b"mlgit rows 1\n"
# What kind of cell it is. A kind with one word of 64 bits is narrow.
_MISSING, _NUMBER, _TRUTH, _TIME, _TEXT = range(5)
_NOTHING = 0x7FF8DEAD00000000  # no number has these bits, and no time


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """A column: two words of 64 bits for each row. `kinds` is one for all that are not missing, or one for each row."""

    name: str
    low: Array
    high: Array | None
    kinds: int | Array


def digests(columns: Mapping[str, Any], *, windows: Array, n_windows: int) -> list[str]:
    """The digests of windows: `windows` says of each row in which it is, from 0; a row in none has -1."""
    cells = [each for name in sorted(columns) for each in _cells(name, columns[name])]
    # rows that differ and share 64 bits stay in the order in which they came: one in 10^8 tables of a million rows
    order = np.lexsort((_row_hashes(cells, len(windows)), windows))
    places = np.searchsorted(windows[order], np.arange(n_windows + 1))
    spans = list(zip(places[:-1].tolist(), places[1:].tolist(), strict=True))
    hashes = [hashlib.sha256(_FORM + str(end - begin).encode()) for begin, end in spans]
    for each in cells:
        _add(each, order, spans, hashes)
    return [f"sha256:{each.hexdigest()}" for each in hashes]


def row_hashes(columns: Mapping[str, Any], *, rows: int) -> Array:
    """64 bits for each row, the same where the rows are: by what cells mean, as in digests."""
    return _row_hashes([each for name in sorted(columns) for each in _cells(name, columns[name])], rows)


def _add(cells: _Cells, order: Array, spans: Sequence[tuple[int, int]], hashes: Sequence[Any]) -> None:
    low = cells.low[order]
    kinds = cells.kinds if isinstance(cells.kinds, int) else cells.kinds[order]
    high = cells.high[order] if cells.high is not None else None
    head = json.dumps(cells.name).encode()
    for (begin, end), into in zip(spans, hashes, strict=True):
        words = low[begin:end]
        if not len(words) or (words[0] == _NOTHING and (words == _NOTHING).all()):
            continue
        own = {kinds} if isinstance(kinds, int) else set(np.unique(kinds[begin:end]).tolist()) - {_MISSING}
        into.update(b"\n%s %s\n" % (head, bytes(sorted(own))))
        into.update(np.ascontiguousarray(words))
        if own - {_NUMBER, _TRUTH, _TIME} or len(own) > 1:
            assert high is not None, "texts have two words"
            into.update(np.ascontiguousarray(high[begin:end]))


def _row_hashes(cells: Iterable[_Cells], rows: int) -> Array:
    found = np.zeros(rows, dtype=np.uint64)
    for each in cells:
        seed = np.frombuffer(hashlib.sha256(each.name.encode("utf-8", "surrogatepass")).digest()[:8], dtype=np.uint64)[0]
        mixed = each.low ^ seed
        mixed *= np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
        mixed *= np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(29)
        mixed[each.low == _NOTHING] = 0
        found += mixed
    return found


def _cells(name: str, values: Any) -> Iterator[_Cells]:
    if isinstance(values, Coded):
        yield _of_names(name, values.names, values.places)
        return
    found = np.asarray(values)
    if found.ndim > 1:
        for place in range(found.shape[1]):
            yield _Cells(f"{name}\0{place}", _numbers(found[:, place]), None, _NUMBER)
    elif found.dtype.kind in "iuf":
        yield _Cells(name, _numbers(found), None, _NUMBER)
    elif found.dtype.kind == "b":
        yield _Cells(name, found.astype(np.uint64), None, _TRUTH)
    elif found.dtype.kind == "M":
        at = found.astype("datetime64[us]").astype(np.int64)
        yield _Cells(name, np.where(at == moments.NONE, np.uint64(_NOTHING), at.view(np.uint64)), None, _TIME)
    else:
        yield _of_names(name, *_factored(found.tolist()))


def _numbers(values: Array) -> Array:
    found = values.astype(float) + 0.0  # there is one zero
    words = found.view(np.uint64)
    words[np.isnan(found)] = _NOTHING
    return words


def _factored(values: Sequence[Any]) -> tuple[list[Any], Array]:
    """The different values, and the place of each row's among them. 1, 1.0 and True are three."""
    known: dict[Any, int] = {}
    names: list[Any] = []
    places = np.empty(len(values), dtype=np.int64)
    for row, value in enumerate(values):
        key = value if isinstance(value, str) or value is None else (type(value).__name__, _hashable(value))
        place = known.get(key)
        if place is None:
            place = known[key] = len(names)
            names.append(value)
        places[row] = place
    return names, places


def _hashable(value: Any) -> Any:
    return value if value.__hash__ is not None else _text(value)


def _of_names(name: str, names: Sequence[Any], places: Array) -> _Cells:
    made = [_cell(each) for each in names]
    low = np.array([each[1] for each in made], dtype=np.uint64)[places]
    high = np.array([each[2] for each in made], dtype=np.uint64)[places]
    kinds = np.array([each[0] for each in made], dtype=np.uint8)
    there = {each[0] for each in made} - {_MISSING}
    return _Cells(name, low, high, next(iter(there)) if len(there) == 1 else kinds[places])


def _cell(value: Any) -> tuple[int, int, int]:
    """What kind a value is, and its two words."""
    if value is None or value != value:
        return _MISSING, _NOTHING, _NOTHING
    if isinstance(value, bool):
        return _TRUTH, int(value), 0
    if isinstance(value, int | float):
        return _NUMBER, int(_numbers(np.array([_as_float(value)]))[0]), 0
    found = moments.microseconds(value)
    if found is not None:
        return _TIME, found % 2**64, 0
    text = hashlib.sha256(_text(value).encode("utf-8", "surrogatepass")).digest()
    return _TEXT, int.from_bytes(text[:8], "little"), int.from_bytes(text[8:16], "little")


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
