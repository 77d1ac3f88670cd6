"""Tensors of the Open Inference Protocol: their datatypes, as JSON and as bytes."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import prod
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.serving.rows import RefusedRequestError

# The datatype's name for the kind of a numpy array and its bytes a value, and the type of numpy for the name.
DTYPES: Mapping[str, str] = {
    "BOOL": "?",
    **{f"UINT{8 * size}": f"<u{size}" for size in (1, 2, 4, 8)},
    **{f"INT{8 * size}": f"<i{size}" for size in (1, 2, 4, 8)},
    **{f"FP{8 * size}": f"<f{size}" for size in (2, 4, 8)},
}
DATATYPES = (*DTYPES, "BF16", "BYTES")

_LENGTH = struct.Struct("<I")
_LARGEST = {"FP16": 65504.0, "FP32": 3.4028234663852886e38}
_DIMENSIONS = 8


# What a contract calls a type, as a datatype; what has no declared type is taken for a number.
_OF_TYPES = {"integer": "INT64", "number": "FP64", "boolean": "BOOL", "": "FP64"}


def datatype_for(kind: str) -> str:
    """The datatype in which a column of a contract's type is told; texts, dates and all others are BYTES."""
    return _OF_TYPES.get(kind, "BYTES")


def size_of(shape: Any, *, where: str) -> int:
    """How many values a shape has. Raises RefusedRequestError for what is no shape of some values."""
    if type(shape) is not list or not 1 <= len(shape) <= _DIMENSIONS or set(map(type, shape)) != {int}:
        raise RefusedRequestError(f"{where}: shape is not a list of one to {_DIMENSIONS} integers")
    if min(shape) < 1 or max(shape) > 1 << 31:
        raise RefusedRequestError(f"{where}: shape has a dimension that is not at least 1")
    return prod(shape)


def of_json(data: Any, *, datatype: str, size: int, where: str) -> list[Any]:
    """The values of a tensor in the order of its rows, from lists that are flat or nested; null is a missing value.

    Raises RefusedRequestError for another number of them, and for values that are not of the datatype.
    """
    values = _flat(data, where=where)
    if len(values) != size:
        raise RefusedRequestError(f"{where}: data does not have the {size} values of its shape")
    kinds = set(map(type, values)) - {type(None)}
    if datatype.startswith(("FP", "BF")):
        return _floats(values, kinds, datatype=datatype, where=where)
    expected: type = {"BOOL": bool, "BYTES": str}.get(datatype, int)
    if not kinds <= {expected}:
        raise RefusedRequestError(f"{where}: data has values that are not of datatype {datatype}")
    if expected is int and kinds:
        limits = np.iinfo(DTYPES[datatype])
        numbers = [each for each in values if each is not None]
        if min(numbers) < limits.min or max(numbers) > limits.max:
            raise RefusedRequestError(f"{where}: data has values beyond those of datatype {datatype}")
    return values


def of_bytes(data: bytes | memoryview, *, datatype: str, size: int, where: str) -> np.ndarray | list[Any]:
    """The values of a tensor in the order of its rows, from the bytes of the binary extension.

    Raises RefusedRequestError where these are not the values of the shape.
    """
    if datatype == "BYTES":
        return _texts(bytes(data), size=size, where=where)
    dtype = "<u2" if datatype == "BF16" else DTYPES[datatype]
    if len(data) != size * np.dtype(dtype).itemsize:
        raise RefusedRequestError(f"{where}: binary data does not have the {size} values of its shape")
    if datatype == "BOOL":
        # A byte that is neither 0 nor 1 would be a boolean that is equal to neither.
        return np.asarray(np.frombuffer(data, "u1") != 0)
    values = np.frombuffer(data, dtype)
    if datatype == "BF16":  # the upper half of a FP32
        return np.asarray((values.astype("<u4") << 16).view("<f4"))
    return values


def datatype_of(values: np.ndarray) -> str:
    """The datatype under which an array is told; BYTES for what is no number and no boolean."""
    for name, dtype in DTYPES.items():
        if values.dtype == np.dtype(dtype):
            return name
    return "BYTES"


def to_bytes(values: np.ndarray) -> bytes:
    """The values of an array as the binary extension sends them."""
    datatype = datatype_of(values)
    if datatype != "BYTES":
        return np.ascontiguousarray(values, DTYPES[datatype]).tobytes()
    texts = [text.encode() for text in to_texts(values)]
    return b"".join(piece for text in texts for piece in (_LENGTH.pack(len(text)), text))


def to_texts(values: np.ndarray) -> list[str]:
    """The values of an array of texts, in the order of its rows; others as Python writes them."""
    return [each if type(each) is str else str(each) for each in values.ravel().tolist()]


def _flat(data: Any, *, where: str) -> list[Any]:
    """The values of nested lists of one depth; which lists they were in does not matter, their shape is told."""
    level = data
    for _ in range(_DIMENSIONS):
        if type(level) is not list or not level:
            raise RefusedRequestError(f"{where}: data is not a list of values")
        nested = set(map(type, level))
        if list not in nested:
            return level
        if nested != {list}:
            break
        level = [value for each in level for value in each]
    raise RefusedRequestError(f"{where}: data is neither flat nor nested as its shape")


def _floats(values: list[Any], kinds: set[type], *, datatype: str, where: str) -> list[Any]:
    """Numbers as the datatype holds them, so that JSON and bytes say the same."""
    if not kinds <= {float, int}:
        raise RefusedRequestError(f"{where}: data has values that are not of datatype {datatype}")
    if datatype == "FP64":
        return values
    numbers = np.array([np.nan if each is None else each for each in values], "<f8")
    if datatype == "BF16":
        raise RefusedRequestError(f"{where}: datatype BF16 has no JSON, send binary data")
    if (np.abs(numbers) > _LARGEST[datatype]).any():
        raise RefusedRequestError(f"{where}: data has values beyond those of datatype {datatype}")
    rounded = numbers.astype(DTYPES[datatype]).astype("<f8").tolist()
    return [None if before is None else after for before, after in zip(values, rounded, strict=True)]


def _texts(data: bytes, *, size: int, where: str) -> list[str]:
    """Texts that each follow their length, four bytes with the lowest first."""
    texts, at = [], 0
    try:
        for _ in range(size):
            (length,) = _LENGTH.unpack_from(data, at)
            at += _LENGTH.size + length
            if at > len(data):
                break
            texts.append(data[at - length : at].decode())
    except (struct.error, UnicodeDecodeError):
        at = -1
    if at != len(data):
        raise RefusedRequestError(f"{where}: binary data does not hold the {size} texts in UTF-8 of its shape")
    return texts
