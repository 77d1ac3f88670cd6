"""A digest for each row of a table, the same whatever the format.

A row is its known values by the name of their column, in any order. A value counts by what it would be in a CSV file:

- a number by its value, whether it is written `1`, `1.0` or `1e0`, as a number or as the text of one (`007` is no number);
- true and false in any spelling that pandas reads as such;
- nothing, an empty text, NaN, and what pandas reads as missing (`NA`, `null`, ...): no value, as if there were no column;
- a date or time as Python writes it: `2024-01-02 03:04:05`;
- a list or an object as JSON, its keys sorted.

A column without a name (`Unnamed: 0`), as pandas and R write the numbers of rows, does not count where others do.
A number of a type with few digits (float32) counts by the shortest text that stands for it there, which is what is written.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, BinaryIO

from mlgit.tables import formats, limits, objects, parquet, separated
from mlgit.tables.formats import TableFormat

_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(\.[0-9]*)?|(\.[0-9]+))([eE][+-]?[0-9]+)?")
_BEGINS_NUMBER = frozenset("-.0123456789")
# What stands for a missing value in text formats, as pandas reads them.
MISSING_WORDS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
)
WORDS = {
    **dict.fromkeys(MISSING_WORDS, ""),
    **dict.fromkeys(("True", "TRUE"), "true"),
    **dict.fromkeys(("False", "FALSE"), "false"),
    **dict.fromkeys(("Infinity", "+inf", "Inf", "INF"), "inf"),
    **dict.fromkeys(("-Infinity", "-Inf", "-INF"), "-inf"),
}
_UNNAMED = re.compile(r"Unnamed: [0-9]+")
_MOST_KNOWN = 200_000
_LONGEST = 5000
_EMPTY = ("",)


def row_digests(
    source: bytes | BinaryIO,
    *,
    path: str,
    keys: Sequence[str] = (),
    names: set[str] | None = None,
    places: Collection[int] | None = None,
    most: int = limits.OVERLAP_BYTES,
) -> Iterator[tuple[bytes, str]]:
    """Of every row of a table, in the order they stand: a digest without the columns that name rows, and what they say there.

    With `places`, which only a table with a separator has, of the rows that stand there. The name is '' where there is none.
    The columns that count are added to `names`. Raises MlgitError for what is no table, or too large.
    """
    table = formats.known(path)
    counted = Counted(keys, set() if names is None else names)
    if table.name == "parquet":
        return _of_columns(parquet.pieces(source), counted)
    if table.separator:
        return _of_texts(source, table, counted, most, places)
    return _of_objects(objects.batches(source, table=table, most=most), counted)


class Counted:
    """Which columns count: all but those that name rows, alone or together (`keys`)."""

    def __init__(self, keys: Sequence[str], names: set[str]) -> None:
        self.keys, self._names = tuple(filter(None, keys)), names

    def of(self, names: Iterable[str]) -> list[str]:
        """Those of these columns that count, in the order of their names."""
        others = sorted(name for name in names if name not in self.keys)
        found = [name for name in others if not _UNNAMED.fullmatch(name)] or others
        self._names.update(found)
        return found

    def name(self, values: Sequence[str]) -> str:
        """The name of a row by the values in these columns: '' where one of them is missing."""
        if len(values) == 1:
            return values[0]
        return _joined(values) if values and all(values) else ""


class _Canonical(dict[str, str]):
    """Texts as they count; those that come again are looked up."""

    _room = 64 << 20

    def __missing__(self, text: str) -> str:
        found = _text(text)
        if len(self) < _MOST_KNOWN and len(text) < self._room:
            self._room -= len(text)
            self[text] = found
        return found


def _text(text: str) -> str:
    """A text as it counts."""
    if len(text) > _LONGEST:  # it may come in every row
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    found = _NUMBER.fullmatch(text) if text[:1] in _BEGINS_NUMBER else None
    if found is None:
        return WORDS.get(text, text)
    if found.lastindex is None:  # whole
        return "0" if text == "-0" else text
    if found.lastindex == 1 and len(text) < 16 and text[-1] in "123456789" and ".000" not in text:
        return text  # so few digits are what Python writes for that number
    number = float(text)
    # names in hexadecimal digits, such as 123456789e012345 and 0e12, are no numbers
    is_name = math.isinf(number) or (number == 0 and (found[3] or "").strip("eE+-0") != "" and text[0] == "0")
    return text if is_name else _number(number)


def _number(number: float) -> str:
    if number != number:
        return ""
    return str(int(number)) if number.is_integer() else repr(number)


def _value(value: Any) -> str:
    """A value with a type as it counts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, bytes):
        return _text(value.decode("utf-8", "surrogateescape"))
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, sort_keys=True, default=str)
    return _text(str(value))


def _of_texts(
    source: bytes | BinaryIO, table: TableFormat, counted: Counted, most: int, places_of_rows: Collection[int] | None
) -> Iterator[tuple[bytes, str]]:
    # bytes that are no UTF-8 differ from each other
    names, found = separated.rows(source, table=table, most=most, errors="surrogateescape")
    at = {name: place for place, name in enumerate(names)}
    places = [(name, at[name]) for name in counted.of(names)]
    digest, width, canonical = _Digest([name for name, _ in places]), len(names), _Canonical()
    picked: Callable[[Sequence[str]], Any] = itemgetter(*(place for _, place in places)) if places else lambda row: ()
    count = canonical.__getitem__
    keys_at = [at[name] for name in counted.keys] if at.keys() >= set(counted.keys) else []
    for place, row in enumerate(found):
        if places_of_rows is not None and place not in places_of_rows:
            continue
        if len(row) < width:
            row.extend(_EMPTY * (width - len(row)))
        values = picked(row) if len(places) != 1 else (picked(row),)
        yield digest.of(list(map(count, values))), counted.name([_text(row[each]) for each in keys_at])


def _of_columns(pieces: Iterator[Mapping[str, Any]], counted: Counted) -> Iterator[tuple[bytes, str]]:
    canonical = _Canonical()
    for piece in pieces:
        names = counted.of(piece)
        digest = _Digest(names)
        columns = [parquet.values(piece[name]) for name in names]
        number = max(map(len, piece.values()), default=0)
        found = zip(*columns, strict=True) if columns else repeat((), number)
        named = [parquet.values(piece[name]) for name in counted.keys] if piece.keys() >= set(counted.keys) else []
        keys = zip(*named, strict=True) if named else repeat((), number)
        for row, key in zip(found, keys, strict=True):
            known = [canonical[value] if type(value) is str else _value(value) for value in row]
            yield digest.of(known), counted.name(list(map(_value, key)))


def _of_objects(batches: Iterator[list[objects.Row]], counted: Counted) -> Iterator[tuple[bytes, str]]:
    digests: dict[tuple[str, ...], _Digest] = {}
    for batch in batches:
        for row in batch:
            keys = tuple(row)
            digest = digests.get(keys) or _Digest(counted.of(keys))
            if len(digests) < _MOST_KNOWN // 1000:
                digests[keys] = digest
            named = counted.name([_value(row.get(name)) for name in counted.keys])
            yield digest.of([_value(row[name]) for name in digest.names]), named


class _Digest:
    """Digests of rows that have these columns."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._head = _joined(names)

    def of(self, values: Sequence[str]) -> bytes:
        if "" in values:
            there = [(name, value) for name, value in zip(self.names, values, strict=True) if value]
            text = f"{_joined([name for name, _ in there])}\0\0{_joined([value for _, value in there])}"
        else:
            text = f"{self._head}\0\0{_joined(values)}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _joined(texts: Sequence[str]) -> str:
    """Texts as one, from which they could be told apart again."""
    joined = "\0".join(texts)
    return joined if joined.count("\0") < max(1, len(texts)) else "\0".join(text.replace("\0", "\0\1") for text in texts)
