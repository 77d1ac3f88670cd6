"""Cuts rows into windows: by the hours, days, weeks or months of a time, by the values of a column, or by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError, near_miss
from mlgit.monitoring import content_digest, moments, periods
from mlgit.monitoring.moments import NONE
from mlgit.monitoring.row_table import Role, RowTable
from mlgit.monitoring.window import Window
from mlgit.monitoring_settings import Cut
from mlgit.render.text import count
from mlgit.statistics.rows import Coded

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# More windows than that are no windows, but rows.
MOST_WINDOWS = 20_000
_LONGEST_NAME = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Clocks differ; a row of next year was not answered today.
_AHEAD = timedelta(days=1)
# What is hashed of a row beside its inputs.
_HASHED_ROLES: tuple[Role, ...] = ("id", "prediction", "score")


@dataclass(frozen=True, slots=True, eq=False)
class CutRows:
    """Rows as windows, in their order. `left_out` rows are in none, and `notes` say why."""

    windows: tuple[Window, ...]
    left_out: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """In which window each row is (-1: in none), what they are called, and which of them expect no more rows."""

    of_rows: Array
    names: Sequence[str]
    complete: Sequence[bool]
    notes: tuple[str, ...] = ()


def cut(table: RowTable, by: Cut, *, now: datetime | None = None) -> CutRows:
    """The windows of a table, in the order of their time, of their names, or in which they stand.

    Rows later than `now` belong to no window, as those without a time. A window is complete where a later one exists, or its
    period was over before `now`. Raises MlgitError for a column that is not there, or has no times, or a value for each row.
    """
    if not table.rows:
        return CutRows(())
    at = _moments(table, by)
    places = _places(table, by, at, now)
    if at is not None and by.kind in periods.PERIODS and by.column in table.columns:  # however the times were written
        columns = {**table.columns, by.column: at.at.view("datetime64[us]")}
        table = RowTable(table.rows, columns, table.roles, table.hashed, table.name)
    windows = tuple(_windows(table, places, at)) if len(places.names) else ()
    return CutRows(windows, int((places.of_rows < 0).sum()), places.notes)


def first_wanted(by: Cut, since: datetime | None) -> datetime | None:
    """The beginning of the period of `since`: what is read from there on has all rows of the first window."""
    return periods.begin(since, by.kind) if since and by.kind in periods.PERIODS else None


def _places(table: RowTable, by: Cut, at: moments.Moments | None, now: datetime | None) -> _Places:
    if by.kind == "whole":
        return _Places(np.zeros(table.rows, dtype=np.int64), [table.name or "all"], [True])
    if by.kind == "rows":
        return _by_number(table.rows, by.rows)
    values = table.time(by.column)
    if values is None:
        known = [*table.columns, *(["ts"] if "time" in table.roles and "ts" not in table.columns else [])]
        raise MlgitError(
            f"{table.name}: no column '{by.column}' to cut windows by{near_miss(by.column, known)}",
            f"`by:` may name {', '.join(known[:20])}",
        )
    if by.kind == "value":
        return _by_value(table, by, values)
    assert at is not None, "the column is there"
    return _by_period(table, by, at, now)


def _by_number(rows: int, size: int) -> _Places:
    n_windows = -(-rows // size)
    if n_windows > MOST_WINDOWS:
        raise MlgitError(f"{rows} rows make {n_windows} windows of {size}", "write a larger number in `by: rows(N)`")
    names = [f"rows {1 + start}-{min(start + size, rows)}" for start in range(0, rows, size)]
    complete = [start + size <= rows for start in range(0, rows, size)]
    return _Places(np.arange(rows) // size, names, complete)


def _by_period(table: RowTable, by: Cut, found: moments.Moments, now: datetime | None) -> _Places:
    if (found.at == NONE).all():
        example = f", as '{found.example}'" if found.example else ""
        raise MlgitError(
            f"{table.name}: '{by.column}' has no times{example}",
            "times are ISO 8601 (2026-05-03T14:00:00Z), or seconds or milliseconds since 1970",
        )
    now_at = None if now is None else (now - _EPOCH) // timedelta(microseconds=1)
    is_known = found.at != NONE
    is_ahead = is_known & (found.at > now_at + _AHEAD // timedelta(microseconds=1)) if now_at is not None else ~is_known & False
    is_placed = is_known & ~is_ahead
    begins, inverse = np.unique(periods.begins(found.at[is_placed], by.kind), return_inverse=True)
    if len(begins) > MOST_WINDOWS:
        raise MlgitError(f"{table.name}: {by} makes {len(begins)} windows", f"at most {MOST_WINDOWS} are cut; cut longer ones")
    of_rows = np.full(table.rows, -1)
    of_rows[is_placed] = inverse
    names = [periods.name(each, by.kind) for each in begins.tolist()]
    ends = [periods.end(each, by.kind) for each in begins.tolist()]
    complete = [place < len(ends) - 1 or (now_at is not None and end <= now_at) for place, end in enumerate(ends)]
    notes = [
        (found.missing, "without a time in", ""),
        (found.unreadable, "with no time in", f" (as '{found.example}')"),
        (int(is_ahead.sum()), "later than today by", ""),
    ]
    told = [f"{count(n, 'row')} {what} '{by.column}'{more}: in no window" for n, what, more in notes if n]
    told += [f"times of '{by.column}' name no zone, and were taken for UTC"] if found.zoneless else []
    return _Places(of_rows, names, complete, tuple(told))


def _by_value(table: RowTable, by: Cut, values: Any) -> _Places:
    if isinstance(values, Coded):
        names, places = [str(each) for each in values.names], values.places.astype(np.int64)
    else:
        names, places = _named(np.asarray(values))
    there = np.unique(places[places >= 0])
    if len(there) > MOST_WINDOWS:
        raise MlgitError(
            f"{table.name}: '{by.column}' has {len(there)} values, and each would be a window",
            f"for a column of times write `by: day({by.column})`",
        )
    ordered = sorted(there.tolist(), key=lambda place: _natural(names[place]))
    if long := next((names[each] for each in ordered if len(names[each]) > _LONGEST_NAME), ""):
        raise MlgitError(f"{table.name}: '{by.column}' has texts as '{long[:60]}...', and no names", "cut by another column")
    new = np.full(len(names) + 1, -1)
    new[ordered] = np.arange(len(ordered))
    missing = int((places < 0).sum())
    told = (f"{count(missing, 'row')} without a value in '{by.column}': in no window",) if missing else ()
    return _Places(new[places], [names[each] for each in ordered], [True] * len(ordered), told)


def _named(values: Array) -> tuple[list[str], Array]:
    """The different values as texts, and the place of each row's among them, -1 where it is missing."""
    known: dict[str, int] = {}
    listed = values.tolist() if values.ndim == 1 else [None] * len(values)
    texts = [None if each is None or each != each else _name(each) for each in listed]
    places = [-1 if each is None else known.setdefault(each, len(known)) for each in texts]
    return list(known), np.array(places, dtype=np.int64)


def _name(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _natural(name: str) -> tuple[int, float, str]:
    """Numbers by size, before texts."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name


def _moments(table: RowTable, by: Cut) -> moments.Moments | None:
    """The data's own clock: the time that is cut by, else the log's."""
    values = table.time(by.column) if by.kind in periods.PERIODS else table.roles.get("time")
    return None if values is None else moments.of(values)


def _windows(table: RowTable, places: _Places, at: moments.Moments | None) -> list[Window]:
    n_windows = len(places.names)
    order = np.argsort(places.of_rows, kind="stable")
    is_sorted = bool((places.of_rows[1:] >= places.of_rows[:-1]).all())
    bounds = np.searchsorted(places.of_rows if is_sorted else places.of_rows[order], np.arange(n_windows + 1)).tolist()
    columns = {name: values if is_sorted else values[order] for name, values in table.columns.items()}
    roles = {name: values if is_sorted else values[order] for name, values in table.roles.items()}
    clock = None if at is None else at.at if is_sorted else at.at[order]
    hashed = {**table.columns, **{f"\0{role}": table.roles[role] for role in _HASHED_ROLES if role in table.roles}}
    digests = content_digest.digests(hashed, windows=places.of_rows, n_windows=n_windows)
    spans = _spans(clock, bounds) if clock is not None else [("", "")] * n_windows
    found = []
    for place, (name, digest) in enumerate(zip(places.names, digests, strict=True)):
        rows = slice(bounds[place], bounds[place + 1])
        since, until = spans[place]
        own: Mapping[Any, Any] = {role: values[rows] for role, values in roles.items()}
        found.append(
            Window(
                name,
                rows.stop - rows.start,
                {each: values[rows] for each, values in columns.items()},
                digest=digest,
                since=since,
                until=until,
                ids=own.get("id"),
                predictions=own.get("prediction"),
                scores=own.get("score"),
                hashed=table.hashed,
                versions=_versions(own.get("version")),
                is_complete=places.complete[place],
                times=None if clock is None else clock[rows],
            )
        )
    return found


def _spans(at: Array, bounds: Sequence[int]) -> list[tuple[str, str]]:
    """The first and the last moment of each window; none is empty."""
    is_known = at != NONE
    earliest = np.minimum.reduceat(np.where(is_known, at, -(NONE + 1)), bounds[:-1])
    latest = np.maximum.reduceat(at, bounds[:-1])
    pairs = zip(earliest.tolist(), latest.tolist(), strict=True)
    return [("", "") if last == NONE else (moments.shown(first), moments.shown(last)) for first, last in pairs]


def _versions(values: Any) -> tuple[str, ...]:
    if values is None:
        return ()
    if isinstance(values, Coded):
        return tuple(values.names[each] for each in np.unique(values.places).tolist())
    return tuple(sorted({each for each in np.asarray(values).tolist() if each}))
