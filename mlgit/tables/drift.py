"""How a table of data changed from one side to the other: rows, columns, and how far the values of each column moved."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlgit import lazy_numpy as np
from mlgit.render.text import few
from mlgit.statistics import distances
from mlgit.tables.columns import EMPTY, MIXED, Column, DataTable

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# By chance alone two samples of n rows from one source are about 2 (bins - 1) / n apart: 20 rows for each bin keep that
# below 0.1, which is commonly read as stable.
_ROWS_PER_BIN = 20
_MOST_BINS = 10
_MOST_CATEGORIES = 50
FEWEST_ROWS = 30


@dataclass(frozen=True, slots=True)
class Profile:
    """A table's columns with their types, and its number of rows."""

    columns: Mapping[str, str]
    rows: int


@dataclass(frozen=True, slots=True)
class TableDrift:
    """How a table of data changed: rows, columns and, where both sides could be read, how far each column's values moved.

    `moved` is the population stability index by column, largest first.
    """

    path: str
    rows_before: int | None = None
    rows_now: int | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    moved: tuple[tuple[str, float], ...] = ()
    reason: str = ""


def measure(path: str, baseline: DataTable | None, current: DataTable | None, *, keys: Collection[str] = ()) -> TableDrift:
    """The difference of two tables, None for a side without the file; the columns `keys` name rows, and are not compared."""
    if baseline is None or current is None:
        told = "new file" if current else "file removed" if baseline else "no such file"
        return TableDrift(path, baseline.rows if baseline else None, current.rows if current else None, reason=told)
    if baseline.rows is None or current.rows is None:
        return TableDrift(path, baseline.rows, current.rows, reason=_told(baseline, current))
    before, now = profiles(baseline, current)
    assert before
    assert now
    common = [name for name in baseline.columns if name in current.columns]
    stability, reason = _stability(baseline, current, [name for name in common if name not in keys])
    return TableDrift(
        path,
        baseline.rows,
        current.rows,
        added=tuple(name for name in current.columns if name not in baseline.columns),
        removed=tuple(name for name in baseline.columns if name not in current.columns),
        retyped=tuple(name for name in common if before.columns[name] != now.columns[name]),
        moved=tuple(sorted(stability.items(), key=lambda each: (-each[1], each[0]))),
        reason=reason,
    )


def profiles(baseline: DataTable | None, current: DataTable | None) -> tuple[Profile | None, Profile | None]:
    """Columns with kinds, and rows, for the rules about data; None for a side that could not be read.

    A column that is empty, or only named, on one side is of the kind that it has on the other.
    """
    return _profile(baseline, current), _profile(current, baseline)


def _profile(table: DataTable | None, other: DataTable | None) -> Profile | None:
    if table is None or table.rows is None:
        return None
    kinds = {name: column.kind for name, column in other.columns.items()} if other else {}
    columns = {
        name: kinds.get(name, column.kind) if column.kind in ("", EMPTY) else column.kind
        for name, column in table.columns.items()
    }
    return Profile(columns, table.rows)


def _told(baseline: DataTable, current: DataTable) -> str:
    """Why the values of two tables are not compared."""
    told = [f"{each.reason}; {each.hint}" if each.hint else each.reason for each in (baseline, current)]
    if told[0] == told[1]:
        return told[0]
    return "; ".join(f"{side}: {reason}" for side, reason in zip(("before", "now"), told, strict=True) if reason)


def _stability(baseline: DataTable, current: DataTable, names: Collection[str]) -> tuple[dict[str, float], str]:
    """The index of each column that can be compared, and what was left out and why."""
    if not (baseline.has_values and current.has_values):
        return {}, _told(baseline, current)
    assert baseline.rows is not None
    assert current.rows is not None
    fewest = min(baseline.rows, current.rows)
    if fewest < FEWEST_ROWS:
        return {}, f"too few rows ({fewest}) to tell whether values moved: {FEWEST_ROWS} are needed"
    bins = max(2, min(_MOST_BINS, fewest // _ROWS_PER_BIN))
    found: dict[str, float] = {}
    left: list[str] = []
    for name in names:
        old, new = baseline.columns[name], current.columns[name]
        if _is_comparable(old, new):
            counts = _by_number(old, new, bins) if old.numbers is not None else _by_category(old, new, bins)
            if counts is None:
                left.append(name)
            else:
                found[name] = distances.population_stability(*counts)
    return found, f"not compared, for too many of their values are different: {few(left)}" if left else ""


def _is_comparable(old: Column, new: Column) -> bool:
    """Whether there is something to compare with, and of its kind; a change of kind is told as such."""
    is_of_a_kind = new.is_empty or (old.numbers is None) == (new.numbers is None)
    return not old.is_empty and is_of_a_kind and MIXED not in (old.kind, new.kind)


def _by_number(old: Column, new: Column, bins: int) -> tuple[Array, Array]:
    """How many numbers lie in each bin on both sides; the last bin is that of missing values."""
    assert old.numbers is not None
    sides = distances.binned(old.numbers, np.empty(0) if new.numbers is None else new.numbers, bins=bins)
    for counted, column in zip(sides, (old, new), strict=True):
        counted[-1] = column.missing
    return sides


def _by_category(old: Column, new: Column, bins: int) -> tuple[Array, Array] | None:
    """How often the most frequent values occur on both sides, then all other ones, those never seen before, and missing ones.

    None where values name single rows, or are more than were counted.
    """
    before, now = old.counts, new.counts
    if before is None or now is None or _are_names(before):
        return None
    ranked = sorted(before, key=lambda value: (-before[value], value))
    most = min(_MOST_CATEGORIES, max(bins, sum(before.values()) // _ROWS_PER_BIN))
    first, others = ranked[:most], ranked[most:]
    unseen = sum(count for value, count in now.items() if value not in before)
    one = [*(before[value] for value in first), sum(before[value] for value in others), 0, old.missing]
    other = [*(now.get(value, 0) for value in first), sum(now.get(value, 0) for value in others), unseen, new.missing]
    return np.array(one), np.array(other)


def _are_names(counts: Mapping[str, int]) -> bool:
    """Whether there are fewer than two rows for each value on average."""
    return len(counts) > 2 and sum(counts.values()) < 2 * len(counts)
