"""Small tables with a separator, without pandas: to import it takes longer than to read ten thousand rows and to compare them.

Columns get the values and types that pandas would give them; where that is not beyond doubt, it is left to pandas.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.tables import separated
from mlgit.tables.formats import TableFormat

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

MOST_BYTES = 1 << 20

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_BOOLEANS = {**dict.fromkeys(("True", "TRUE", "true"), True), **dict.fromkeys(("False", "FALSE", "false"), False)}
# No reader takes these for a number or a truth value: one is enough to make all of a column texts.
_TEXT = re.compile(r"[^\W\d_].*|[0-9]{1,4}[-/:][0-9].*", re.DOTALL)
_NO_TEXT = {"nan", "inf", "infinity", "true", "false"}


def columns(
    source: bytes | BinaryIO, *, table: TableFormat, texts: Collection[str], literally: bool, most: int
) -> Mapping[str, Array] | None:
    """All columns of a table, arrays of equal length by name; None where pandas has to read it.

    `texts`, `literally` and `most` as in `chunks`; where words may stand for missing values, all of them are left to pandas.
    """
    size = len(source) if isinstance(source, bytes) else source.seek(0, io.SEEK_END)
    if table.is_packed or size > min(MOST_BYTES, most):
        return None
    try:
        names, records = separated.rows(source, table=table, most=most)
        rows = list(records)
    except MlgitError:
        return None  # pandas tells what is wrong in its own words
    if not rows:
        return None
    width = len(names)
    filled = [row + [""] * (width - len(row)) if len(row) < width else row for row in rows]
    found = {}
    for name, values in zip(names, zip(*filled, strict=True), strict=True):
        typed = _typed(values, is_text=name in texts, literally=literally)
        if typed is None:
            return None
        found[name] = typed
    return found


def _typed(values: Sequence[str], *, is_text: bool, literally: bool) -> Array | None:
    import numpy as np

    known = [value for value in values if value]
    has_missing = len(known) < len(values)
    if not literally and any(_may_be_missing(value) for value in known):
        return None
    if is_text or any(_TEXT.fullmatch(value) and value.lower() not in _NO_TEXT for value in known):
        return _objects([value or np.nan for value in values])
    if all(map(_NUMBER.fullmatch, known)):
        if not has_missing and all(map(_INTEGER.fullmatch, known)):
            return np.array([int(value) for value in known])
        is_large = any(len(value.lstrip("+-")) > 18 and value.lstrip("+-").isdigit() for value in known)
        return None if is_large else np.array([float(value) if value else np.nan for value in values])
    if all(value in _BOOLEANS for value in known):
        return _objects([_BOOLEANS.get(value, np.nan) for value in values]) if has_missing else np.array([*map(_truth, known)])
    return None


def _truth(value: str) -> bool:
    return _BOOLEANS[value]


def _may_be_missing(value: str) -> bool:
    return value.startswith(("#", "<", "-", "1.#", "N", "n")) and not _NUMBER.fullmatch(value)


def _objects(values: Sequence[Any]) -> Array:
    import numpy as np

    return np.fromiter(values, dtype=object, count=len(values))
