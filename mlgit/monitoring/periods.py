"""The hours, days, weeks and months that moments lie in: where they begin and end, and what they are called."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.monitoring.moments import SECOND
from mlgit.monitoring_settings import CutKind

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

PERIODS: tuple[CutKind, ...] = ("hour", "day", "week", "month")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = 3600 * SECOND
_DAY = 24 * _HOUR
_WEEK = 7 * _DAY
# 1970 began on a Thursday, weeks begin on Mondays.
_TO_MONDAY = 3 * _DAY


def begins(at: Array, kind: CutKind) -> Array:
    """The first microsecond of the period that each moment lies in."""
    if kind == "month":
        return np.asarray(at.astype("datetime64[us]").astype("datetime64[M]").astype("datetime64[us]").astype(np.int64))
    size = {"hour": _HOUR, "day": _DAY, "week": _WEEK}[kind]
    shift = _TO_MONDAY if kind == "week" else 0
    return (at + shift) // size * size - shift


def begin(moment: datetime, kind: CutKind) -> datetime:
    """When the period of a moment begins."""
    microseconds = (moment.astimezone(UTC) - _EPOCH) // timedelta(microseconds=1)
    return _EPOCH + timedelta(microseconds=int(begins(np.array([microseconds], dtype=np.int64), kind)[0]))


def end(first: int, kind: CutKind) -> int:
    """The microsecond after a period that begins at `first`."""
    if kind == "month":
        day = _EPOCH + timedelta(microseconds=first)
        after = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1)
        return (after - _EPOCH) // timedelta(microseconds=1)
    return first + {"hour": _HOUR, "day": _DAY, "week": _WEEK}[kind]


def name(first: int, kind: CutKind) -> str:
    """What a period is called: 2026-05-03T14, 2026-05-03, 2026-W18 or 2026-05."""
    day = _EPOCH + timedelta(microseconds=first)
    if kind == "week":
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02d}"
    return day.isoformat()[: {"hour": 13, "day": 10, "month": 7}[kind]]
