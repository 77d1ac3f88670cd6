"""All columns of a table, each as one array: what windows and training data are judged by.

Numbers are floats or integers (NaN where missing), truth values booleans, moments `datetime64` in UTC. Texts are objects, None
where missing, or, without missing ones, classes (`rows.Coded`). Lists of numbers, all of one length, have two dimensions.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from mlgit import lazy_numpy as np
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.tables import arrow_columns, arrow_csv, chunks, formats, limits, objects, parquet, streams
from mlgit.tables.formats import TableFormat

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Bytes that no text has are looked for in so many at the beginning, as streams do.
_LOOKED_AT = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class WholeTable:
    """The rows of a table, by columns of equal length."""

    rows: int
    columns: Mapping[str, Array] = field(default_factory=dict)


def read(path: str, *, name: str, texts: Collection[str] = (), literal: Collection[str] = ()) -> WholeTable:
    """The table in a file; the end of `name`, which messages call it, tells the format.

    Missing are empty fields and the words for it, as NA; of the columns `literal` only empty fields, for a class may be called
    None. `texts` are left as texts where the file has no types. Raises MlgitError `NAME: what` for what is no table.
    """
    try:
        table = formats.known(name)
        with open(path, "rb", opener=lambda each, _: files.open_regular(each, name=name)) as stream:
            if table.name == "parquet":
                return _of_parquet(stream)
            if table.separator:
                return _of_text(stream, table, ending=formats.ending(name), texts=texts, literal=literal)
            return of_rows([row for some in objects.batches(stream, table=table, most=limits.WHOLE_BYTES) for row in some])
    except MlgitError as error:
        raise MlgitError(f"{name}: {error.message.removeprefix(f'{name}: ')}", error.hint) from error
    except OSError as error:
        raise MlgitError(f"{name}: cannot be read: {error.strerror or error}") from error


def _of_parquet(stream: BinaryIO) -> WholeTable:
    import pyarrow as pa

    found: dict[str, list[Any]] = {}
    for piece in parquet.pieces(stream):
        for name, column in piece.items():
            found.setdefault(name, []).append(column)
    rows = sum(map(len, next(iter(found.values()), [])))
    columns = {name: arrow_columns.array(pa.chunked_array(pieces)) for name, pieces in found.items()}
    return WholeTable(rows, {name: _settled(values) for name, values in columns.items()})


def _of_text(
    stream: BinaryIO, table: TableFormat, *, ending: str, texts: Collection[str], literal: Collection[str]
) -> WholeTable:
    content = streams.text(stream, table=table, most=limits.WHOLE_BYTES).read() if table.is_packed else _unpacked(stream)
    found = arrow_csv.read(content, table=table, texts=texts, literal=literal)
    if found is None:
        return _of_pieces(stream, ending, texts=texts, literal=literal)
    return WholeTable(found.num_rows, {name: arrow_columns.array(found.column(name)) for name in found.column_names})


def _unpacked(stream: BinaryIO) -> bytes:
    """The bytes of a text; what else streams look at, Arrow refuses, and then they do."""
    content = stream.read(limits.WHOLE_BYTES + 1)
    limits.refuse_bytes(len(content), most=limits.WHOLE_BYTES)
    return b"" if b"\0" in content[:_LOOKED_AT] else content


def _of_pieces(stream: BinaryIO, ending: str, *, texts: Collection[str], literal: Collection[str]) -> WholeTable:
    """As pandas reads it: what only looks like a table, has short rows, or bytes that are no UTF-8."""
    read = functools.partial(chunks.chunks, stream, path=f"x{ending}", most=limits.PREDICTIONS_BYTES)
    found = _gathered(read(texts=texts))
    mixed = {name for name, pieces in found.items() if len({each.dtype.kind == "O" for each in pieces if len(each)}) > 1}
    if mixed:
        found = _gathered(read(texts={*texts, *mixed}))
    exact = [name for name in literal if any(_has_missing(each) for each in found.get(name, ()))]
    if exact:
        again = _gathered(read(texts={*texts, *mixed}, literally=True))
        found |= {name: again[name] for name in exact}
    columns = {name: _settled(np.concatenate(pieces)) for name, pieces in found.items()}
    return WholeTable(len(next(iter(columns.values()), ())), columns)


def _gathered(pieces: Iterable[Mapping[str, Any]]) -> dict[str, list[Array]]:
    found: dict[str, list[Array]] = {}
    for piece in pieces:
        for name, values in piece.items():
            found.setdefault(name, []).append(np.asarray(values))
    return {name: [each for each in values if len(each)] or values[:1] for name, values in found.items()}


def _has_missing(values: Array) -> bool:
    return bool((values != values).any()) if values.dtype.kind in "fO" else False


def of_rows(rows: Sequence[Mapping[str, Any]]) -> WholeTable:
    """The columns of rows that are objects; a key that a row lacks is a missing value."""
    names = dict.fromkeys(name for row in rows for name in row)
    return WholeTable(len(rows), {name: of_values([row.get(name) for row in rows]) for name in names})


def of_values(values: Sequence[Any]) -> Array:
    """Values of a column as an array: numbers, truth values or lists of numbers where all are, else objects."""
    kinds = set(map(type, values))
    if kinds <= {int, float} and kinds:
        return _numbers(values)
    if kinds == {bool}:
        return np.array(values, dtype=bool)
    if kinds <= {int, float, type(None)}:
        return _numbers([np.nan if each is None else each for each in values])
    return _settled(np.fromiter(values, dtype=object, count=len(values)))


def _numbers(values: Sequence[Any]) -> Array:
    kind = float if float in set(map(type, values)) else np.int64
    try:
        return np.array(values, dtype=kind)
    except OverflowError:
        return np.array([_as_float(each) for each in values], dtype=float)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _settled(values: Any) -> Array:
    """An array of objects as what they are, with None where one is missing; any other array as it is."""
    found: Array = values
    if not isinstance(values, np.ndarray) or values.dtype.kind != "O":
        return found
    listed = values.tolist()
    kinds = set(map(type, listed))
    if kinds <= {str, type(None)}:
        return found
    if kinds & {list, np.ndarray}:
        return _vectors(listed, found)
    plain = [None if each is None or each != each else each for each in listed]
    if set(map(type, plain)) <= {int, float, type(None)}:
        return of_values(plain)
    return np.fromiter(plain, dtype=object, count=len(plain))


def _vectors(listed: Sequence[Any], found: Array) -> Array:
    """Lists of numbers of one length as an array of two dimensions, NaN where one is missing; else as they are."""
    width = {len(each) for each in listed if isinstance(each, list | np.ndarray)}
    if len(width) != 1 or not all(each is None or isinstance(each, list | np.ndarray) for each in listed):
        return found
    empty = [np.nan] * width.pop()
    try:
        made = np.array([empty if each is None else [np.nan if one is None else one for one in each] for each in listed])
    except (TypeError, ValueError):
        return found
    return made.astype(float) if made.ndim == 2 and made.dtype.kind in "if" else found
