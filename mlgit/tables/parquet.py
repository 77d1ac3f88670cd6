"""Parquet files: what they say of themselves, and their rows, piece by piece."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from typing import Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.tables import limits, separated, streams

_FIRST_ROWS = 1000
# About this many values at a time: 100 MB of objects at most.
_VALUES = 1_000_000
# Where pandas keeps the index of a frame that has no name for it: it names rows, and is no column of the table.
_INDEX = re.compile(r"__index_level_\d+__")
_KINDS = {
    "int": "integer",
    "uint": "integer",
    "float": "number",
    "double": "number",
    "halffloat": "number",
    "decimal": "number",
    "bool": "boolean",
    "string": "text",
    "large_string": "text",
    "dictionary<values=string": "text",
}


def outline(source: bytes | BinaryIO) -> tuple[int, tuple[str, ...]]:
    """Rows and names of columns, as the file tells them at its end. Raises MlgitError for what is no Parquet file."""
    with _reading():
        found = _opened(source)
        return int(found.metadata.num_rows), tuple(_columns(found))


def kinds(source: bytes | BinaryIO) -> Mapping[str, str]:
    """What the file says of its columns: integer, number, boolean or text, else the name of its own type."""
    with _reading():
        found = _opened(source)
        types = found.schema_arrow.types
        return {name: _kind(str(types[place])) for name, place in _columns(found).items()}


def pieces(source: bytes | BinaryIO) -> Iterator[Mapping[str, Any]]:
    """Arrow arrays of equal length by the name of their column; the first piece is empty.

    Raises MlgitError for what is no Parquet file, or is too large unpacked.
    """
    from pyarrow import RecordBatch

    with _reading():
        found = _opened(source, once=True)
        columns = _columns(found)
        groups = (found.metadata.row_group(at) for at in range(found.metadata.num_row_groups))
        unpacked = sum(group.total_byte_size for group in groups)
        limits.refuse_parquet(unpacked=unpacked, values=found.metadata.num_rows * len(columns))
        size = max(_FIRST_ROWS, _VALUES // max(1, len(columns)))
        empty = RecordBatch.from_pylist([], schema=found.schema_arrow)
        for piece in chain((empty,), found.iter_batches(batch_size=size)):
            yield {name: piece.column(place) for name, place in columns.items()}


def values(column: Any) -> list[Any]:
    """The values of an Arrow array; those of a short float as the shortest texts that stand for them."""
    from pyarrow import string, types

    with _reading():
        if types.is_dictionary(column.type):
            return _of_dictionary(column)
        is_short = types.is_float32(column.type) or types.is_float16(column.type)
        found: list[Any] = (column.cast("float32").cast(string()) if is_short else column).to_pylist()
        return found


def arrays(piece: Mapping[str, Any], *, in_arrow: bool = False) -> dict[str, Any]:
    """Arrow arrays as those of numpy; `in_arrow` leaves columns of texts, of which none is missing, as chunked arrays."""
    import numpy as np
    from pyarrow import types

    found: dict[str, Any] = {}
    with _reading():
        for name, column in piece.items():
            if in_arrow and (known := texts(column)) is not None:
                found[name] = known
            elif types.is_dictionary(column.type) or types.is_nested(column.type):  # lists as JSON has them, and no arrays
                found[name] = np.fromiter(values(column), dtype=object, count=len(column))
            else:
                found[name] = column.to_pandas().to_numpy()
    return found


def texts(column: Any) -> Any | None:
    """A chunked array of texts; None for an Arrow array of anything else, or where one is missing."""
    import pyarrow as pa

    is_dictionary = pa.types.is_dictionary(column.type)
    kind = column.type.value_type if is_dictionary else column.type
    found = column.cast(kind) if is_dictionary and not column.null_count else column
    if found.null_count or not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    return pa.chunked_array(found.chunks if isinstance(found, pa.ChunkedArray) else [found], type=kind)


def _of_dictionary(column: Any) -> list[Any]:
    """The values, each of them once in memory however often it comes."""
    known = column.dictionary.to_pylist()
    return [None if at is None else known[at] for at in column.indices.to_pylist()]


def _opened(source: bytes | BinaryIO, *, once: bool = False) -> Any:
    """The file; with `once`, a text that comes again and again lies in memory once, as in the file."""
    from pyarrow import parquet, types

    found = parquet.ParquetFile(streams.opened(source))
    limits.refuse_columns(found.metadata.num_columns)
    schema = found.schema_arrow
    texts = [name for name, kind in zip(schema.names, schema.types, strict=True) if types.is_string(kind)] if once else []
    return parquet.ParquetFile(streams.opened(source), metadata=found.metadata, read_dictionary=texts) if texts else found


def _columns(found: Any) -> dict[str, int]:
    """The places of the columns by name."""
    places = [place for place, name in enumerate(found.schema_arrow.names) if not _INDEX.fullmatch(name)]
    return dict(zip(separated.names([found.schema_arrow.names[place] for place in places]), places, strict=True))


def _kind(name: str) -> str:
    return next((kind for begin, kind in _KINDS.items() if name.startswith(begin)), name)


@contextmanager
def _reading() -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, OSError, ValueError) as error:
        raise MlgitError(f"no Parquet file: {error}") from error
