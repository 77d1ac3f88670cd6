"""Checks as SQL: which rows break one, and what a duplicate is."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from mlgit.render.sql import literal
from mlgit.validation import patterns
from mlgit.validation.cells import EXACT, Cell
from mlgit.validation.contract import Contract, ContractCheck

# Whole numbers below it are those of HUGEINT.
_HUGE = 2**127
# What two divisions of floats may be off by, of one, and of floats of 32 bits.
_ROUNDING, _SHORT_ROUNDING = 4 * 2.0**-52, 4 * 2.0**-23
_LARGEST_SHORT = 3e38


class NoColumnError(Exception):
    """The data has no such column."""


def broken(check: ContractCheck, contract: Contract, columns: Mapping[str, Cell]) -> str:
    """The condition that is true of a row that breaks the check. Raises NoColumnError."""
    path = check.columns[0]
    column = contract.column(path)
    kind = column.type if column else ""
    form = str(column.options.get("format", "")) if column and kind in ("date", "timestamp", "time") else ""
    match check.kind:
        case "required" if "within" in check.options:  # of objects that are there
            field = str(check.options["key"])
            return _any(str(check.options["within"]), columns, lambda cell: _there(cell, cell.field(field).missing))
        case "required":
            return _any(path, columns, lambda cell: cell.missing)
        case "missing":
            return _any(path, columns, lambda cell: _missing(cell, check.options.get("values") or ()))
        case "type":
            return _any(path, columns, lambda cell: _there(cell, cell.wrong(kind, form=form)))
        case "range":
            return _any(path, columns, lambda cell: _of_numbers(cell, kind, _outside(cell, kind, form, check.options)))
        case "length":
            return _any(path, columns, lambda cell: _there(cell, _length(cell, kind, check.options)))
        case "pattern" | "format" | "values":
            return _any(path, columns, lambda cell: _there(cell, _invalid(cell, kind, check)))
        case "multiple":
            return _any(path, columns, lambda cell: _of_numbers(cell, kind, _no_multiple(cell, check.options["of"])))
        case "items":
            return _any(path, columns, lambda cell: _there(cell, f"{cell.distinct_length} < {cell.length}"))
    raise AssertionError(check.kind)


def looks_at_number(check: ContractCheck, contract: Contract) -> bool:
    """Whether a check of one column asks nothing of its text but which number that is, as a float, if any."""
    path = check.columns[0] if len(check.columns) == 1 else ""
    column = contract.column(path)
    if column is None or column.type not in ("integer", "number"):
        return False
    match check.kind:
        case "type" | "required" | "multiple":
            return True
        case "unique" | "duplicates":
            return column.type == "integer"
        case "missing":
            return not check.options.get("values")
        case "range":
            return not _is_beyond_floats(check.options)
        case _:
            return False


def key(check: ContractCheck, contract: Contract, columns: Mapping[str, Cell]) -> tuple[str, ...]:
    """What may not occur twice, one expression a column; a row where one of them is NULL has no key. Raises NoColumnError."""
    return tuple(_key(cell_of(path, columns), contract, path) for path in check.columns)


def _key(cell: Cell, contract: Contract, path: str) -> str:
    column = contract.column(path)
    kind = column.type if column else ""
    value = cell.text if cell.storage == "json" else cell.sql
    if cell.storage in ("text", "json") and kind == "integer":
        # 1, 01 and 1.0 are one number, however long; DuckDB takes 1.5 for 2
        value = f"coalesce(CASE WHEN NOT {cell.wrong(kind)} THEN CAST({cell.whole} AS VARCHAR) END, {value})"
    elif cell.storage in ("text", "json") and kind == "number":
        number = cell.value(kind)
        value = (
            f"CASE WHEN abs({number}) < {EXACT} THEN CAST({number} + 0.0::DOUBLE AS VARCHAR) "  # -0.0 is 0.0
            f"ELSE coalesce(CAST({cell.whole} AS VARCHAR), {value}) END"
        )
    elif cell.storage == "text" and kind in ("date", "timestamp", "time", "boolean"):
        form = str(column.options.get("format", "")) if column else ""
        value = f"coalesce(CAST({cell.value(kind, form=form)} AS VARCHAR), {cell.sql})"
    return f"CASE WHEN NOT {cell.missing} THEN {value} END"


def are_exact(cell: Cell) -> str:
    """Whether all values of a column of whole numbers, read as floats, are such numbers, and differ where their texts do."""
    return f"({are_small(cell)} AND NOT coalesce(bool_or({cell.wrong('integer')}), false))"


def are_small(cell: Cell) -> str:
    """Whether no value of a column, read as floats, is so large that its text may be another number."""
    return f"(coalesce(max(abs({cell.sql})), 0) < {EXACT})"


def cell_of(path: str, columns: Mapping[str, Cell]) -> Cell:
    """The cell of a path that goes through no list. Raises NoColumnError."""
    name, steps = _steps(path, columns)
    cell = columns[name]
    for step in steps:
        if step == "[]":
            raise NoColumnError(path)
        cell = cell.field(step)
    return cell


def end_of(path: str, columns: Mapping[str, Cell]) -> Cell:
    """The cell at the end of a path, which is no value of its own behind a list. Raises NoColumnError."""
    found = []
    _any(path, columns, lambda cell: found.append(cell) or "true")  # type: ignore[func-returns-value]
    return found[0]


def somewhere(path: str, columns: Mapping[str, Cell]) -> tuple[str, str]:
    """Whether a row has something under a path, and whether it has a list with a place for it. Raises NoColumnError."""
    above, brackets, _ = path.rpartition("[]")
    place = _any(f"{above}[]", columns, lambda _: "true") if brackets else "true"
    return _any(path, columns, lambda cell: f"{cell.sql} IS NOT NULL"), place


def top_of(path: str, columns: Mapping[str, Cell]) -> str:
    """The column that a path begins with. Raises NoColumnError."""
    return _steps(path, columns)[0]


def tops_of(paths: Iterable[str], columns: Mapping[str, Cell]) -> set[str]:
    """The columns that paths begin with; none for a path that no column begins."""
    found = set()
    for path in paths:
        with suppress(NoColumnError):
            found.add(top_of(path, columns))
    return found


def _steps(path: str, columns: Mapping[str, Cell]) -> tuple[str, list[str]]:
    """The column that a path begins with, whose own name may have dots, and the steps into it."""
    name = path if path in columns else max((each for each in _beginnings(path) if each in columns), key=len, default=None)
    if name is None:
        raise NoColumnError(path)
    rest = path[len(name) :].replace("[]", ".[]").split(".")
    return name, [step for step in rest if step]


def _beginnings(path: str) -> Iterator[str]:
    """Every part of a path up to a dot or a bracket."""
    return (path[:place] for place, char in enumerate(path) if char in ".[")


def _any(path: str, columns: Mapping[str, Cell], predicate: Callable[[Cell], str]) -> str:
    """A predicate at the end of a path; behind a list, of anything in it."""
    name, steps = _steps(path, columns)
    return _into(columns[name], steps, predicate, 0)


def _into(cell: Cell, steps: Sequence[str], predicate: Callable[[Cell], str], depth: int) -> str:
    if not steps:
        return predicate(cell)
    if steps[0] != "[]":
        return _into(cell.field(steps[0]), steps[1:], predicate, depth)
    variable = f"item{depth}"
    return cell.any_item(variable, _into(cell.item(variable), steps[1:], predicate, depth + 1))


def _there(cell: Cell, wrong: str) -> str:
    return f"(NOT {cell.missing} AND coalesce({wrong}, false))"


def _missing(cell: Cell, values: Sequence[Any]) -> str:
    if not values:
        return cell.missing
    return f"({cell.missing} OR coalesce({_among(cell, values, '')}, false))"


def _of_numbers(cell: Cell, kind: str, wrong: str) -> str:
    """What is wrong with numbers: 1.5 among whole ones, or NAN, is none, which the type tells, if there is one."""
    if not kind:
        return _there(cell, f"coalesce({cell.wrong('number')}, false) OR {wrong}")
    none = cell.wrong(kind) if kind in ("integer", "number") else "false"
    if none == "false" and cell.is_float:
        # of a number that is there nothing is unknown, and what costs least is looked at first
        return f"({wrong} AND NOT isnan({cell.sql}))"
    return _there(cell, wrong if none == "false" else f"{wrong} AND NOT coalesce({none}, false)")


def _outside(cell: Cell, kind: str, form: str, ends: Mapping[str, Any]) -> str:
    if kind in ("date", "timestamp", "time"):
        value = cell.value(kind, form=form)
        name = {"date": "DATE", "timestamp": "TIMESTAMPTZ", "time": "TIME"}[kind]
        bounds = {key: f"CAST({literal(str(each))} AS {name})" for key, each in ends.items()}
    elif _is_beyond_floats(ends):
        return "(" + " OR ".join(_beyond(cell, end, each) for end, each in ends.items()) + ")"
    else:
        # NaN is beyond any end: `_of_numbers` tells it apart, at less cost
        value = f"CAST({cell.sql} AS DOUBLE)" if cell.is_float else cell.value("number")
        # as a float of 32 bits, 0.1 is above 0.1
        is_short = cell.type == "FLOAT"
        bounds = {
            key: f"CAST({_float(each)} AS FLOAT)" if is_short and abs(each) < _LARGEST_SHORT else _float(each)
            for key, each in ends.items()
        }
    return "(" + " OR ".join(f"{value} {_SIGNS[key]} {bound}" for key, bound in bounds.items()) + ")"


_SIGNS = {"minimum": "<", "exclusiveMinimum": "<=", "maximum": ">", "exclusiveMaximum": ">="}


def _beyond(cell: Cell, end: str, bound: float) -> str:
    """Whether a number is beyond an end, both as whole numbers; of one that is longer than those its sign tells."""
    number, sign = cell.value("number"), _SIGNS[end]
    if abs(bound) >= _HUGE:
        return f"{number} {sign} {_float(bound)}"
    # of whole numbers, those below 0.5 are those below 1, and those above it are those above 0
    whole = math.ceil(bound) if end in ("minimum", "exclusiveMaximum") else math.floor(bound)
    return (
        f"CASE WHEN abs({number}) < {EXACT} THEN {number} {sign} {_float(bound)} "
        f"ELSE coalesce({cell.whole} {sign} {_huge(whole)}, {number} {sign} 0) END"
    )


def _is_beyond_floats(ends: Mapping[str, Any]) -> bool:
    return any(abs(each) >= EXACT for each in ends.values() if isinstance(each, (int, float)))


def _float(number: float) -> str:
    return f"CAST({literal(repr(float(number)))} AS DOUBLE)"


def _huge(number: float) -> str:
    return f"CAST({literal(str(int(number)))} AS HUGEINT)"


def _length(cell: Cell, kind: str, ends: Mapping[str, Any]) -> str:
    length = cell.length if kind == "array" else cell.keys if kind in ("object", "map") else f"length({cell.text})"
    low, high = ends.get("low"), ends.get("high")
    said = [f"{length} < {low}" if low is not None else "", f"{length} > {high}" if high is not None else ""]
    return "(" + " OR ".join(each for each in said if each) + ")"


def _invalid(cell: Cell, kind: str, check: ContractCheck) -> str:
    said = []
    if check.options.get("pattern") is not None:
        # a pattern is found anywhere in the value, as in ECMA-262; a form is all of it
        given = str(check.options["pattern"])
        pattern = literal(given if check.kind == "format" else patterns.translated(given))
        matches = "regexp_full_match" if check.kind == "format" else "regexp_matches"
        said.append(f"NOT {matches}({cell.text}, {pattern})")
    if check.options.get("values") is not None:
        said.append(f"NOT {_among(cell, check.options['values'], kind)}")
    return "(" + " OR ".join(said) + ")"


def _among(cell: Cell, values: Sequence[Any], kind: str) -> str:
    """Whether a value is one of those listed: numbers by their value, all else by its text."""
    numbers = [
        each
        for each in values
        if isinstance(each, (int, float)) and not isinstance(each, bool) and abs(each) <= sys.float_info.max
    ]
    texts = [str(each) if not isinstance(each, bool) else str(each).lower() for each in values]
    either = [f"{cell.text} IN ({', '.join(literal(each) for each in texts)})"] if texts else []
    if kind != "string":
        large = [each for each in numbers if EXACT <= abs(each) < _HUGE]
        other = [each for each in numbers if each not in large]
        if large:
            either.append(f"{cell.whole} IN ({', '.join(map(_huge, large))})")
        if other:
            either.append(f"{cell.value('number')} IN ({', '.join(map(_float, other))})")
    if kind == "boolean" and texts:  # 1 is true
        listed = ", ".join(literal(each.lower()) for each in texts)
        either += [f"lower({cell.text}) IN ({listed})", f"CAST({cell.value(kind)} AS VARCHAR) IN ({listed})"]
    elif bools := [str(each).lower() for each in values if isinstance(each, bool)]:
        either.append(f"lower({cell.text}) IN ({', '.join(map(literal, bools))})")
    return "(" + " OR ".join(f"coalesce({each}, false)" for each in either) + ")" if either else "false"


def _no_multiple(cell: Cell, of: float) -> str:
    """Whether a number is no multiple of another: of whole numbers exactly, of others but for the rounding of floats."""
    number = cell.value("number")
    quotient = f"({number} / {_float(of)})"
    off = _SHORT_ROUNDING if cell.type == "FLOAT" else _ROUNDING
    rounded = f"(abs({quotient} - round({quotient})) > {off!r} * greatest(1.0, abs({quotient})))"
    if of != int(of) or of >= _HUGE:
        return rounded
    # a float that is read anew where it is too large has no text
    whole = "NULL" if cell.storage == "number" else f"{cell.whole} % {_huge(of)} <> 0"
    return (
        f"CASE WHEN abs({number}) >= {EXACT} THEN coalesce({whole}, {rounded}) "
        f"WHEN {number} = floor({number}) THEN {number} % {_float(of)} <> 0 ELSE {rounded} END"
    )
