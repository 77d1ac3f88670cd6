"""A DuckDB in memory that may read some files, bounded in memory and time. Queries of a contract come from strangers.

What protects: only one SELECT is run, and only one that reads the tables it was given (`refusal`), for `allowed_paths` lets
COPY write where it lets read; the session can neither be unlocked, nor load extensions, nor put anything on the disk.
"""

from __future__ import annotations

import json
import math
import re
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mlgit.adapters.system import installation
from mlgit.errors import MlgitError

if TYPE_CHECKING:
    import duckdb

MISSING = "DuckDB is not installed"
# Seconds that one query of a contract may take.
QUERY_SECONDS = 30.0
_MEMORY = "2GB"
# What answers from the bounds and counts that a Parquet file tells of itself, and passes over pages by them: a file may tell
# anything, and other readers see what the pages hold.
BELIEVERS = ("statistics_propagation", "row_group_pruner", "join_filter_pushdown")
_TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
_SOURCES = frozenset({"BASE_TABLE", "SUBQUERY", "JOIN", "TABLE_FUNCTION", "EXPRESSION_LIST", "EMPTY"})
# They tell about the machine, or write a log, and have nothing to do with the data.
_FUNCTIONS = frozenset(
    {
        *("current_setting", "getenv", "getvariable", "write_log", "query", "query_table", "nextval", "currval", "setval"),
        *("current_query", "sleep_ms", "pg_sleep", "setseed"),
    }
)
# A name that is no path of a file, and how those of the tables begin that DuckDB has of itself.
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_CATALOG = ("duckdb_", "pragma_", "sqlite_", "pg_")


class QueryError(MlgitError):
    """A query that failed; the message may hold what stands in the data."""


class QueryRefusedError(QueryError):
    """A query that was not run, or not to its end; the message is about the query, and holds nothing of the data."""


class Session:
    """One connection; made by `opened`. `files` are those that it may read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, files: Sequence[str], *, seconds: float | None = None) -> None:
        self._connection = connection
        self.files = tuple(files)
        self._seconds = self._left = seconds

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of mlgit's own query.

        Raises QueryRefusedError where the time for all of them is over, QueryError where it fails.
        """
        if self._left is None:
            return self._rows(sql)
        if self._left <= 0:
            raise QueryRefusedError(f"stopped after {self._seconds:g} seconds")
        began = time.monotonic()
        timer = threading.Timer(self._left, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return self._rows(sql)
        finally:
            timer.cancel()
            self._left -= time.monotonic() - began

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql).fetchall()
        except _module().InterruptException as error:
            raise QueryRefusedError(f"stopped after {self._seconds or 0:g} seconds") from error
        except _module().Error as error:
            raise QueryError(told(error)) from error
        except RuntimeError as error:
            # so DuckDB tells that Ctrl-C was pressed, or a signal handler raised, while it worked
            if "interrupted" in str(error):
                raise (error.__context__ or error.__cause__ or KeyboardInterrupt()) from error
            raise

    def define(self, name: str, select: str) -> None:
        """Give a SELECT a name (as SQL writes it) that queries can use."""
        self.rows(f"CREATE OR REPLACE TEMP VIEW {name} AS {select}")

    def number(self, query: str, *, tables: Collection[str], seconds: float = QUERY_SECONDS) -> float | None:
        """The one number that a stranger's query gives, None for NULL.

        Raises QueryRefusedError where it is refused or takes longer than `seconds`, QueryError where it fails or gives
        anything but one number.
        """
        statement = self._judged(query, tables={each.lower() for each in tables})
        timer = threading.Timer(seconds, self._connection.interrupt)
        timer.daemon = True
        timer.start()
        try:
            found = self._connection.execute(statement).fetchmany(2)
        except _module().InterruptException as error:
            raise QueryRefusedError(f"stopped after {seconds:g} seconds") from error
        except _module().Error as error:
            raise QueryError(told(error)) from error
        finally:
            timer.cancel()
        if len(found) != 1 or len(found[0]) != 1:
            raise QueryError(f"it gives {'no row' if not found else 'more than one value'}, expected one number")
        return _number(found[0][0])

    def _judged(self, query: str, *, tables: Collection[str]) -> Any:
        """A stranger's query, once it is known to be one SELECT that reads these tables and nothing else.

        Raises QueryRefusedError for any other.
        """
        duckdb = _module()
        try:
            statements = self._connection.extract_statements(query)
        except duckdb.Error as error:
            raise QueryRefusedError(told(error)) from error
        if len(statements) != 1:
            raise QueryRefusedError(f"it holds {len(statements)} statements, expected one SELECT")
        if statements[0].type != duckdb.StatementType.SELECT:
            raise QueryRefusedError(f"it is a statement of type {statements[0].type.name}, expected SELECT")
        try:
            parsed = json.loads(self._connection.execute("SELECT json_serialize_sql(?)", [query]).fetchall()[0][0])
        except (duckdb.Error, RecursionError) as error:
            raise QueryRefusedError("it is nested too deeply") from error
        if parsed["error"]:
            raise QueryRefusedError(f"it is no plain SELECT: {parsed.get('error_message', '')}")
        problem = _foreign(parsed["statements"], tables)
        if problem:
            raise QueryRefusedError(problem)
        return statements[0]


def _foreign(statements: Any, tables: Collection[str]) -> str:
    """What a parsed query reads beside these tables, as a sentence."""
    nodes = list(_nodes(statements))
    for name in (name for each, _ in nodes for name in _named(each)):
        if name in tables:
            return f"it calls something else '{name}', which is the name of the table"
        # DuckDB reads a file that is called so, or a table of its own, wherever the name does not reach
        if not _PLAIN.fullmatch(name) or name.startswith(_CATALOG):
            return f"it calls something '{name}', expected a name of letters, digits and _"
    reads = False
    for each, known in nodes:
        kind = each.get("type")
        if "function_name" in each and each["function_name"].lower() in _FUNCTIONS:
            return f"the function {each['function_name']} is not for contracts"
        if kind == "TABLE_FUNCTION" and each["function"].get("function_name", "").lower() not in _TABLE_FUNCTIONS:
            return f"the table function {each['function'].get('function_name')} is not for contracts"
        if kind == "BASE_TABLE":
            path = [part.lower() for part in each.get("qualified_name", {}).get("path", [])] or [
                each.get("table_name", "").lower()
            ]
            if len(path) != 1 or path[0] not in {*tables, *known}:
                return f"it reads '{'.'.join(path)}', which is not the table of the contract ({', '.join(sorted(tables))})"
            reads = reads or path[0] in tables
        for source in (each.get(side) for side in ("from_table", "left", "right") if side == "from_table" or kind == "JOIN"):
            if isinstance(source, dict) and source.get("type") not in _SOURCES:
                return f"{source.get('type', 'this')} is not for contracts"
    return "" if reads else f"it does not read the table of the contract ({', '.join(sorted(tables))})"


def _named(node: dict[str, Any]) -> list[str]:
    """What a SELECT gives names to with WITH, in their order."""
    return [str(entry.get("key", "")).lower() for entry in node.get("cte_map", {}).get("map", [])]


def _nodes(value: Any) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """Every part of a parsed query, with the names of WITH that can be read there: each reaches what stands behind it."""
    waiting: list[tuple[Any, frozenset[str]]] = [(value, frozenset())]
    while waiting:
        each, known = waiting.pop()
        if isinstance(each, dict):
            for name, entry in zip(_named(each), each.get("cte_map", {}).get("map", []), strict=True):
                waiting.append((entry, known | {name} if _is_recursive(entry) else known))
                known |= {name}
            yield each, known
            waiting.extend((inner, known) for key, inner in each.items() if key != "cte_map")
        elif isinstance(each, list):
            waiting.extend((inner, known) for inner in each)


def _is_recursive(entry: dict[str, Any]) -> bool:
    """Whether what WITH names reads itself."""
    value = entry.get("value", {})
    node = value.get("query_node") or value.get("query", {}).get("node", {})
    return bool(node.get("type") == "RECURSIVE_CTE_NODE")


def _number(value: Any) -> float | None:
    if value is None or type(value) is int:  # by all its digits
        return value
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise QueryError(f"it gives a value of type {type(value).__name__}, expected one number") from None
    if not math.isfinite(found):  # NaN is not 0, and not between any two numbers
        raise QueryError(f"it gives {'NaN' if math.isnan(found) else 'an infinite number'}, expected one number")
    return found


def _module() -> ModuleType:
    """DuckDB's extension module itself: the package around it takes ten times as long to import.

    Raises MlgitError where DuckDB is not installed.
    """
    try:
        import _duckdb
    except ImportError:
        try:
            import duckdb
        except ImportError as error:
            raise MlgitError(MISSING, f"type `{installation.adding_extra('data')}`") from error
        return duckdb
    return _duckdb


@contextmanager
def opened(
    files: Sequence[str], *, threads: int = 2, disabled: Sequence[str] = BELIEVERS, seconds: float | None = None
) -> Iterator[Session]:
    """A session that may read these files, with some of DuckDB's optimizers disabled; `seconds` bounds all its own queries.

    Raises MlgitError where DuckDB is not installed.
    """
    connection = _module().connect(
        ":memory:", config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    try:
        listed = ", ".join("'" + each.replace("'", "''") + "'" for each in files)
        for setting in (
            f"memory_limit = '{_MEMORY}'",
            f"threads = {threads}",
            "max_temp_directory_size = '0B'",
            f"disabled_optimizers = '{','.join(disabled)}'",
            "TimeZone = 'UTC'",
            "python_enable_replacements = false",
            f"allowed_paths = [{listed}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            connection.execute(f"SET {setting}")
        yield Session(connection, files, seconds=seconds)
    finally:
        connection.close()


def told(error: Exception) -> str:
    """DuckDB's message as one line, without the query it repeats."""
    text = str(error).split("\n\n", 1)[0]
    return " ".join(text.split("\nLINE ", 1)[0].split())
