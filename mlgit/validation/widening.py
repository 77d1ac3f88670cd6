"""What a contract has to allow so that data which breaks it does so no more, and the columns it lacks.

Types, levels and `required` are widened. A bound, a pattern, a key or a query is a decision of its author: it is kept, and
that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlgit.render.text import count
from mlgit.render.text import number as shown_number
from mlgit.validation import infer
from mlgit.validation.contract import Contract, ContractColumn
from mlgit.validation.finding import ContractResult, Finding
from mlgit.validation.profile import MOST_LEVELS, ColumnProfile, TableProfile
from mlgit.validation.table import condition

_NUMBERS = ("integer", "number")


@dataclass(frozen=True, slots=True)
class Edit:
    """A value of the document to be replaced, by a path with dots."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class KeptRule:
    """A rule of its author, by the column and the kinds of its checks, and what to say where the data breaks it."""

    path: str
    kinds: tuple[str, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Widening:
    """The edits of a contract, and what to say of rules that are kept."""

    edits: tuple[Edit, ...] = ()
    kept: tuple[KeptRule, ...] = ()

    def broken(self, result: ContractResult) -> tuple[str, ...]:
        """What the data still breaks, once the edits are made: of whatever kind a rule is, none is passed over."""
        said: dict[str, None] = {}
        absent = {path for each in result.broken if each.check.kind == "present" for path in each.check.columns}
        for finding in result.broken:
            check = finding.check
            if finding.outcome == "invalid" and absent.intersection(check.columns):
                continue
            known = [each.sentence for each in self.kept if check.kind in each.kinds and check.columns in ((), (each.path,))]
            said.update(dict.fromkeys(known or [_told(finding)]))
        return tuple(said)


def _told(finding: Finding) -> str:
    check = finding.check
    rule = f"{', '.join(check.columns) or '(table)'}: {condition(finding)}"
    if check.kind == "present":
        return f"{check.columns[0]}: in the contract, and not in the data"
    if finding.outcome == "invalid":
        return f"{rule}: cannot be evaluated: {finding.reason}"
    if finding.rows is not None:
        return f"{rule}: broken by {count(finding.rows, 'key' if check.kind in ('unique', 'duplicates') else 'row')}"
    return f"{rule}: found {shown_number(finding.value)}" if finding.value is not None else f"{rule}: broken"


def widen(document: Mapping[str, Any], *, contract: Contract, table: TableProfile) -> Widening:
    """How to bring a contract up to what a table holds."""
    columns = {each.name: each for each in table.columns}
    found = list(_of_table(document, table))
    for place, given in enumerate(document["schema"][0].get("properties") or []):
        name = str(given.get("physicalName") or given["name"])
        declared = contract.column(name)
        if name not in columns:
            found.append(KeptRule(name, ("present",), f"{name}: in the contract, and not in the data"))
        elif declared is not None:
            if contract.is_private(name):  # what lies in it may be all that is classified
                declared = replace(declared, classification=declared.classification or "restricted")
            found += _of_column(given, f"schema.0.properties.{place}", declared, columns[name], table.rows)
    edits = tuple(each for each in found if isinstance(each, Edit))
    return Widening(edits, tuple(each for each in found if isinstance(each, KeptRule)))


_Found = Edit | KeptRule


def _of_table(document: Mapping[str, Any], table: TableProfile) -> Iterator[_Found]:
    for given in document["schema"][0].get("quality") or []:
        least = given.get("mustBeGreaterOrEqualTo")
        if given.get("metric") == "rowCount" and isinstance(least, (int, float)) and table.rows < least:
            yield KeptRule("", ("rows",), f"rowCount: at least {least}, and there are {table.rows} rows")


def _of_column(
    given: Mapping[str, Any], key: str, declared: ContractColumn, column: ColumnProfile, rows: int
) -> Iterator[_Found]:
    yield from _type(given, key, declared, column)
    missing = rows - column.known
    if missing and declared.is_key:
        yield KeptRule(declared.path, ("required",), f"{declared.path}: primaryKey, and it is missing in {missing:,} rows")
    elif missing and declared.is_required:
        yield Edit(f"{key}.required", False)
    if (declared.is_unique or declared.is_key) and column.distinct < column.known:
        again = f"{declared.path}: unique, and {column.known - column.distinct:,} values come again"
        yield KeptRule(declared.path, ("unique", "duplicates"), again)
    for index, rule in enumerate(given.get("quality") or []):
        yield from _levels(rule, f"{key}.quality.{index}", declared, column)
    if declared.values is not None:
        yield from _enum(given, f"{key}.enum", declared, column)
    yield from _bounds(declared, column)


def _type(given: Mapping[str, Any], key: str, declared: ContractColumn, column: ColumnProfile) -> Iterator[_Found]:
    kind = given.get("logicalType") or ""
    shown = infer.logical_type(column)
    if not kind or not column.known or kind in column.kinds or kind == "map" or "format" in declared.options:
        return
    if not shown:
        several = f"{declared.path}: type {kind}, and the data is of several types: change it by hand"
        yield KeptRule(declared.path, ("type",), several)
        return
    bounded = bool(set(declared.options) - {"format"})
    if bounded and not (kind in _NUMBERS and shown in _NUMBERS):
        other = f"{declared.path}: type {kind}, and the data is {shown}: change it by hand, with its logicalTypeOptions"
        yield KeptRule(declared.path, ("type",), other)
    else:
        yield Edit(f"{key}.logicalType", shown)


def _bounds(declared: ContractColumn, column: ColumnProfile) -> Iterator[_Found]:
    numbers, options = column.numbers, declared.options
    if numbers is None:
        return
    for end, is_broken in (("minimum", numbers.low.__lt__), ("maximum", numbers.high.__gt__)):
        bound = options.get(end)
        if isinstance(bound, (int, float)) and not isinstance(bound, bool) and is_broken(float(bound)) is True:
            yield KeptRule(declared.path, ("range",), f"{declared.path}: {end} {bound}, and there are values beyond it")


def _levels(rule: Mapping[str, Any], key: str, declared: ContractColumn, column: ColumnProfile) -> Iterator[_Found]:
    """The valid values of a rule."""
    inner = "arguments.validValues" if (rule.get("arguments") or {}).get("validValues") is not None else "validValues"
    values = (rule.get("arguments") or {}).get("validValues", rule.get("validValues"))
    if isinstance(values, list):
        yield from _widened(values, values, f"{key}.{inner}", declared, column)


def _enum(given: Mapping[str, Any], key: str, declared: ContractColumn, column: ColumnProfile) -> Iterator[_Found]:
    entries = list(given["enum"])
    has_keys = any(isinstance(each, Mapping) for each in entries)
    yield from _widened(list(declared.values or ()), entries, key, declared, column, has_keys=has_keys)


def _widened(
    values: Sequence[Any],
    entries: Sequence[Any],
    key: str,
    declared: ContractColumn,
    column: ColumnProfile,
    *,
    has_keys: bool = False,
) -> Iterator[_Found]:
    """With the values of the data that are not among them. Those of a column that is classified are written nowhere."""
    if not column.known:
        return
    if column.levels is None:
        many = f"{declared.path}: one of {len(values)} values, and the data has more than {MOST_LEVELS}"
        yield KeptRule(declared.path, ("values",), many)
        return
    is_number = any(isinstance(each, (int, float)) and not isinstance(each, bool) for each in values)
    known = {_comparable(each, is_number) for each in values}
    new = [level for level in column.levels if _comparable(level, is_number) not in known]
    if not new:
        return
    if declared.is_private:
        more = f"{declared.path}: one of {len(values)} values, and the data has {len(new)} more, which are classified"
        yield KeptRule(declared.path, ("values",), more)
        return
    typed = [_comparable(each, is_number) for each in new]
    wanted = [*entries, *({"value": each} if has_keys else each for each in typed)]
    yield Edit(key, wanted)


def _comparable(value: Any, is_number: bool) -> Any:
    """A value as it counts: among numbers, a text that is one is it."""
    if is_number and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return value
        return int(number) if number.is_integer() else number
    if isinstance(value, bool):
        return str(value).lower()
    return value if is_number else str(value)
