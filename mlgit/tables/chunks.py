"""Tables read piece by piece, so that a large one never lies in memory as a whole: columns of arrays, by name."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.tables import formats, limits, objects, parquet, separated, small
from mlgit.tables.formats import TableFormat

Chunk = Mapping[str, Any]

_FIRST_ROWS = 1000
# About this many values at a time: 100 MB of objects at most.
_VALUES = 1_000_000
# Bytes of a key that is read as they stand: enough for whole numbers of 18 digits, and one more to tell longer ones.
KEY_BYTES = 19


def chunks(
    source: bytes | BinaryIO,
    *,
    path: str,
    texts: Collection[str] = (),
    keys: Collection[str] = (),
    guessed: Collection[str] = (),
    literally: bool = False,
    most: int = limits.VALUES_BYTES,
    wanted: Callable[[str], bool] | None = None,
    in_arrow: bool = False,
) -> Iterator[Chunk]:
    """The rows of a table in the order they stand: for each piece, arrays of equal length by column name.

    The end of `path` tells the format. A table without rows is one piece with empty columns. What a file without types calls
    numbers is told by each piece for itself; `texts` are columns of a CSV or TSV file to be left as texts. `literally`, only an
    empty field there is a missing value, for a class may be called None. `keys` are left as texts, or where that is faster as
    their first KEY_BYTES bytes. `most` is how many bytes of text are read, and the values of columns that are not `wanted` mean
    nothing. `guessed` are texts that may come as numbers where all of a piece look so: texts are read much faster where pandas
    finds out by itself that they are. `in_arrow` leaves columns of texts, of which none is missing, as Arrow's chunked arrays.
    Raises MlgitError for what is not in its format, or larger than is read.
    """
    table = formats.known(path)
    if table.name == "parquet":
        return (parquet.arrays(piece, in_arrow=in_arrow) for piece in parquet.pieces(source))
    if table.separator:
        columns = small.columns(source, table=table, texts={*texts, *keys}, literally=literally, most=most)
        if columns is not None:
            return iter([columns])
        named = _named(source, table, most) if wanted or keys else ()
        types = _types(named, texts=[name for name in texts if name not in guessed], keys=keys, wanted=wanted)
        return _of_separated(source, table, types, literally, most, in_arrow)
    return map(_of_rows, objects.batches(source, table=table, most=most))


def _named(source: bytes | BinaryIO, table: TableFormat, most: int) -> tuple[str, ...]:
    """The names of the columns; none where pandas has to tell what is wrong with them."""
    try:
        return separated.rows(source, table=table, most=most)[0]
    except MlgitError:
        return ()


def _types(
    names: Collection[str], *, texts: Collection[str], keys: Collection[str], wanted: Callable[[str], bool] | None
) -> dict[str, Any]:
    """What pandas is told of columns; of those not wanted it keeps a byte. `usecols` would pass over rows with too many fields.

    A second column of one name has the type of the first, so the first of several is read as if it were wanted.
    """
    repeated = {name.rpartition(".")[0] for name in names}
    found: dict[str, Any] = {name: str if name in repeated else f"S{KEY_BYTES}" for name in keys} | dict.fromkeys(texts, str)
    if wanted is not None:
        found |= {name: "S1" for name in names if name not in repeated and not wanted(name)}
    return found


def _of_separated(
    source: bytes | BinaryIO, table: TableFormat, types: Mapping[str, Any], literally: bool, most: int, in_arrow: bool = False
) -> Iterator[Chunk]:
    import pandas as pd

    text, encoding_errors = separated.for_pandas(source, table=table, most=most)
    try:
        with pd.read_csv(
            text,
            sep=table.separator,
            iterator=True,
            low_memory=False,
            index_col=False,
            encoding_errors=encoding_errors,
            dtype=dict(types),
            keep_default_na=not literally,
            na_values=[""],
        ) as reader:
            piece = _piece(reader, _FIRST_ROWS)
            while piece is not None:
                yield _columns(piece, in_arrow)
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


def _columns(frame: Any, in_arrow: bool) -> Chunk:
    return {str(name): _values(frame.iloc[:, place], in_arrow) for place, name in enumerate(frame.columns)}


def _values(series: Any, in_arrow: bool) -> Any:
    if not in_arrow or getattr(series.dtype, "storage", "") != "pyarrow":
        return series.to_numpy()
    import pyarrow as pa

    column = parquet.texts(pa.array(series.array))
    return series.to_numpy() if column is None else column


def _of_rows(rows: list[objects.Row]) -> Chunk:
    """A key that a row lacks is a missing value."""
    import numpy as np

    names = dict.fromkeys(name for row in rows for name in row)
    # not `np.array`, to which lists of one length are a second dimension
    return {name: np.fromiter((row.get(name) for row in rows), dtype=object, count=len(rows)) for name in names}
