"""When rows are from: columns of times, however they are written, as microseconds since 1970 in UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.monitoring import iso_times
from mlgit.statistics.rows import Coded

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# What stands for no moment, as numpy has it.
NONE = -(2**63)
SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Times before 1900 or after 2200 are words for `never`, as 9999-12-31, and no moments of rows.
_FIRST, _LAST = (int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) * SECOND for year in (1900, 2200))
# Seconds since 1970 that are days of today have ten digits; with more they are thousandths, and so on.
_UNITS = ((10**8, SECOND, 1), (10**11, 1000, 1), (10**14, 1, 1), (10**17, 1, 1000))
_ISO = re.compile(r"\s*(\d{4}-?\d\d-?\d\d|\d{4}-?W\d\d(-?[1-7])?|\d{4}-\d\d)([T ].*)?", re.DOTALL)
# Fewer texts are read one by one.
_FEWEST_AT_ONCE = 200
_MONTH = re.compile(r"\d{4}-\d\d")
_WEEK = re.compile(r"\d{4}-?W\d\d")


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """`at` are microseconds since 1970, shape (n,), NONE where there is no time; `zoneless`: some told no zone, and were UTC.

    `unreadable` of the rows have something that is no time, `example` is one of those; rows without anything are `missing`.
    """

    at: Array
    missing: int = 0
    unreadable: int = 0
    example: str = ""
    zoneless: bool = False


def of(values: Any) -> Moments:
    """The moments in a column: ISO 8601, days, timestamps, or seconds (or thousandths of them, ...) since 1970."""
    if isinstance(values, Coded):
        named = _of_objects(values.names)
        return _counted(named.at[values.places], np.zeros(len(values), dtype=bool), values, zoneless=named.zoneless)
    found = np.asarray(values)
    if found.ndim > 1:  # lists of numbers
        return _counted(np.full(len(found), NONE), np.zeros(len(found), dtype=bool), found)
    if found.dtype.kind == "M":
        whole = found.astype("datetime64[us]").astype(np.int64)
        return _counted(_bounded(whole), whole == NONE, found)
    if found.dtype.kind in "iuf":
        return _counted(_of_numbers(found), found != found, found)
    if found.dtype.kind != "O":
        return _counted(np.full(len(found), NONE), np.zeros(len(found), dtype=bool), found)
    listed = found.tolist()
    made = _of_objects(listed)
    is_missing = np.fromiter((each is None or each != each for each in listed), dtype=bool, count=len(listed))
    return _counted(made.at, is_missing, found, zoneless=made.zoneless)


def _counted(at: Array, is_missing: Array, values: Any, *, zoneless: bool = False) -> Moments:
    is_unreadable = (at == NONE) & ~is_missing
    first = np.flatnonzero(is_unreadable)[:1]
    example = str(np.asarray(values[first]).tolist()[0])[:60] if len(first) else ""
    return Moments(at, int(is_missing.sum()), int(is_unreadable.sum()), example, zoneless)


def _bounded(at: Array) -> Array:
    return np.where((at >= _FIRST) & (at < _LAST), at, NONE)


def _of_numbers(values: Array) -> Array:
    """Numbers as moments, each by its size: 20260503 is a day, as ISO 8601 has it, 1777766400 are seconds."""
    known = np.where(np.isfinite(values), values, 0).astype(float)
    found = np.full(len(known), NONE)
    for least, factor, divisor in _UNITS:
        is_such = (known >= least) & (known < least * 1000)
        if is_such.any():
            exact = values[is_such] if values.dtype.kind in "iu" else None
            found[is_such] = exact * factor // divisor if exact is not None else np.rint(known[is_such] * factor / divisor)
    is_day = (known >= 19000101) & (known < 22000101) & (known % 1 == 0)
    if is_day.any():
        days, places = np.unique(known[is_day].astype(np.int64), return_inverse=True)
        found[is_day] = np.array([_moment(str(each))[0] for each in days.tolist()])[places]
    return _bounded(found)


def may_be(text: str) -> bool:
    """Whether a text begins as a time of ISO 8601 does."""
    return _ISO.fullmatch(text) is not None


def of_texts(texts: Sequence[str]) -> list[int]:
    """Texts as microseconds, NONE for what is no time."""
    found: list[int] = _of_objects(texts).at.tolist()
    return found


def _of_objects(values: Sequence[Any]) -> Moments:
    found = iso_times.parse(values) if len(values) >= _FEWEST_AT_ONCE else None
    if found is None:
        return _one_by_one(values)
    at, is_read, is_zoneless = found
    at = np.where(is_read, _bounded(at), NONE)
    rest = np.flatnonzero(~is_read)
    others = _one_by_one([values[place] for place in rest.tolist()])
    at[rest] = others.at
    return Moments(at, zoneless=is_zoneless or others.zoneless)


def _one_by_one(values: Iterable[Any]) -> Moments:
    """Each different one is read once."""
    known: dict[Any, tuple[int, bool]] = {}
    at, zoneless = [], False
    for each in values:
        key = (type(each), each) if each.__hash__ is not None else None
        found = known.get(key) if key else None
        if found is None:
            found = _moment(each)
            if key:
                known[key] = found
            zoneless = zoneless or found[1]
        at.append(found[0])
    return Moments(np.array(at, dtype=np.int64), zoneless=zoneless)


def _moment(value: Any) -> tuple[int, bool]:
    """A value as microseconds, and whether a time of day tells no zone; NONE for what is no time."""
    if isinstance(value, bool):
        return NONE, False
    if isinstance(value, int | float):
        return (int(_of_numbers(np.array([float(value)]))[0]) if value == value else NONE), False
    found = value if isinstance(value, date) else _parsed(value) if isinstance(value, str) else None
    if found is None:
        return NONE, False
    if not isinstance(found, datetime):
        return _since_epoch(datetime(found.year, found.month, found.day, tzinfo=UTC)), False
    if found.tzinfo is None:
        is_day = isinstance(value, str) and not re.search(r"[T ]\S", value.strip())
        return _since_epoch(found.replace(tzinfo=UTC)), not is_day
    return _since_epoch(found), False


def _since_epoch(moment: datetime) -> int:
    found = (moment - _EPOCH) // timedelta(microseconds=1)
    return found if _FIRST <= found < _LAST else NONE


def _parsed(text: str) -> datetime | None:
    """A time of ISO 8601, with a blank for its T, and UTC for its Z."""
    if len(text) > 100 or not _ISO.fullmatch(text):
        return None
    text = text.strip()
    text = f"{text}-01" if _MONTH.fullmatch(text) else f"{text[:-4]}-{text[-3:]}-1" if _WEEK.fullmatch(text) else text
    for end in (" UTC", " GMT"):
        text = f"{text.removesuffix(end)}Z" if text.endswith(end) else text
    head, sign, zone = text.partition(" +")
    text = f"{head}+{zone}" if sign else text
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def microseconds(value: Any) -> int | None:
    """A day, a time or a text of ISO 8601, as microseconds since 1970; None for anything else, numbers too."""
    if not isinstance(value, date | str):
        return None
    found = _moment(value)[0]
    return None if found == NONE else found


def shown(at: int) -> str:
    """A moment in ISO 8601, to the second, or finer where it is."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")
