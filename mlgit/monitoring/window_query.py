"""Asks a database for the rows of windows: one SELECT, which changes nothing. Its address, with a password, is never told."""

from __future__ import annotations

import os
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.monitoring import window_files
from mlgit.monitoring.row_table import RowTable
from mlgit.monitoring_settings import WindowSource
from mlgit.tables import separated, whole

_Answer = tuple[list[str], list[Any]]

_SQLITE = "sqlite:"
# Databases with a server, and what a driver for them is called.
_SERVERS = {"postgresql": "psycopg2-binary", "mysql": "pymysql", "mariadb": "pymysql"}
_SELECT = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
# Rows are values of Python, at about sixty bytes each.
_MOST_VALUES = 20_000_000
_AT_ONCE = 10_000
_STEPS = 100_000
_SECONDS = 600.0
_LONGEST = 300


def read(source: WindowSource, *, root: Path, model: Model) -> RowTable:
    """The rows that the query gives. Raises MlgitError where it cannot be asked, without a word of the address."""
    url = os.environ.get(source.url_env, "")
    if not url:
        raise MlgitError(
            f"{source.url_env}: this environment variable is not set, so the database of the windows is not known",
            f"set it to an address as sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME: `export {source.url_env}=...`",
        )
    _refuse_several(source.query)
    name = f"the query of {source.url_env}"
    try:
        names, rows = _of_sqlite(url, source.query, root) if url.startswith(_SQLITE) else _of_server(url, source.query)
    except MlgitError as error:
        raise MlgitError(f"{name}: {error.message}", error.hint) from error
    except Exception as error:  # drivers have errors of their own, and tell addresses in them
        raise MlgitError(
            f"{name}: {_without_address(error, url)}",
            f"try it with the address in {source.url_env} and a client of the database",
        ) from None
    values = (whole.of_values([_plain(one) for one in each]) for each in zip(*rows, strict=True))
    columns = dict(zip(separated.names(names), values, strict=False))
    return window_files.parted(RowTable(len(rows), columns, name=name), model)


def _refuse_several(query: str) -> None:
    if not _SELECT.match(query) or ";" in query.strip().rstrip(";"):
        raise MlgitError("monitoring: `query:` is not one SELECT", "write one that begins with SELECT or WITH, without `;`")


def _of_sqlite(url: str, query: str, root: Path) -> _Answer:
    """The rows of a file of SQLite, opened to be read; a relative path is one of the project."""
    import sqlite3

    path = root / urllib.parse.unquote(url.removeprefix(_SQLITE).removeprefix("///").partition("?")[0])
    if not path.is_file():
        raise MlgitError("no such file of SQLite", "sqlite:///FILE names one in the project, sqlite:////FILE one anywhere")
    with closing(sqlite3.connect(f"file:{urllib.parse.quote(str(path))}?mode=ro", uri=True)) as connection:
        connection.set_authorizer(_allowed)
        deadline = time.monotonic() + _SECONDS
        connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
        cursor = connection.execute(query)
        return [each[0] for each in cursor.description], list(_fetched(cursor.fetchmany, len(cursor.description)))


def _allowed(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    import sqlite3

    is_reading = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE)
    is_function = action == sqlite3.SQLITE_FUNCTION and second not in ("load_extension", "readfile", "writefile", "edit")
    return sqlite3.SQLITE_OK if is_reading or is_function else sqlite3.SQLITE_DENY


def _of_server(url: str, query: str) -> _Answer:
    """The rows of PostgreSQL or MySQL, in a transaction that can only read."""
    kind = url.partition(":")[0].partition("+")[0]
    if kind not in _SERVERS:
        raise MlgitError("the address is of no database that is read", f"these are: sqlite, {', '.join(_SERVERS)}")
    try:
        import sqlalchemy

        engine = sqlalchemy.create_engine(url)
    except ImportError as error:
        raise MlgitError(
            f"to ask {kind}, SQLAlchemy and a driver are needed ({error.name} is not installed)",
            f"`pip install 'mlgit[sql]' {_SERVERS[kind]}`",
        ) from error
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            found = connection.execution_options(stream_results=True).exec_driver_sql(query.strip().rstrip(";"))
            names = list(found.keys())
            return names, [tuple(row) for row in _fetched(found.fetchmany, len(names))]
    finally:
        engine.dispose()


def _fetched(fetch: Callable[[int], Sequence[Any]], width: int) -> Iterator[Any]:
    seen = 0
    while some := fetch(_AT_ONCE):
        seen += len(some) * width
        if seen > _MOST_VALUES:
            raise MlgitError(f"more than {_MOST_VALUES:,} values", "ask for fewer rows or columns, as those of the last month")
        yield from some


def _plain(value: Any) -> Any:
    """A value as files have it: an exact decimal is a number, bytes are no text."""
    if isinstance(value, Decimal):
        return float(value)
    return value.hex() if isinstance(value, bytes | bytearray | memoryview) else value


def _without_address(error: Exception, url: str) -> str:
    said = " ".join((str(error).splitlines() or [type(error).__name__])[0].split())
    parts = urllib.parse.urlsplit(url)
    secrets = {url, parts.netloc, parts.password or "", urllib.parse.unquote(parts.password or "")}
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        said = said.replace(secret, "...")
    return said[:_LONGEST]
