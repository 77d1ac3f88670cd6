"""What stands for names and objects while a pickle is looked through, and what NumPy's types say about sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Global:
    """A name that the unpickler would import."""

    module: str
    name: str


@dataclass(slots=True)
class Made:
    """An object that the unpickler would make by a call, with the state it would be given."""

    maker: Any
    arguments: Any = ()
    state: Any = None


_KIND = re.compile(r"[<>=|]?([?a-zA-Z])([0-9]*)")


def itemsize(kind: Any, *, depth: int = 0) -> int | None:
    """Bytes of an item of a NumPy type as it is pickled; 0 for Python objects, None for what is not understood."""
    if not isinstance(kind, Made) or kind.maker != Global("numpy", "dtype") or not kind.arguments:
        return None
    match = _KIND.fullmatch(str(kind.arguments[0]))
    if not match:
        return None
    letter, count = match[1], int(match[2] or 0)
    if letter == "O":
        return 0
    if letter == "V":
        return _record_size(kind.state, depth)
    return count * 4 if letter == "U" else count


def _record_size(state: Any, depth: int) -> int | None:
    """Bytes of a record whose fields are all plain; the state is that of `numpy.dtype.__reduce__`."""
    if not isinstance(state, tuple) or len(state) < 8 or depth > 10:
        return None
    part, fields, size, flags = state[2], state[4], state[5], state[7]
    if type(size) is not int or type(flags) is not int or flags & _NOT_PLAIN or not isinstance(fields, dict | None):
        return None
    inner = [each[0] for each in (fields or {}).values() if isinstance(each, tuple) and each]
    inner += [part[0]] if isinstance(part, tuple) and part else []
    if len(inner) < len(fields or ()) or not all(itemsize(each, depth=depth + 1) for each in inner):
        return None
    return size


# Reference-counted, pickled as a list, a pointer, to be initialised (numpy/ndarraytypes.h).
_NOT_PLAIN = 0x0F
