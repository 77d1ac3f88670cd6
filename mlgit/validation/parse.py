"""Contracts as values: what stands in a file of the Open Data Contract Standard, checked, with its rules spelled out."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlgit.errors import MlgitError, near_miss
from mlgit.render.text import count
from mlgit.schema import check
from mlgit.validation import patterns, standard
from mlgit.validation.column_checks import UNIQUE_ITEMS, of_column
from mlgit.validation.contract import OPERATORS, CheckKind, Contract, ContractCheck, ContractColumn, Limit, Severity, is_private

ABSENT = "absentAtServing"
_UNITS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 3600),
    **dict.fromkeys(("d", "day", "days", ""), 86400),
    **dict.fromkeys(("w", "week", "weeks"), 604800),
    **dict.fromkeys(("y", "yr", "year", "years"), 31556952),
}
# What would be passed over in rules of a type, and seem to hold.
_NOT_OF = {"text": ("metric", "rule", "query"), "sql": ("metric", "rule"), "library": ("query",), "custom": ()}
FRESHNESS = ("latency", "ly", "freshness")


def parse(document: Any, *, name: str) -> Contract:
    """The contract in a parsed document; `name` is the file as the user knows it.

    Raises MlgitError naming the first fault as `FILE: path: what`.
    """
    _write_dates(document)
    check(document if document is not None else {}, standard.SCHEMA, name=name)
    objects = document.get("schema") or []
    if len(objects) != 1:
        there = f"{len(objects)} tables" if objects else "no table"
        raise MlgitError(
            f"{name}: schema: {there}, expected one",
            "a contract describes one file, or one folder of parts; split it into files",
        )
    try:
        return _Reader(name, document, objects[0]).contract()
    except RecursionError:
        raise MlgitError(f"{name}: schema: a column lies within itself", "name its columns without an alias") from None


def _write_dates(document: Any) -> None:
    """Put in the place of dates, which YAML makes of `2026-01-01` without quotes, the texts that they were.

    What aliases name several times, or within itself, is looked at once.
    """
    waiting, seen = [document], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen or not isinstance(each, (dict, list)):
            continue
        seen.add(id(each))
        for key, value in each.items() if isinstance(each, dict) else enumerate(each):
            if isinstance(value, datetime.date):
                each[key] = value.isoformat()
            else:
                waiting.append(value)


class _Reader:
    """One document, while its parts are collected."""

    def __init__(self, name: str, document: Mapping[str, Any], table: Mapping[str, Any]) -> None:
        self._name, self._document, self._table = name, document, table
        self._ids: set[str] = set()

    def contract(self) -> Contract:
        found = list(self._columns(self._table.get("properties") or [], "schema[0].properties", "", ""))
        columns = [column for column, _, _ in found]
        self._refuse_twice(columns)
        checks = [each for column, given, where in found for each in self._of_column(column, given, where)]
        checks += self._key(columns)
        checks += self._quality(self._table.get("quality") or [], "schema[0].quality", None)
        checks += self._freshness(columns)
        table = str(self._table["name"])
        known = {each.path for each in columns}
        for each in checks:
            for path in each.columns:
                if path not in known and each.kind in ("duplicates", "freshness"):
                    raise MlgitError(
                        f"{self._name}: rule '{each.id}' names '{path}', which is no column" + near_miss(path, known)
                    )
        return Contract(
            self._name,
            str(self._document["id"]),
            str(self._document["version"]),
            table,
            str(self._document.get("status") or ""),
            tuple(columns),
            tuple(self._named(each, columns) for each in checks),
        )

    def _named(self, found: ContractCheck, columns: Sequence[ContractColumn]) -> ContractCheck:
        """With an id that no other check has, and without the values of a classified column in its words."""
        name, number = found.id, 1
        while name in self._ids:
            number += 1
            name = f"{found.id}-{number}"
        self._ids.add(name)
        condition = found.condition
        if found.kind == "values" and is_private(columns, found.columns[0]):
            condition = f"one of {count(len(found.options['values']), 'value')}"
        return replace(found, id=name, condition=condition)

    def _refuse_twice(self, columns: Sequence[ContractColumn]) -> None:
        seen: set[str] = set()
        for each in columns:
            if each.path in seen:
                raise MlgitError(
                    f"{self._name}: schema[0].properties: column '{each.path}' is there twice", "take one of them out"
                )
            seen.add(each.path)

    def _columns(
        self, properties: Sequence[Mapping[str, Any]], where: str, above: str, named: str
    ) -> Iterator[tuple[ContractColumn, Mapping[str, Any], str]]:
        """Each column with what the file says of it and where, those that lie in it behind it."""
        for index, given in enumerate(properties):
            here = f"{where}[{index}]"
            own = str(given.get("physicalName") or given.get("name") or "")
            if not own:
                raise MlgitError(f"{self._name}: {here}.name: missing", "add it: the name of the column")
            name = str(given.get("name") or own)
            yield from self._column(given, here, f"{above}.{own}" if above else own, f"{named}.{name}" if named else name)

    def _column(
        self, given: Mapping[str, Any], where: str, path: str, name: str
    ) -> Iterator[tuple[ContractColumn, Mapping[str, Any], str]]:
        implied = "object" if given.get("properties") else "array" if given.get("items") else ""
        enum = given.get("enum")
        column = ContractColumn(
            path,
            given.get("logicalType") or implied,
            given.get("physicalType") or "",
            is_required=bool(given.get("required")),
            is_unique=bool(given.get("unique")),
            is_key=bool(given.get("primaryKey")),
            options={key: value for key, value in (given.get("logicalTypeOptions") or {}).items() if value is not None},
            values=None if enum is None else tuple(self._enum(each, f"{where}.enum") for each in enum),
            classification=given.get("classification") or "",
            is_absent_at_serving=_custom(given).get(ABSENT) is True,
            name=name,
        )
        yield column, given, where
        yield from self._columns(given.get("properties") or [], f"{where}.properties", path, name)
        if given.get("items"):
            yield from self._column(given["items"], f"{where}.items", f"{path}[]", f"{name}[]")

    def _enum(self, given: Any, where: str) -> Any:
        if isinstance(given, Mapping):
            if "value" not in given:
                raise MlgitError(f"{self._name}: {where}: an entry without `value`", "write `- {value: x}`")
            return given["value"]
        return given

    def _of_column(self, column: ContractColumn, given: Mapping[str, Any], where: str) -> list[ContractCheck]:
        return [
            *of_column(column, name=self._name, where=where),
            *self._quality(given.get("quality") or [], f"{where}.quality", column),
        ]

    def _key(self, columns: Sequence[ContractColumn]) -> list[ContractCheck]:
        """A primary key of several columns is unique as a whole, and none of them need be."""
        key = tuple(each.path for each in columns if each.is_key)
        if not key or any(each.is_key and each.is_unique for each in columns):
            return []
        return [ContractCheck(".".join((*key, "unique")), "unique", key, "unique together" if len(key) > 1 else "unique")]

    def _quality(self, rules: Sequence[Mapping[str, Any]], where: str, column: ContractColumn | None) -> list[ContractCheck]:
        found = [self._rule(given, f"{where}[{index}]", column) for index, given in enumerate(rules)]
        return [each for each in found if each is not None]

    def _rule(self, given: Mapping[str, Any], where: str, column: ContractColumn | None) -> ContractCheck | None:
        """A quality rule; None for one in prose. One that mlgit cannot run is refused, for it would pass for one that holds."""
        kind = given.get("type") or ("sql" if "query" in given else "library")
        other = next((key for key in _NOT_OF[kind] if given.get(key) is not None), None)
        if other:
            raise self._fault(f"{where}.{other}", f"no key of rules of type {kind}", "leave it, or `type`, out")
        if kind == "text":
            return None
        if kind == "custom":
            raise self._fault(
                where, "rules of type custom are run by other tools only", "write it as type sql, or as type text"
            )
        limit = self._limit(given, where)
        severity: Severity = "warning" if str(given.get("severity") or "").lower() in ("warning", "warn", "info") else "error"
        if kind == "sql":
            return self._query(given, where, column, limit, severity)
        metric = given.get("metric") or given.get("rule")
        metric = standard.FORMER_METRICS.get(str(metric), metric)
        if metric not in standard.METRICS:
            missed = near_miss(str(metric), standard.METRICS)
            raise self._fault(
                f"{where}.metric", f"'{metric}' is no metric{missed}", "known metrics: " + ", ".join(standard.METRICS)
            )
        return self._metric(str(metric), given, where, column, limit, severity)

    def _query(
        self, given: Mapping[str, Any], where: str, column: ContractColumn | None, limit: Limit, severity: Severity
    ) -> ContractCheck:
        if not given.get("query"):
            raise self._fault(f"{where}.query", "missing", "add it: a SELECT that gives one number")
        name = given.get("id") or given.get("name") or f"{column.path if column else self._table['name']}.query"
        paths = (column.path,) if column else ()
        condition = str(given.get("name") or given.get("id") or " ".join(str(given["query"]).split()))
        return ContractCheck(str(name), "query", paths, condition, {"query": given["query"]}, limit, severity)

    def _metric(
        self,
        metric: str,
        given: Mapping[str, Any],
        where: str,
        column: ContractColumn | None,
        limit: Limit,
        severity: Severity,
    ) -> ContractCheck:
        arguments = self._arguments(metric, given, where, column)
        paths: tuple[str, ...] = (column.path,) if column else ()
        options: dict[str, Any] = {}
        kind: CheckKind = "missing"
        condition = "missing"
        if metric == "rowCount":
            kind, condition, paths = "rows", f"{limit.told} rows" if limit.told != "none" else "no rows", ()
        elif metric == "duplicateValues":
            kind, condition = "duplicates", "duplicates"
            paths = paths or tuple(
                str(each) for each in self._list(arguments.get("properties"), f"{where}.arguments.properties")
            )
            if inner := next((each for each in paths if "[]" in each), None):
                raise self._fault(
                    f"{where}.metric", f"'{inner}' has many values in one row: {metric} counts rows", UNIQUE_ITEMS
                )
        elif column is None:
            raise self._fault(
                f"{where}.metric", f"{metric} is counted in a column, not in the whole table", "move it to a column"
            )
        elif metric == "invalidValues":
            kind, condition, options = self._invalid(given, arguments, where)
        else:
            missing = arguments.get("missingValues")
            listed = self._list(missing, f"{where}.arguments.missingValues") if missing else []
            options = {"values": tuple(each for each in listed if each is not None)}
        if limit.is_percent and kind in ("rows", "duplicates"):
            raise self._fault(f"{where}.unit", f"percent is not for {metric}", "leave it out")
        name = given.get("id") or f"{paths[0] if paths else self._table['name']}.{metric}"
        return ContractCheck(str(name), kind, paths, condition, options, limit, severity)

    def _arguments(self, metric: str, given: Mapping[str, Any], where: str, column: ContractColumn | None) -> Mapping[str, Any]:
        """What a metric is given. Anything it does not look at is refused: it would narrow nothing, and seem to."""
        arguments = given.get("arguments") or {}
        known = () if metric == "duplicateValues" and column else standard.ARGUMENTS[metric]
        other = next((each for each in arguments if each not in known), None)
        if other is None:
            return arguments
        if metric == "duplicateValues" and other == "properties":
            told, hint = "the rule of one column counts in that alone", "move it to the quality of the table"
        else:
            told = f"unknown argument of {metric}{near_miss(str(other), known)}"
            hint = f"known arguments: {', '.join(known)}" if known else "leave it out"
        raise self._fault(f"{where}.arguments.{other}", told, hint)

    def _invalid(
        self, given: Mapping[str, Any], arguments: Mapping[str, Any], where: str
    ) -> tuple[CheckKind, str, dict[str, Any]]:
        values, pattern = arguments.get("validValues", given.get("validValues")), arguments.get("pattern")
        if values is None and pattern is None:
            raise self._fault(f"{where}.arguments", "validValues or pattern is missing", "say which values are valid")
        options: dict[str, Any] = {}
        said = []
        if values is not None:
            options["values"] = tuple(each for each in self._list(values, f"{where}.arguments.validValues") if each is not None)
            said.append("one of " + ", ".join(map(str, options["values"])))
        if pattern is not None:
            options["pattern"] = str(pattern)
            try:
                patterns.translated(str(pattern))
            except ValueError as error:
                raise self._fault(f"{where}.arguments.pattern", str(error)) from error
            said.append(f"matches {pattern}")
        return "values" if values is not None else "pattern", " and ".join(said), options

    def _list(self, value: Any, where: str) -> list[Any]:
        if not isinstance(value, list) or not value:
            raise self._fault(where, "expected a list with something in it")
        return value

    def _limit(self, given: Mapping[str, Any], where: str) -> Limit:
        there = [each for each in OPERATORS if given.get(each) is not None]
        if len(there) != 1:
            found = " and ".join(there) or "none"
            raise self._fault(where, f"expected one of {', '.join(OPERATORS)}, found {found}", "say what the number must be")
        operator, value = there[0], given[there[0]]
        ends = value if isinstance(value, list) else [value]
        if len(ends) != (2 if operator.endswith("Between") else 1) or not all(_is_number(each) for each in ends):
            raise self._fault(
                f"{where}.{operator}", "expected two numbers" if operator.endswith("Between") else "expected a number"
            )
        if len(ends) > 1 and ends[0] >= ends[1]:
            raise self._fault(
                f"{where}.{operator}", f"nothing lies between {ends[0]} and {ends[1]}", "write the smaller one first"
            )
        return Limit(operator, ends[0], ends[1] if len(ends) > 1 else None, given.get("unit") == "percent")

    def _freshness(self, columns: Sequence[ContractColumn]) -> list[ContractCheck]:
        """Promises of how old the newest row may be; of other promises nothing can be seen in the data."""
        found = []
        for index, given in enumerate(self._document.get("slaProperties") or []):
            where = f"slaProperties[{index}]"
            elements = str(given.get("element") or self._document.get("slaDefaultElement") or "").split(",")
            if given["property"] not in FRESHNESS:
                continue
            seconds = _UNITS.get(str(given.get("unit") or "").strip().lower())
            if not all(map(str.strip, elements)) or seconds is None or not _is_number(given["value"]):
                raise self._fault(
                    where,
                    "a number, a unit (y, w, d, h, m, s, ms) and `element: TABLE.COLUMN` are needed to see how fresh it is",
                )
            told = f"newest at most {given['value']:g} {given.get('unit') or 'd'} old"
            options = {"seconds": given["value"] * seconds}
            found += [
                ContractCheck(f"{column}.freshness", "freshness", (column,), told, options)
                for column in map(self._without_table, elements)
            ]
        return found

    def _without_table(self, element: str) -> str:
        """The column in TABLE.COLUMN."""
        element = element.strip()
        names = (each for each in (self._table["name"], self._table.get("physicalName")) if element.startswith(f"{each}."))
        return element.removeprefix(f"{next(names, '')}.")

    def _fault(self, where: str, what: str, hint: str = "") -> MlgitError:
        return MlgitError(f"{self._name}: {where}: {what}", hint)


def _custom(given: Mapping[str, Any]) -> dict[str, Any]:
    """One's own facts about a column."""
    return {each["property"]: each.get("value") for each in given.get("customProperties") or []}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
