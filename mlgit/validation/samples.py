"""What is shown of a broken check: up to five places, with the values that stand there unless they are classified."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, BinaryIO

from mlgit.adapters.duckdb.session import QueryError, Session
from mlgit.tables import separated, streams
from mlgit.validation import predicates
from mlgit.validation.contract import Contract
from mlgit.validation.finding import BrokenCell, Finding
from mlgit.validation.predicates import NoColumnError
from mlgit.validation.source import DataSource, Part

MOST = 5
# As many broken checks as a table of them lists.
_MOST_CHECKS = 100
# Checks that many rows break with the same value.
_BY_VALUE = ("type", "values", "pattern", "format", "missing")
# More rows than any part has.
_PART = 1 << 40
# Part, row, what stands there, and in how many rows.
_Place = tuple[int, int, Any, int]
_LENGTH = 60
_MOST_BYTES = 4 << 30


def samples(duck: Session, table: DataSource, contract: Contract, findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, with places for the first of those that are broken: each takes a look at the data of its own."""
    found = []
    left = _MOST_CHECKS
    for each in findings:
        is_shown = each.outcome in ("fail", "warn") and bool(each.rows) and bool(each.check.columns) and left > 0
        left -= is_shown
        found.append(replace(each, samples=_of(duck, table, contract, each)) if is_shown else each)
    return found


def _of(duck: Session, table: DataSource, contract: Contract, finding: Finding) -> tuple[BrokenCell, ...]:
    check = finding.check
    try:
        names = [predicates.top_of(path, table.columns) for path in check.columns]
        shown = _shown(check.columns[0], names[0])
        is_private = any(contract.is_private(path) for path in (shown, *check.columns))
        value, relation = predicates.cell_of(shown, table.columns).text, table.relation(names)
        if check.kind in ("unique", "duplicates"):
            rows = _twice(duck, relation, predicates.key(check, contract, table.columns), value)
        else:
            where = predicates.broken(check, contract, table.columns)
            rows = _broken(duck, relation, where, value, by_value=check.kind in _BY_VALUE and not is_private)
    except (NoColumnError, QueryError):
        return ()
    lines = {
        index: _lines(table.parts[index], [row for part, row, *_ in rows if part == index])
        for index in {row[0] for row in rows}
    }
    return tuple(
        BrokenCell(
            lines[part][row],
            None if is_private else _short(text),
            table.parts[part].name if len(table.parts) > 1 else "",
            rows_of,
        )
        for part, row, text, rows_of in rows
    )


def _shown(path: str, name: str) -> str:
    """The path of the value that is shown: that of the check itself, or of the list that it lies in. `name` is its column."""
    return name + path[len(name) :].partition("[]")[0]


def _broken(duck: Session, relation: str, where: str, value: str, *, by_value: bool) -> list[_Place]:
    """The first rows that break a check; `by_value`: each value once, the most frequent first, with how often it is there."""
    shown = f"SELECT part, row, {value} AS shown FROM ({relation}) WHERE {where}"
    if not by_value:
        return [(part, row, text, 1) for part, row, text in duck.rows(f"{shown} ORDER BY part, row LIMIT {MOST}")]
    place = f"min(part::BIGINT * {_PART} + row)"
    found = duck.rows(f"SELECT {place}, shown, count(*) FROM ({shown}) GROUP BY shown ORDER BY 3 DESC, 1 LIMIT {MOST}")
    return [(first // _PART, first % _PART, text, often) for first, text, often in found]


def _twice(duck: Session, relation: str, key: Sequence[str], value: str) -> list[_Place]:
    """Places of the first key that stands there more than once."""
    names = [f"k{place}" for place in range(len(key))]
    inner = ", ".join(f"{part} AS {name}" for part, name in zip(key, names, strict=True))
    known = " AND ".join(f"{name} IS NOT NULL" for name in names)
    keyed = f"SELECT part, row, {value} AS shown, {inner} FROM ({relation})"
    again = (
        f"SELECT {', '.join(names)} FROM ({keyed}) WHERE {known} GROUP BY ALL HAVING count(*) > 1 "
        f"ORDER BY min(part), min(row) LIMIT {MOST}"
    )
    same = " AND ".join(f"one.{name} = again.{name}" for name in names)
    found = duck.rows(
        f"SELECT part, row, shown FROM ({keyed}) AS one WHERE EXISTS (SELECT 1 FROM ({again}) AS again WHERE {same}) "
        f"ORDER BY part, row LIMIT {MOST}"
    )
    return [(part, row, text, 1) for part, row, text in found]


def _short(text: object) -> str:
    shown = "" if text is None else str(text)
    return shown if len(shown) <= _LENGTH else shown[: _LENGTH - 1] + "…"


def _lines(part: Part, rows: Sequence[int]) -> dict[int, int]:
    """The line on which each of these rows begins, from 1; of a format without lines, the row itself."""
    if not (part.format.separator or part.format.name == "jsonl"):
        return {row: row for row in rows}
    found: dict[int, int] = {}
    wanted, last = set(rows), max(rows)
    with open(part.path, "rb") as stream:
        for at, line in enumerate(_numbered(part, stream), start=1):
            if at in wanted:
                found[at] = line
            if at >= last:
                break
    return found


def _numbered(part: Part, stream: BinaryIO) -> Iterator[int]:
    """The line of each row, in their order."""
    if part.format.separator:
        yield from islice(separated.line_numbers(stream, table=part.format, most=_MOST_BYTES), 1, None)
    else:
        lines = enumerate(streams.text(stream, table=part.format, most=_MOST_BYTES), start=1)
        yield from (number for number, line in lines if line.strip())
