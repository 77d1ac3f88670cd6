"""Many texts of ISO 8601 at once: those that are written as most of their length are, digit by digit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_FORM = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,](?P<fraction>\d{1,9}))?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?")
_LONGEST = 40
# Rows of one length that are worth an array of their own.
_FEWEST = 50
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND


def parse(values: Sequence[Any]) -> tuple[Array, Array, bool] | None:
    """Microseconds since 1970, for which rows they hold, and whether one names no zone; None where they hold nowhere."""
    if set(map(type, values)) - {str, type(None)}:
        return None
    lengths = np.fromiter((0 if each is None else len(each) for each in values), dtype=np.int64, count=len(values))
    at, is_read, is_zoneless = np.zeros(len(values), dtype=np.int64), np.zeros(len(values), dtype=bool), False
    for length in np.flatnonzero(np.bincount(np.minimum(lengths, _LONGEST + 1)) >= _FEWEST).tolist():
        rows = np.flatnonzero(lengths == length)
        form = _FORM.fullmatch(values[rows[0]]) if 0 < length <= _LONGEST else None
        if form is None:
            continue
        texts = np.array([values[row] for row in rows.tolist()], dtype=f"U{length}").view(np.uint32).reshape(-1, length)
        found, holds = _read(texts, form)
        at[rows], is_read[rows] = found, holds
        is_zoneless = is_zoneless or (length > 10 and form["zone"] is None and bool(holds.any()))
    return (at, is_read, is_zoneless) if is_read.any() else None


def _read(texts: Array, form: re.Match[str]) -> tuple[Array, Array]:
    """The moments of texts that all have the form of the first one, and for which rows that is so."""
    first = form[0]
    holds = np.ones(len(texts), dtype=bool)
    for place, char in enumerate(first):
        column = texts[:, place]
        holds &= (column - ord("0") < 10) if char.isdigit() else column == ord(char)
    year, month, day = _number(texts, 0, 4), _number(texts, 5, 7), _number(texts, 8, 10)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    begin, end = months.astype("datetime64[D]").astype(np.int64), (months + 1).astype("datetime64[D]").astype(np.int64)
    holds &= (month >= 1) & (month <= 12) & (day >= 1) & (day <= end - begin)
    found = (begin + day - 1) * _DAY
    for start, unit, most in ((11, 3600, 24), (14, 60, 60), (17, 1, 60)):
        if len(first) >= start + 2 and first[start : start + 2].isdigit() and start < (form.start("zone") % (len(first) + 1)):
            part = _number(texts, start, start + 2)
            holds &= part < most
            found += part * (unit * _SECOND)
    fraction = form["fraction"] or ""
    if fraction:
        begin_at = form.start("fraction")
        found += _number(texts, begin_at, begin_at + min(len(fraction), 6)) * 10 ** max(0, 6 - len(fraction))
    zone = form["zone"] or "Z"
    if zone != "Z":
        at = form.start("zone")
        hours, minutes = _number(texts, at + 1, at + 3), _number(texts, at + 4, at + 6)
        holds &= (hours < 24) & (minutes < 60)
        found -= (hours * 3600 + minutes * 60) * (_SECOND if zone[0] == "+" else -_SECOND)
    return found, holds


def _number(texts: Array, begin: int, end: int) -> Array:
    found = np.zeros(len(texts), dtype=np.int64)
    for place in range(begin, end):
        found = found * 10 + (texts[:, place].astype(np.int64) - ord("0"))
    return found
