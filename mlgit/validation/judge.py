"""A table held against its contract: all checks in one pass over the data, and another for what is shown of a broken one."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from mlgit.adapters.duckdb.query_process import TOTAL_SECONDS, QueryProcess
from mlgit.adapters.duckdb.session import QueryError, QueryRefusedError, Session
from mlgit.errors import MlgitError
from mlgit.render.sql import identifier, literal
from mlgit.validation import patterns, predicates, shortcuts, source
from mlgit.validation.contract import Contract, ContractCheck
from mlgit.validation.finding import ContractOutcome, ContractResult, Finding
from mlgit.validation.predicates import NoColumnError
from mlgit.validation.samples import samples
from mlgit.validation.shortcuts import Shortcuts
from mlgit.validation.source import DataSource, Part

# Checks of the whole table, which have queries of their own or are known without one.
_APART = ("present", "rows", "query", "freshness")
_KEYS = ("unique", "duplicates")
# Seconds that the time of a row may be ahead.
_AHEAD = 86400.0
# So many expressions stand in one query at most.
_AT_ONCE = 500
# A hundredth of what a table of some thirty rules takes.
_BYTES_A_SECOND = 4 << 20


def judge(
    contract: Contract,
    parts: Sequence[Part],
    *,
    data: str,
    now: datetime.datetime | None = None,
    seconds: float = TOTAL_SECONDS,
) -> ContractResult:
    """Hold the rows of `parts` against a contract.

    `data` is what the table is called. Without `now` a promise of freshness is not looked at. `seconds` is how long all checks
    may take, beside what their bytes are given. Raises MlgitError for data that cannot be read as a table, or not in that time.
    """
    seconds += sum(os.path.getsize(each.path) for each in parts if os.path.isfile(each.path)) / _BYTES_A_SECOND
    return source.read_either(lambda anew: _judged(contract, parts, data=data, now=now, anew=anew, seconds=seconds), name=data)


def _judged(
    contract: Contract,
    parts: Sequence[Part],
    *,
    data: str,
    now: datetime.datetime | None,
    anew: bool,
    seconds: float,
) -> ContractResult:
    checks = [each for each in contract.checks if each.kind != "freshness" or now is not None]
    with source.opened(parts, anew=anew, seconds=seconds) as (duck, table), QueryProcess(duck.files) as queries:
        contract = contract.seen_in(table.columns)
        pass_ = _Pass(duck, queries, table, contract, now)
        findings = pass_.findings(checks)
        if pass_.has_stumbled and not anew and any(each.format.separator for each in parts):
            raise QueryError("what the text itself is to blame for is not so when it is written anew")
        declared = predicates.tops_of((each.path for each in contract.columns), table.columns)
        return ContractResult(
            contract,
            data,
            pass_.rows,
            findings,
            tuple(name for name in table.columns if name not in declared and (table.is_keyed or not contract.is_private(name))),
            all(each.format.separator or each.format.name == "jsonl" for each in table.parts),
        )


class _Pass:
    """The data of one contract while it is looked at."""

    def __init__(
        self, duck: Session, queries: QueryProcess, table: DataSource, contract: Contract, now: datetime.datetime | None
    ) -> None:
        self._duck, self._queries, self._table, self._contract, self._now = duck, queries, table, contract, now
        self.rows = 0
        self.has_stumbled = False
        self._shortcuts = Shortcuts()
        self._numbers: dict[str, int] = {}
        self._problems: dict[str, str] = {}
        self._checks = {each.id: each for each in contract.checks}

    def findings(self, checks: Sequence[ContractCheck]) -> tuple[Finding, ...]:
        """What became of each, in their order."""
        if not self._counted_as_numbers(checks):
            self._shortcuts = self._looked_ahead(checks)
            self._count(self._wanted(checks, self._table), self._table)
        found = [self._found(check) for check in checks]
        shown = samples(self._duck, self._table, self._contract, found)
        return tuple(shown)

    def _looked_ahead(self, checks: Sequence[ContractCheck]) -> Shortcuts:
        """What can be counted in another way; nothing, where it cannot be told."""
        columns = self._table.columns
        if sum(os.path.getsize(each.path) for each in self._table.parts) < shortcuts.LARGE:
            return Shortcuts()
        keys = list(dict.fromkeys(each.columns[0] for each in checks if each.columns and shortcuts.is_key(each, columns)))
        lists = list(dict.fromkeys(each.columns[0] for each in checks if each.columns and shortcuts.is_list(each, columns)))
        keyed, listed = (self._table.relation(names, is_numbered=False) for names in (keys, lists))
        spans, levels = (shortcuts.span(columns[name]) for name in keys), (columns[name].sql for name in lists)
        try:
            found = self._duck.rows(f"SELECT {', '.join(spans)} FROM ({keyed})")[0] if keys else ()
            told = ", ".join(f"count(DISTINCT {each})" for each in levels)
            few = self._duck.rows(f"SELECT {told} FROM (FROM ({listed}) LIMIT {shortcuts.SAMPLE})")[0] if lists else ()
        except QueryError:
            return Shortcuts()
        by_key = zip(keys, zip(found[::3], found[1::3], found[2::3], strict=True), strict=True)
        return Shortcuts(shortcuts.close(by_key), shortcuts.few(zip(lists, few, strict=True)))

    def _wanted(self, checks: Sequence[ContractCheck], table: DataSource) -> dict[str, str]:
        """What is to be counted in the rows of a table, by the checks that need it."""
        wanted: dict[str, str] = {}
        for check in checks:
            if check.kind == "present":
                self._look_for(check, wanted)
            elif check.kind not in _APART:
                self._prepare(check, wanted, table)
        return wanted

    def _counted_as_numbers(self, checks: Sequence[ContractCheck]) -> bool:
        """Count with texts read as numbers where nobody asks for more; False where it cannot be done, and nothing is known."""
        asked: dict[str, bool] = {}
        for check in checks:
            for path in check.columns if check.kind not in _APART else ():
                with suppress(NoColumnError):
                    name = predicates.top_of(path, self._table.columns)
                    is_number = path == name and predicates.looks_at_number(check, self._contract)
                    asked[name] = asked.get(name, True) and is_number
        names = [name for name, is_number in asked.items() if is_number and self._table.columns[name].storage == "text"]
        table = self._table.with_numbers(names)
        wanted = self._wanted(checks, table) if table else {}
        if table is None or len(wanted) > _AT_ONCE:
            return False
        try:
            self._take(list(wanted), wanted, table)
        except QueryError:
            return False
        return all(self._numbers[name] is not None for name in wanted)

    def _look_for(self, check: ContractCheck, wanted: dict[str, str]) -> None:
        """Whether a column is there."""
        path = check.columns[0]
        is_free = self._is_free(path)
        try:
            cell = predicates.end_of(path, self._table.columns)
        except NoColumnError:
            self._numbers[check.id] = 0 if is_free else 1
            return
        is_missing = cell.type == "NONE" and not self._table.is_keyed
        self._numbers[check.id] = int(is_missing)
        if cell.storage == "json" and path not in self._table.columns and not is_free:
            there, place = predicates.somewhere(path, self._table.columns)
            wanted[check.id] = f"CASE WHEN count_if({there}) = 0 AND count_if({place}) > 0 THEN 1 ELSE 0 END"

    def _prepare(self, check: ContractCheck, wanted: dict[str, str], table: DataSource) -> None:
        shortcut = self._shortcuts.count(
            check, self._contract, table.columns, lambda name: table.relation((name,), is_numbered=False)
        )
        if shortcut:
            wanted[check.id] = shortcut
            return
        try:
            if check.kind in _KEYS:
                parts = predicates.key(check, self._contract, table.columns)
                whole = parts[0] if len(parts) == 1 else _row(parts)
                wanted[check.id] = f"count({whole}) - count(DISTINCT {whole})"
                cell = table.columns.get(check.columns[0])
                if cell is not None and cell.storage == "number":
                    exact = predicates.are_exact(cell)
                    wanted[check.id] = f"CASE WHEN {exact} THEN {wanted[check.id]} END"
            else:
                cell = table.columns.get(check.columns[0])
                if (
                    check.kind == "required"
                    and not check.options
                    and cell is not None
                    and cell.missing == f"({cell.sql} IS NULL)"
                ):
                    wanted[check.id] = f"count(*) - count({cell.sql})"
                    return
                wanted[check.id] = f"coalesce(count_if({predicates.broken(check, self._contract, table.columns)}), 0)"
                is_whole = check.kind == "type" and check.condition == "integer"
                if (check.kind == "multiple" or is_whole) and cell is not None and cell.storage == "number":
                    wanted[check.id] = f"CASE WHEN {predicates.are_small(cell)} THEN {wanted[check.id]} END"
        except NoColumnError as error:
            if self._is_free(str(check.options.get("within", check.columns[0]))):
                # what no row has is missing in all of them, and nothing else is wrong with it
                if check.kind == "missing":
                    wanted[check.id] = "count(*)"
                else:
                    self._numbers[check.id] = 0
            else:
                self._problems[check.id] = f"there is no column '{error}'"

    def _is_free(self, path: str) -> bool:
        """Whether rows may lack it altogether: a key of objects, whose value may be missing."""
        column = self._contract.column(path)
        return self._table.is_keyed and column is not None and not (column.is_required or column.is_key)

    def _count(self, wanted: dict[str, str], table: DataSource) -> None:
        """All numbers in one pass; where one cannot be computed, each by itself."""
        names = list(wanted)
        for start in range(0, max(len(names), 1), _AT_ONCE):
            block = names[start : start + _AT_ONCE]
            try:
                self._take(block, wanted, table)
            except QueryError:
                if self._shortcuts != Shortcuts():  # such as bounds that the file tells wrongly
                    self._shortcuts = Shortcuts()
                    self._count(self._wanted([self._checks[name] for name in names], table), table)
                    return
                if not block:
                    raise
                self.rows = self._duck.rows(f"SELECT count(*) FROM ({table.relation((), is_numbered=False)})")[0][0]
                for name in block:
                    try:
                        self._take([name], wanted, table)
                    except QueryError as error:
                        self._problems[name] = self._reason(self._checks[name], error)

    def _take(self, names: Sequence[str], wanted: dict[str, str], table: DataSource) -> None:
        columns = sorted(predicates.tops_of((path for name in names for path in self._checks[name].columns), table.columns))
        # of a file with types, where nobody reads a column, only what it tells of itself would be counted
        read = [] if columns else [name for name, cell in table.columns.items() if cell.storage == "typed"][:1]
        listed = ", ".join(
            ["count(*)", *(wanted[name] for name in names), *(f"count({table.columns[name].sql})" for name in read)]
        )
        columns += read
        self.rows, *numbers = self._duck.rows(f"SELECT {listed} FROM ({table.relation(columns, is_numbered=False)})")[0]
        self._numbers |= dict(zip(names, numbers, strict=False))

    def _found(self, check: ContractCheck) -> Finding:
        if check.id in self._problems:
            return Finding(check, "invalid", reason=self._problems[check.id])
        try:
            match check.kind:
                case "rows":
                    return self._held(check, self.rows, None)
                case "query":
                    return self._query(check)
                case "freshness":
                    return self._freshness(check)
                case "unique" | "duplicates":
                    return self._held(check, self._keys(check) if self._numbers[check.id] else 0, None)
        except (QueryError, NoColumnError) as error:
            is_absent = isinstance(error, NoColumnError)
            return Finding(
                check, "invalid", reason=f"there is no column '{error}'" if is_absent else self._reason(check, error)
            )
        number = self._numbers[check.id]
        return self._held(check, number, None if check.kind == "present" else number)

    def _reason(self, check: ContractCheck, error: Exception) -> str:
        """Why a check could not be evaluated. DuckDB names values and whole lines that it stumbles over, in any check."""
        if isinstance(error, QueryRefusedError):
            return error.message
        self.has_stumbled = True
        if not self._contract.has_private:
            return str(error)
        pattern = check.options.get("pattern")
        if pattern is not None:
            try:
                self._duck.rows(f"SELECT regexp_matches('', {literal(patterns.translated(str(pattern)))})")
            except QueryError as problem:
                return problem.message
        return "it failed, or gave no number"

    def _held(self, check: ContractCheck, number: float, broken_rows: int | None) -> Finding:
        """A number held against the limit; `broken_rows`: how many rows it counts, which have a share, if it counts rows."""
        share = None if broken_rows is None else broken_rows / self.rows if self.rows else 0.0
        value = number
        if check.limit.is_percent and broken_rows is not None:
            # divided last: 100 times the float of 7/100 is more than 7
            value = 100 * broken_rows / self.rows if self.rows else 0.0
        is_count = check.kind not in ("rows", "query", "freshness", "present")
        return Finding(
            check, self._outcome(check, check.limit.holds(value)), int(number) if is_count else None, float(value), share
        )

    def _outcome(self, check: ContractCheck, holds: bool) -> ContractOutcome:
        return "pass" if holds else "warn" if check.severity == "warning" else "fail"

    def _keys(self, check: ContractCheck) -> int:
        """How many keys stand there more than once."""
        parts = predicates.key(check, self._contract, self._table.columns)
        names = [f"k{place}" for place in range(len(parts))]
        inner = ", ".join(f"{part} AS {name}" for part, name in zip(parts, names, strict=True))
        relation = self._table.relation(predicates.top_of(path, self._table.columns) for path in check.columns)
        known = " AND ".join(f"{name} IS NOT NULL" for name in names)
        found = self._duck.rows(
            f"SELECT count(*) FROM (SELECT 1 FROM (SELECT {inner} FROM ({relation})) "
            f"WHERE {known} GROUP BY {', '.join(names)} HAVING count(*) > 1)"
        )
        return int(found[0][0])

    def _query(self, check: ContractCheck) -> Finding:
        query = _filled(str(check.options["query"]), ("object", "model", "table"), identifier(self._contract.table))
        if check.columns:
            query = _filled(query, ("property", "column"), self._path(check.columns[0]))
        try:
            number = self._number(query)
        except QueryRefusedError as error:
            return Finding(check, "invalid", reason=error.message)
        except QueryError as error:
            return Finding(check, "invalid", reason=self._reason(check, error))
        if number is None:
            return Finding(check, "invalid", reason="it gives NULL, expected one number")
        found = self._held(check, number, None)
        return found if self._may_tell(query, number) else replace(found, value=None)

    def _number(self, query: str, *, public: bool = False) -> float | None:
        name = self._contract.table
        return self._queries.number(query, table=name, quoted=identifier(name), relation=self._named_columns(public=public))

    def _may_tell(self, query: str, number: float) -> bool:
        """Whether the number of a query is no value of a classified column: without those columns it is the same."""
        if not self._contract.has_private:
            return True
        try:
            return self._number(query, public=True) == number
        except QueryError:
            return False

    def _path(self, path: str) -> str:
        """A column as a query names it."""
        try:
            name = predicates.top_of(path, self._table.columns)
        except NoColumnError:
            return identifier(path)
        inner = [each for each in path[len(name) :].split(".") if each]
        return ".".join(map(identifier, (name, *inner)))

    def _named_columns(self, *, public: bool = False) -> str:
        """The table as an author of queries knows it: columns by their names, with the types that the contract gives them.

        With `public` without those that are classified, or hold something that is.
        """
        shown: dict[str, str] = {}
        for name, cell in self._table.columns.items():
            if public and self._contract.is_private(name):
                continue
            column = self._contract.column(name)
            if name.lower() not in shown:  # DuckDB knows no difference
                shown[name.lower()] = f"{cell.column(column.type if column else 'string')} AS {identifier(name)}"
        return f"SELECT {', '.join(shown.values()) or 'NULL AS nothing'} FROM ({self._table.relation()})"

    def _freshness(self, check: ContractCheck) -> Finding:
        path = check.columns[0]
        column = self._contract.column(path)
        cell = predicates.cell_of(path, self._table.columns)
        kind = column.type if column and column.type in ("date", "timestamp") else "timestamp"
        form = str(column.options.get("format", "")) if column else ""
        value = f"epoch(CAST({cell.value(kind, form=form)} AS TIMESTAMPTZ))"
        relation = self._table.relation([predicates.top_of(path, self._table.columns)])
        if self._now is None:
            return Finding(check, "invalid", reason="there is no clock")
        # a row of next year says nothing of how old the others are; a day is what zones and clocks differ by
        latest = self._now.timestamp() + _AHEAD
        newest = self._duck.rows(f"SELECT max({value}) FILTER ({value} <= {latest!r}) FROM ({relation})")[0][0]
        if newest is None:
            return Finding(check, "invalid", reason=f"'{path}' has no time, or only such as are still to come")
        age = self._now.timestamp() - float(newest)
        shown = None if self._contract.is_private(path) else age
        return Finding(check, self._outcome(check, age <= check.options["seconds"]), value=shown)


def _row(parts: Sequence[str]) -> str:
    """Several columns as one value, NULL where one of them is."""
    known = " AND ".join(f"({part}) IS NOT NULL" for part in parts)
    return f"CASE WHEN {known} THEN struct_pack({', '.join(f'k{place} := {part}' for place, part in enumerate(parts))}) END"


def _filled(query: str, words: Iterable[str], name: str) -> str:
    """A query with a quoted name in the place of what stands for it, such as `{object}`, quoted or not."""
    for word in words:
        for mark in (f"${{{word}}}", f"{{{word}}}"):
            query = query.replace(f'"{mark}"', name).replace(mark, name)
    return query


def refuse_without_checks(contract: Contract) -> None:
    """Raise MlgitError for a contract that asks for nothing, which every table would keep."""
    if not contract.checks:
        raise MlgitError(f"{contract.name}: it has no column and no rule", "write down the columns: `mlgit data infer`")
