"""Tables read piece by piece, so that a large one never lies in memory as a whole: columns of arrays, by name."""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterator, Mapping
from io import BytesIO
from typing import Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.tables import outline

Chunk = Mapping[str, Any]

_SEPARATORS = {"csv": ",", "tsv": "\t"}
_NAMES = {",": "commas", "\t": "tabs"}
_LINES = ("jsonl", "ndjson")
UNTYPED = tuple(_SEPARATORS)
ENDINGS = (*UNTYPED, *_LINES, "parquet")

_FIRST_ROWS = 1000
# About this many values at a time: 100 MB of objects at most.
_VALUES = 1_000_000


def chunks(content: bytes, *, ending: str, texts: Collection[str] = (), literally: bool = False) -> Iterator[Chunk]:
    """The rows of a table in the order they stand: for each piece, arrays of equal length by column name.

    A table without rows is one piece with empty columns. What a file without types calls numbers is told by each piece for
    itself; `texts` are columns of a CSV or TSV file to be left as texts. `literally`, only an empty field there is a missing
    value, for a class may be called None.
    Raises MlgitError for what is not in its format.
    """
    if ending == "parquet":
        return _of_parquet(BytesIO(content))
    if b"\0" in content[:1_000_000]:
        raise MlgitError("no table: it has bytes that no text has", "save it as UTF-8 text, or name it by what it is")
    outline.check(content, ending=ending)
    return _of_lines(content) if ending in _LINES else _of_separated(content, _SEPARATORS[ending], texts, literally)


def _of_separated(content: bytes, separator: str, texts: Collection[str], literally: bool) -> Iterator[Chunk]:
    import pandas as pd

    try:
        with pd.read_csv(
            BytesIO(content),
            sep=separator,
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
        said = " ".join(str(error).split())
        raise MlgitError(f"no table with {_NAMES[separator]} between its fields: {said}") from error


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


def _of_lines(content: bytes) -> Iterator[Chunk]:
    """One JSON object per line; a key that a row lacks is a missing value."""
    rows: list[dict[str, Any]] = []
    names: set[str] = set()
    every: set[str] = set()
    for number, line in enumerate(BytesIO(content), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8", "replace"))
        except (ValueError, RecursionError) as error:
            raise MlgitError(f"line {number} is no JSON: {error}") from error
        if not isinstance(row, dict):
            raise MlgitError(f"line {number} is no JSON object, so it has no columns")
        rows.append(row)
        names.update(row)
        every.update(row)
        outline.refuse_columns(len(every))
        if len(rows) * len(names) >= _VALUES or len(rows) >= _VALUES // 10:
            yield _of_rows(rows)
            rows, names = [], set()
    yield _of_rows(rows)


def listed(content: bytes) -> Iterator[Chunk]:
    """The rows of a JSON document that is a list of objects, as one piece. Raises MlgitError for another."""
    outline.check(content, ending="json")
    try:
        rows = json.loads(content.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        raise MlgitError(f"no JSON: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise MlgitError("no list of JSON objects, so it has no rows and columns")
    outline.refuse_columns(len({name for row in rows for name in row}), rows=len(rows))
    yield _of_rows(rows)


def _of_rows(rows: list[dict[str, Any]]) -> Chunk:
    import numpy as np

    names = dict.fromkeys(name for row in rows for name in row)
    found = {name: np.empty(len(rows), dtype=object) for name in names}
    for name, column in found.items():
        column[:] = [row.get(name) for row in rows]
    return found


def _of_parquet(stream: BinaryIO) -> Iterator[Chunk]:
    parquet, trouble = _parquet()
    try:
        opened = parquet.ParquetFile(stream)
        outline.refuse_columns(opened.metadata.num_columns)
        outline.refuse_size(sum(opened.metadata.row_group(at).total_byte_size for at in range(opened.metadata.num_row_groups)))
        rows = max(_FIRST_ROWS, _VALUES // max(1, len(opened.schema_arrow.names)))
        yield {str(name): [] for name in opened.schema_arrow.names}
        for piece in opened.iter_batches(batch_size=rows):
            yield _columns(piece.to_pandas())
    except (trouble, OSError) as error:
        raise MlgitError(f"no Parquet file: {error}") from error


def parquet_rows(content: bytes) -> int:
    """How many rows a Parquet file says it has."""
    parquet, trouble = _parquet()
    try:
        return int(parquet.ParquetFile(BytesIO(content)).metadata.num_rows)
    except (trouble, OSError) as error:
        raise MlgitError(f"no Parquet file: {error}") from error


def parquet_kinds(content: bytes) -> Mapping[str, str]:
    """What a Parquet file says of its columns: integer, number, boolean or text, else the name of its own type."""
    parquet, trouble = _parquet()
    try:
        schema = parquet.ParquetFile(BytesIO(content)).schema_arrow
    except (trouble, OSError) as error:
        raise MlgitError(f"no Parquet file: {error}") from error
    return {str(name): _kind(str(kind)) for name, kind in zip(schema.names, schema.types, strict=True)}


def _kind(name: str) -> str:
    begins = {"int": "integer", "uint": "integer", "float": "number", "double": "number", "halffloat": "number"}
    begins |= {
        "decimal": "number",
        "bool": "boolean",
        "string": "text",
        "large_string": "text",
        "dictionary<values=string": "text",
    }
    return next((kind for begin, kind in begins.items() if name.startswith(begin)), name)


def _parquet() -> tuple[Any, type[Exception]]:
    """The module that reads Parquet files, and what it raises."""
    try:
        from pyarrow import ArrowException, parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise MlgitError("pyarrow is not installed, so Parquet files are not read", "`pip install pyarrow`") from error
    return parquet, ArrowException
