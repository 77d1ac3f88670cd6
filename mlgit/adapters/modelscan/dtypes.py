"""NumPy's types as NumPy itself writes them, in pickles and in the header of an array's file.

The size of an item decides where an array's bytes end and instructions go on, and what is said about Python objects decides
whether bytes are taken for pointers. So nothing is taken that NumPy would not write of the type in just these words.
"""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

from mlgit.adapters.modelscan.pickle_values import Global, Items, MadeObject, Pairs

_LETTERS = re.compile(r"(?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|[Mm]8|O[48]|[SUV](?:0|[1-9][0-9]{0,9}))")
_DTYPE, _RECORD = Global("numpy", "dtype"), Global("numpy", "record")
# Flags of a type (numpy/ndarraytypes.h): of one with Python objects, of text and records without, and where it is aligned.
_OBJECTS, _NO_OBJECTS, _ALIGNED = 0x1B, 0x18, 0x80


def is_call(arguments: tuple[Any, ...]) -> bool:
    """Whether `numpy.dtype` is called as its pickle does it: a letter with its size, and two flags."""
    is_named = len(arguments) == 3 and (type(arguments[0]) is str or arguments[0] == _RECORD)
    return is_named and (arguments[1], arguments[2]) == (0, 1)


def is_proven(kind: Any) -> bool:
    """Whether this stands for a type whose form was proven."""
    return isinstance(kind, MadeObject) and kind.maker == _DTYPE and kind.itemsize is not None


def prove(kind: MadeObject, state: Any) -> bool:
    """Note size and contents of a type from its call and its state. False where they are not as NumPy writes them."""
    if not isinstance(state, tuple) or len(state) not in (8, 9):
        return False
    word = f"V{state[5]}" if kind.arguments[0] == _RECORD else kind.arguments[0]
    if not _LETTERS.fullmatch(word):
        return False
    version, order, part, names, fields, size, alignment, flags = state[:8]
    numbers = (version, size, alignment, flags)
    if any(type(each) is not int for each in numbers) or version not in (3, 4) or order not in ("<", ">", "|", "="):
        return False
    letter, count = word[0], int(word[1:])
    if letter not in "SUV":  # its size is in its name; what the state says of it is not read
        if (part, names, fields, size, alignment) != (None, None, None, -1, -1) or flags != (63 if letter == "O" else 0):
            return False
        kind.itemsize, kind.has_objects = count, letter == "O"
        return True
    if size != (4 * count if letter == "U" else count):
        return False
    if part is None and fields is None:
        kind.itemsize = size if names is None and flags == (8 if letter == "U" else 0) else None
    elif letter == "V":
        _record(kind, part, names, fields, size, flags & ~_ALIGNED)
    return kind.itemsize is not None


def _record(kind: MadeObject, part: Any, names: Any, fields: Any, size: int, flags: int) -> None:
    """Prove a record by its fields, or a small array by its items."""
    if part is not None:
        ends = _part_end(part) if names is None and fields is None else None
        if ends != size:
            return
        has_objects = bool(part[0].has_objects)
    else:
        found = _fields(names, fields)
        if found is None or (found and found[-1][1] > size):
            return
        has_objects = any(each[2] for each in found)
        overlap = any(left[1] > right[0] for left, right in itertools.pairwise(found))
        if has_objects and overlap:
            return
    if (flags & _OBJECTS == _OBJECTS) if has_objects else not flags & ~_NO_OBJECTS:
        kind.itemsize, kind.has_objects = size, has_objects


def _part_end(part: Any) -> int | None:
    if not isinstance(part, tuple) or len(part) != 2 or not is_proven(part[0]):
        return None
    shape = part[1] if isinstance(part[1], tuple) else (part[1],)
    if not is_shape(shape):
        return None
    return math.prod(shape) * (part[0].itemsize or 0)


def _fields(names: Any, fields: Any) -> list[tuple[int, int, bool]] | None:
    """Where each field begins and ends, and whether it holds Python objects; in the order of their ends."""
    if not isinstance(fields, Pairs) or not fields.is_plain or not isinstance(names, tuple):
        return None
    found = []
    for name, field in fields.values.items():
        if not isinstance(field, tuple) or len(field) not in (2, 3) or not is_proven(field[0]):
            return None
        offset, titles = field[1], field[2:]
        if type(offset) is not int or offset < 0 or (name not in names and titles != (name,)):
            return None
        if name in names:
            found.append((offset, offset + (field[0].itemsize or 0), field[0].has_objects))
    if len(found) != len(names):
        return None
    fields.is_closed = True  # NumPy keeps this very dict
    return sorted(found, key=lambda each: (each[1], each[0]))


def is_shape(shape: Any) -> bool:
    """Whether this is the shape of an array."""
    return isinstance(shape, tuple) and all(type(each) is int and each >= 0 for each in shape)


def is_array_state(state: Any) -> bool:
    """Whether this is the state of an array as its pickle has it: version, shape, type, order and contents."""
    if not isinstance(state, tuple) or len(state) != 5 or state[0] != 1 or not is_shape(state[1]) or not is_proven(state[2]):
        return False
    return type(state[3]) in (bool, int) and is_content(state[2], state[4])


def is_content(kind: Any, content: Any) -> bool:
    """Whether this can be the contents of an array of a proven type: a list of Python objects, or bytes."""
    if kind.has_objects:
        return isinstance(content, Items) and content.kind == "list"
    return is_bytes(content)


def is_bytes(content: Any) -> bool:
    """Whether these are bytes, or text that the pickle turns into bytes as old protocols do."""
    written = {Global("_codecs", "encode"), Global("builtins", "bytes"), Global("builtins", "bytearray")}
    return type(content) in (bytes, bytearray) or (isinstance(content, MadeObject) and content.maker in written)
