"""Looks at a table for the draft of a contract, with the cells that the checks of a contract look at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlgit.adapters.duckdb.session import Session
from mlgit.render.sql import literal
from mlgit.validation.cells import Cell
from mlgit.validation.profile import MOST_LEVELS, TAIL, ColumnProfile, Numbers, TableProfile
from mlgit.validation.source import DataSource

# In the order in which a type is looked for.
KINDS = ("integer", "number", "boolean", "date", "time", "timestamp", "object", "array", "string")
# Columns that one query looks at.
_AT_ONCE = 1000
_FLOATING = ("FLOAT", "DOUBLE", "DECIMAL")
_DEEPEST = 4
_DAY = r"^\s*[0-9]{4,5}(-[0-9]{1,2}-|/[0-9]{1,2}/)[0-9]{1,2}([ T]|\s*$)"


def profile(session: Session, source: DataSource) -> TableProfile:
    """What the table holds."""
    session.rows(f"CREATE TEMP TABLE profiled AS {source.relation()}")
    rows = int(session.rows("SELECT count(*) FROM profiled")[0][0])
    found: dict[str, ColumnProfile] = {}
    for columns in _alike(source.columns):
        found |= _columns(session, columns)
    return TableProfile(rows, tuple(found[name] for name in source.columns))


def _alike(columns: Mapping[str, Cell]) -> Iterator[Mapping[str, Cell]]:
    """Columns of one type together, so many that one query can look at them."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for name, cell in columns.items():
        kinds.setdefault((cell.storage, cell.type), []).append(name)
    for names in kinds.values():
        for start in range(0, len(names), _AT_ONCE):
            yield {name: columns[name] for name in names[start : start + _AT_ONCE]}


def _columns(session: Session, columns: Mapping[str, Cell]) -> dict[str, ColumnProfile]:
    """These columns of one type, in as few looks as can be: what they are, then levels and numbers of those that have them."""
    names, cells = list(columns), list(columns.values())
    cell = Cell("v", cells[0].storage, cells[0].type)
    counts = _grouped(session, dict(enumerate(cells)), _counts(cell))
    found = [_counted(name, each, counts.get(at, ())) for at, (name, each) in enumerate(zip(names, cells, strict=True))]
    few = {at: cells[at] for at, each in enumerate(found) if 0 < each.distinct <= MOST_LEVELS}
    for at, (levels,) in _grouped(session, few, [f"histogram({cell.text}) FILTER (WHERE NOT {cell.missing})"]).items():
        found[at] = replace(found[at], levels={str(value): int(number) for value, number in sorted(levels.items())})
    numeric = {
        at: cells[at] for at, each in enumerate(found) if each.known and {"integer", "number"} & each.kinds and not each.is_code
    }
    for at, numbers in _numbers(session, numeric, found, cell.value("number")).items():
        found[at] = replace(found[at], numbers=numbers)
    return dict(zip(names, found, strict=True))


def _grouped(
    session: Session, columns: Mapping[int, Cell], wanted: Sequence[str], *, beside: str = ""
) -> dict[int, tuple[Any, ...]]:
    """Aggregates of the values `v` of columns, by their place. The columns are put below each other: however many there are,
    DuckDB plans each aggregate once. `beside` is joined by `place`."""
    if not columns:
        return {}
    values, places = ", ".join(each.sql for each in columns.values()), ", ".join(map(str, columns))
    below = f"SELECT unnest([{values}]) AS v, unnest([{places}]) AS place FROM profiled"
    rows = session.rows(f"SELECT place, {', '.join(wanted)} FROM ({below}) {beside} GROUP BY place")
    return {int(row[0]): row[1:] for row in rows}


def _counts(cell: Cell) -> list[str]:
    known, text = f"NOT {cell.missing}", cell.text
    return [
        f"count(*) FILTER (WHERE {known})",
        f"count(DISTINCT {text}) FILTER (WHERE {known})",
        f"max(length({text})) FILTER (WHERE {known})",
        f"count(*) FILTER (WHERE {known} AND ({_pointed(cell)}))",
        f"count(*) FILTER (WHERE {known} AND ({_coded(cell)}))",
        f"count(*) FILTER (WHERE {known} AND ({_powered(cell)}))",
        f"count(*) FILTER (WHERE {known} AND ({_timed(cell)}))",
        f"count(*) FILTER (WHERE {known} AND ({_loose(cell)}))",
        *(f"count(*) FILTER (WHERE {known} AND coalesce({cell.wrong(kind)}, true))" for kind in KINDS),
    ]


def _pointed(cell: Cell) -> str:
    """Whether a number could have a part behind the point, by how it is written or stored."""
    if cell.storage == "typed":
        base = cell.type.partition("(")[0]
        return "true" if base in _FLOATING and not cell.type.endswith((",0)", "]")) else "false"
    return f"contains({cell.text}, '.')" if cell.storage == "text" else f"json_type({cell.sql}) = 'DOUBLE'"


def _coded(cell: Cell) -> str:
    """Whether digits are the sign of something and no number: `007`, `01.11`, `+49301234`, `12E07`."""
    forms = r"\s*([+][0-9]+|-?0[0-9]+([.][0-9]*)?|[0-9]+[eE]0[0-9]+)\s*"
    return f"regexp_full_match({cell.text}, {literal(forms)})" if cell.storage == "text" else "false"


def _powered(cell: Cell) -> str:
    """Whether an E stands between digits: a number written short, or the sign of something, such as `101E42`."""
    return f"regexp_full_match({cell.text}, '[0-9]+[eE][0-9]+')" if cell.storage == "text" else "false"


def _timed(cell: Cell) -> str:
    """Whether a text names a time, of a day or by itself."""
    return "false" if cell.storage == "typed" and cell.type != "VARCHAR" else f"contains({cell.text}, ':')"


def _loose(cell: Cell) -> str:
    """Whether a text names no day as people write it where others read it: the year first, with all its digits."""
    if cell.storage == "typed" and cell.type != "VARCHAR":
        return "false"
    return f"NOT regexp_matches({cell.text}, {literal(_DAY)})"


def _counted(name: str, cell: Cell, values: Sequence[Any]) -> ColumnProfile:
    counted = [int(each or 0) for each in values or [0] * (8 + len(KINDS))]
    known, distinct, longest, pointed, coded, powered, timed, loose, *wrong = counted
    found = ColumnProfile(
        name,
        known,
        distinct,
        frozenset(kind for kind, number in zip(KINDS, wrong, strict=True) if not number)
        if known
        else _stored(cell, is_column=True),
        has_point=bool(pointed),
        is_code=bool(coded) or 0 < known == powered,
        has_hour=bool(timed),
        is_loose=bool(loose),
        longest=longest,
    )
    return _with_inner(found, cell)


def _stored(cell: Cell, *, is_column: bool = False) -> frozenset[str]:
    """The types that a file names for a column without a value; that of fractions is none, for pandas gives it to any."""
    if cell.storage != "typed" or cell.type == '"NULL"' or (is_column and cell.type in ("FLOAT", "DOUBLE")):
        return frozenset()
    return frozenset(kind for kind in KINDS if cell.wrong(kind) == "false")


def _with_inner(found: ColumnProfile, cell: Cell, depth: int = 0) -> ColumnProfile:
    """With the types of what lies in a struct or a list, where the file names them."""
    if cell.storage != "typed" or depth == _DEEPEST:
        return found
    if cell.type.endswith("]"):
        item = cell.item("item")
        return replace(
            found, item=_with_inner(ColumnProfile("", kinds=_stored(item), has_point=_pointed(item) == "true"), item, depth + 1)
        )
    fields = []
    for name, field in cell.fields():
        inner = ColumnProfile(name, kinds=_stored(field), has_point=_pointed(field) == "true")
        fields.append(_with_inner(inner, field, depth + 1))
    return replace(found, fields=tuple(fields))


def _numbers(session: Session, columns: Mapping[int, Cell], found: Sequence[ColumnProfile], number: str) -> dict[int, Numbers]:
    """How the values of columns of numbers lie, and how many of them near the bounds that nature sets."""
    shapes = _grouped(session, columns, _shape(number))
    widths = ", ".join(
        f"({at}, {_width(above, found[at])!r}::DOUBLE, {_width(below, found[at])!r}::DOUBLE)"
        for at, (*_, above, below) in shapes.items()
    )
    beside = f"JOIN (VALUES {widths}) AS widths(place, above, below) USING (place)"
    bins = _grouped(session, columns, _bins(number), beside=beside)
    return {
        at: Numbers(low, high, (tail or [low])[-1], tenth, ninetieth, tuple(bins[at][:3]), tuple(bins[at][3:]))
        for at, (low, high, tail, tenth, ninetieth, *_) in shapes.items()
        if low is not None
    }


def _shape(number: str) -> list[str]:
    return [
        f"min({number})",
        f"max({number})",
        f"min({number}, {TAIL})",
        f"quantile_disc({number}, 0.1)",
        f"quantile_disc({number}, 0.9)",
        f"quantile_disc({number}, 0.1) FILTER (WHERE {number} > 0)",
        f"quantile_disc(1 - {number}, 0.1) FILTER (WHERE {number} < 1)",
    ]


def _width(found: float | None, column: ColumnProfile) -> float:
    """The width of bins at a bound: a tenth of the values beyond it lie in the first; whole numbers have whole ones."""
    width = found if found is not None and math.isfinite(found) and found > 0 else 1.0
    return width if column.has_point or "integer" not in column.kinds else max(1.0, math.floor(width))


def _bins(number: str) -> list[str]:
    return [
        *(f"count(*) FILTER (WHERE {number} >= {at} * above AND {number} < {at + 1} * above)" for at in range(3)),
        *(f"count(*) FILTER (WHERE 1 - {number} >= {at} * below AND 1 - {number} < {at + 1} * below)" for at in range(3)),
    ]
