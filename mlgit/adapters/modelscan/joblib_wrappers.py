"""The description of an array that joblib writes in front of its bytes, in exactly the form in which joblib writes it.

Where the bytes of an array end, instructions go on. So whoever can say where that is decides what is read as instructions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from mlgit.adapters.modelscan import dtypes
from mlgit.adapters.modelscan.pickle_values import Global, MadeObject, Pairs

_WRAPPER = Global("joblib.numpy_pickle", "NumpyArrayWrapper")
_KEYS = {"subclass", "shape", "order", "dtype", "allow_mmap"}
_PADDING = "numpy_array_alignment_bytes"
_CLASSES = {Global("numpy", name) for name in ("ndarray", "matrix", "memmap")}
_ALIGNED_TO = 16


@dataclass(frozen=True, slots=True)
class Array:
    """What follows a description: bytes, behind some to align them or not, or a pickle of Python objects."""

    n_bytes: int
    has_objects: bool
    is_padded: bool


class Reader(Protocol):
    """What bytes are read from."""

    def read(self, count: int = -1, /) -> bytes:
        """At most `count` bytes."""


def is_wrapper(found: Any) -> bool:
    """Whether this is such a description, however it was made."""
    return isinstance(found, MadeObject) and found.maker == _WRAPPER


def read(state: Any) -> Array:
    """What follows. Raises ValueError where the description is not as joblib writes it."""
    values = state.values if isinstance(state, Pairs) and state.is_plain else {}
    kind: Any = values.get("dtype")
    shape: Any = values.get("shape")
    if values.keys() - {_PADDING} != _KEYS or not dtypes.is_proven(kind) or not dtypes.is_shape(shape):
        raise ValueError("an array that is not described as joblib does it")
    padding = values.get(_PADDING)
    is_own = values["subclass"] in _CLASSES and values["order"] in ("C", "F") and type(values["allow_mmap"]) is bool
    if not is_own or not (padding is None or (type(padding) is int and padding == _ALIGNED_TO)) or not kind.itemsize:
        raise ValueError("an array that is not described as joblib does it")
    return Array(math.prod(shape) * kind.itemsize, kind.has_objects, padding is not None)


def pass_padding(stream: Reader) -> None:
    """Go past the bytes that align an array: how many, and as many of 255. Raises ValueError for others.

    The first is no opcode, so plain pickle ends there with an error.
    """
    length = int.from_bytes(stream.read(1), "little")
    if not 1 <= length <= _ALIGNED_TO or stream.read(length) != b"\xff" * length:
        raise ValueError("an array that is not aligned as joblib does it")
