"""Arrays in NumPy's own files (.npy), with the header exactly as NumPy writes it."""

from __future__ import annotations

import ast
import math
import re
from typing import Any, BinaryIO

from mlgit.adapters.modelscan import dtypes, pickles, scans
from mlgit.adapters.modelscan.verdict import Verdict

_LARGEST_HEADER = 1 << 20
_KINDS = re.compile(
    r"[<>|=]?(?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|[SUV](?:0|[1-9][0-9]{0,9}))|\|O|[<>][Mm]8(?:\[[0-9]{0,9}[a-zA-Zμ]{1,7}\])?",
)
_DEEPEST = 20


def judge(stream: BinaryIO, size: int) -> Verdict:
    """The verdict for a .npy file: safe unless it holds Python objects, which are a pickle."""
    stream.seek(0)
    head = stream.read(12)
    version = head[6] if len(head) > 6 else 0
    begin, width = (10, 2) if version == 1 else (12, 4)
    length = int.from_bytes(head[8 : 8 + width], "little")
    if version not in (1, 2, 3) or head[7:8] != b"\0" or not 0 < length <= min(_LARGEST_HEADER, size - begin):
        return Verdict("numpy", ["its header is of an unknown version or cut off, so it cannot be proven safe"])
    stream.seek(begin)
    try:
        header = stream.read(length).decode("utf-8" if version == 3 else "latin-1")
        said = ast.literal_eval(header.strip())
        n_bytes, has_objects = _contents(said)
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        return Verdict("numpy", [f"its header cannot be read ({scans.brief(error)}), so it cannot be proven safe"])
    left = size - begin - length
    if not has_objects:
        findings = [] if n_bytes == left else ["it is longer or shorter than its header says, so it cannot be proven safe"]
        return Verdict("numpy", findings, "numpy.load")
    scanned = pickles.scan_file(stream, left)
    return Verdict("numpy", list(scanned.findings), "numpy.load(allow_pickle=True)")


def _contents(said: Any) -> tuple[int, bool]:
    """Bytes of an array, and whether it holds Python objects. Raises ValueError for what NumPy does not write."""
    if not isinstance(said, dict) or said.keys() != {"descr", "fortran_order", "shape"}:
        raise ValueError("other keys than those of an array")
    if type(said["fortran_order"]) is not bool or not dtypes.is_shape(said["shape"]):
        raise ValueError("no shape of an array")
    size, has_objects = _item(said["descr"])
    return size * math.prod(said["shape"]), has_objects


def _item(kind: Any, *, depth: int = 0) -> tuple[int, bool]:
    """Bytes of an item, and whether it holds Python objects."""
    if isinstance(kind, str) and _KINDS.fullmatch(kind):
        letters = re.sub(r"\[.*", "", kind).lstrip("<>|=")
        count = int(letters[1:] or 0)
        return (4 * count if letters[0] == "U" else count), letters[0] == "O"
    if isinstance(kind, tuple) and len(kind) == 2 and dtypes.is_shape(kind[1]):
        size, has_objects = _item(kind[0], depth=depth + 1)
        return size * math.prod(kind[1]), has_objects
    if not isinstance(kind, list) or not kind or depth > _DEEPEST:
        raise ValueError("an unknown type")
    parts = [_field(each, depth) for each in kind]
    return sum(size for size, _ in parts), any(has_objects for _, has_objects in parts)


def _field(field: Any, depth: int) -> tuple[int, bool]:
    """A field is its name (or title and name), its type, and perhaps a shape."""
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        raise ValueError("an unknown type")
    shape = field[2] if len(field) == 3 else ()
    size, has_objects = _item(field[1], depth=depth + 1)
    if not dtypes.is_shape(shape):
        raise ValueError("an unknown type")
    return size * math.prod(shape), has_objects
