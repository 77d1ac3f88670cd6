"""What a table holds, column by column, as far as a contract is drafted from it: counts, and no row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# A column with more different values than that has no levels.
MOST_LEVELS = 50
# So many values lie below `tail_low` of a column of numbers, itself counted.
TAIL = 20


@dataclass(frozen=True, slots=True)
class Numbers:
    """The known values of a column of numbers.

    `tail_low` is the TAIL-th smallest, `tenth` and `ninetieth` are quantiles. `above_zero` counts the values in the three bins
    of equal width that begin at 0 and go up, `below_one` those in three that begin at 1 and go down.
    """

    low: float
    high: float
    tail_low: float
    tenth: float
    ninetieth: float
    above_zero: tuple[int, int, int] = (0, 0, 0)
    below_one: tuple[int, int, int] = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column: `known` values are there, of which `distinct` are different.

    `kinds` are the logical types that all known values have. `has_point`: numbers are written with a decimal point, or stored
    so that they could have a part behind it; `is_code`: digits with a zero or plus in front, or with E among them, which are no
    numbers; `has_hour`: a day is written with its time, or could be; `is_loose`: DuckDB takes for a moment what nobody would
    write so. `levels` tells how often each value comes, None where there are more than MOST_LEVELS; `longest` is the length of
    the longest text. `fields` lie in it by name, `item` in each of its lists.
    """

    name: str
    known: int = 0
    distinct: int = 0
    kinds: frozenset[str] = frozenset()
    has_point: bool = False
    is_code: bool = False
    has_hour: bool = False
    is_loose: bool = False
    longest: int = 0
    levels: Mapping[str, int] | None = None
    numbers: Numbers | None = None
    fields: tuple[ColumnProfile, ...] = ()
    item: ColumnProfile | None = None


@dataclass(frozen=True, slots=True)
class TableProfile:
    """A table of so many rows."""

    rows: int
    columns: tuple[ColumnProfile, ...]
