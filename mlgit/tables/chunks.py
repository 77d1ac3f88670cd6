"""Tables read piece by piece, so that a large one never lies in memory as a whole: columns of arrays, by name."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

from mlgit.tables import formats, limits, objects, parquet, separated, small
from mlgit.tables.formats import TableFormat

Chunk = Mapping[str, Any]

_FIRST_ROWS = 1000
# About this many values at a time: 100 MB of objects at most.
_VALUES = 1_000_000


def chunks(
    source: bytes | BinaryIO,
    *,
    path: str,
    texts: Collection[str] = (),
    literally: bool = False,
    most: int = limits.VALUES_BYTES,
) -> Iterator[Chunk]:
    """The rows of a table in the order they stand: for each piece, arrays of equal length by column name.

    The end of `path` tells the format. A table without rows is one piece with empty columns. What a file without types calls
    numbers is told by each piece for itself; `texts` are columns of a CSV or TSV file to be left as texts. `literally`, only an
    empty field there is a missing value, for a class may be called None. `most` is how many bytes of text are read.
    Raises MlgitError for what is not in its format, or larger than is read.
    """
    table = formats.known(path)
    if table.name == "parquet":
        return map(parquet.arrays, parquet.pieces(source))
    if table.separator:
        columns = small.columns(source, table=table, texts=texts, literally=literally, most=most)
        return iter([columns]) if columns is not None else _of_separated(source, table, texts, literally, most)
    return map(_of_rows, objects.batches(source, table=table, most=most))


def _of_separated(
    source: bytes | BinaryIO, table: TableFormat, texts: Collection[str], literally: bool, most: int
) -> Iterator[Chunk]:
    import pandas as pd

    try:
        with pd.read_csv(
            separated.for_pandas(source, table=table, most=most),
            sep=table.separator,
            iterator=True,
            low_memory=False,
            index_col=False,
            encoding_errors="replace",
            dtype=dict.fromkeys(texts, str),
            keep_default_na=not literally,
            na_values=[""],
        ) as reader:
            piece = _piece(reader, _FIRST_ROWS)
            while piece is not None:
                yield _columns(piece)
                piece = _piece(reader, max(_FIRST_ROWS, _VALUES // max(1, len(piece.columns)))) if len(piece) else None
    except pd.errors.EmptyDataError:
        return
    except (pd.errors.ParserWarning, ValueError, OverflowError) as error:
        raise separated.refused(table.separator, error) from error


def _piece(reader: Any, rows: int) -> Any:
    """The next rows, or None after the last."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # it would pass over fields that no column has
        try:
            return reader.get_chunk(rows)
        except StopIteration:
            return None


def _columns(frame: Any) -> Chunk:
    return {str(name): frame.iloc[:, place].to_numpy() for place, name in enumerate(frame.columns)}


def _of_rows(rows: list[objects.Row]) -> Chunk:
    """A key that a row lacks is a missing value."""
    import numpy as np

    names = dict.fromkeys(name for row in rows for name in row)
    # not `np.array`, to which lists of one length are a second dimension
    return {name: np.fromiter((row.get(name) for row in rows), dtype=object, count=len(rows)) for name in names}
