"""Columns of Arrow as arrays: numbers as floats or integers, moments in UTC, texts as classes or objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.statistics.rows import Coded
from mlgit.tables import parquet

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# More different texts than that are names or sentences, and no classes.
MOST_CLASSES = 10_000
_FIRST, _FEW = 1000, 100


def array(column: Any) -> Any:
    """A chunked array as one array. A missing number is NaN, a missing moment NaT, and any other missing value None."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        if _is_text(column.type.value_type):
            return _of_dictionary(column.unify_dictionaries().combine_chunks())
        column = column.cast(column.type.value_type)
    kind = column.type
    if _is_text(kind):
        return _of_texts(column.combine_chunks())
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    if pa.types.is_integer(kind):
        found: Array = column.to_numpy()
        return found if found.dtype.kind == "i" else found.astype(float)  # with missing ones they are floats already
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _floats(column)
    if pa.types.is_boolean(kind) and not column.null_count:
        return np.asarray(column.to_numpy(), dtype=bool)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return np.asarray(column.cast(pa.timestamp("us", tz=getattr(kind, "tz", None)), safe=False).to_numpy())
    return objects([value for chunk in column.chunks for value in parquet.values(chunk)])


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _floats(column: Any) -> Array:
    """A short float is the number whose shortest text it has: 0.1 in any format is one value."""
    import pyarrow as pa

    is_short = column.type in (pa.float32(), pa.float16())
    found: Array = (column.cast(pa.float32()).cast(pa.string()) if is_short else column).cast(pa.float64()).to_numpy()
    return found


def _of_texts(column: Any) -> Any:
    """Those of which most of the first come again are numbered; to number names of rows takes long."""
    first = column[:_FIRST]
    if len(first.unique()) <= max(_FEW, len(first) // 2):
        return _of_dictionary(column.dictionary_encode())
    return column.to_numpy(zero_copy_only=False)


def _of_dictionary(column: Any) -> Array | Coded:
    names = column.dictionary.to_pylist()
    codes = column.indices.fill_null(len(names)).to_numpy()
    if not column.null_count and len(names) <= MOST_CLASSES:
        return classes(names, codes)
    found: Array = objects([*names, None])[codes]
    return found


def classes(names: Sequence[str], codes: Array) -> Coded:
    """A column of texts, by their places in `names`, in any order: as classes, in theirs."""
    ordered = sorted(set(names))
    number = {name: place for place, name in enumerate(ordered)}
    places = np.array([number[name] for name in names], dtype=np.int32)
    return Coded(tuple(ordered), places[codes])


def objects(values: Sequence[Any]) -> Array:
    """An array of objects, lists too."""
    return np.fromiter(values, dtype=object, count=len(values))
