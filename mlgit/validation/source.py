"""The data that a contract is for, as DuckDB reads it: one file, or a folder of parts, with a Cell for each column.

Every part is read with the names that its own header gives. What DuckDB would refuse, or read in another way than `tables` does
(blank lines, lone carriage returns, bytes that are no UTF-8, short rows), is written anew first: both see the same rows.
"""

from __future__ import annotations

import csv
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mlgit.adapters.duckdb import session
from mlgit.adapters.duckdb.session import QueryError, Session, identifier, literal
from mlgit.errors import MlgitError
from mlgit.tables import formats, objects, separated
from mlgit.tables.digests import MISSING_WORDS
from mlgit.tables.formats import TableFormat
from mlgit.validation.cells import Cell

_MOST_BYTES = 4 << 30
_NULLS = "[" + ", ".join(literal(each) for each in sorted(MISSING_WORDS)) + "]"


@dataclass(frozen=True, slots=True)
class Part:
    """One file; `name` is what it is called in messages, `format` how it is written."""

    path: str
    name: str
    format: TableFormat


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of all parts. `relation` is a SELECT with the columns `c0, c1, ...`, `part` and `row` (from 1, of its part).

    `columns` gives each name its Cell; `is_keyed`: rows are objects, which may lack a key.
    """

    parts: tuple[Part, ...]
    relation: str
    columns: Mapping[str, Cell]
    is_keyed: bool = False


def parts_of(path: str, *, name: str) -> tuple[Part, ...]:
    """The files of a path: itself, or every table below a folder, in the order of their names.

    Raises MlgitError where there is none.
    """
    if os.path.isdir(path):
        below = sorted(
            os.path.relpath(os.path.join(folder, file), path) for folder, _, files in os.walk(path) for file in files
        )
        found = tuple(
            Part(os.path.join(path, each), f"{name}/{each}", form)
            for each in below
            if not os.path.basename(each).startswith((".", "_")) and (form := formats.of(each))
        )
        if not found:
            raise MlgitError(f"{name}: no table in this folder", f"tables end in {formats.LISTED}")
        return found
    if not os.path.exists(path):
        raise MlgitError(f"{name}: no such file", "run the stage that makes it, or `mlgit pull`")
    form = formats.of(path)
    if form is None:
        raise MlgitError(f"{name}: no table: it ends in none of {formats.LISTED}")
    return (Part(path, name, form),)


@contextmanager
def opened(parts: Sequence[Part], *, anew: bool = False, threads: int = 2) -> Iterator[tuple[Session, Source]]:
    """DuckDB with these files, for as long as the block lasts; with `anew`, texts are written anew first, whatever they are.

    Raises MlgitError `NAME: what` for a file that is no table, and where DuckDB is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="mlgit-data-") as scratch:
        copies = [
            os.path.join(scratch, f"{index}{'.csv' if each.format.separator else '.jsonl'}") for index, each in enumerate(parts)
        ]
        with session.opened([*(os.path.realpath(each.path) for each in parts), *copies], threads=threads) as duck:
            read = [_read(duck, each, copy, anew=anew) for each, copy in zip(parts, copies, strict=True)]
            yield duck, _joined(tuple(parts), read)


@dataclass(frozen=True, slots=True)
class _Read:
    """One part: the SELECT that gives its columns by their place, and what they are called."""

    select: str
    names: tuple[str, ...]
    cells: tuple[Cell, ...]


def _read(duck: Session, part: Part, copy: str, *, anew: bool) -> _Read:
    try:
        if part.format.name == "parquet":
            return _parquet(duck, part)
        return _separated(part, copy, anew=anew) if part.format.separator else _objects(part, copy)
    except QueryError as error:
        raise MlgitError(f"{part.name}: {error.message}", error.hint) from error
    except MlgitError as error:
        raise (
            error if error.message.startswith(part.name) else MlgitError(f"{part.name}: {error.message}", error.hint)
        ) from error
    except OSError as error:
        raise MlgitError(f"{part.name}: {error.strerror or error}") from error


def _parquet(duck: Session, part: Part) -> _Read:
    source = f"read_parquet({literal(os.path.realpath(part.path))}, hive_partitioning=false)"
    described = duck.rows(f"DESCRIBE SELECT * FROM {source}")
    names = tuple(str(each[0]) for each in described)
    columns = ", ".join(f"{identifier(name)} AS c{place}" for place, name in enumerate(names))
    cells = tuple(Cell(f"c{place}", "typed", str(each[1])) for place, each in enumerate(described))
    return _Read(f"SELECT {columns or 'NULL AS c0'} FROM {source}", names, cells)


def _separated(part: Part, copy: str, *, anew: bool) -> _Read:
    with open(part.path, "rb") as stream:
        names, rows = separated.rows(stream, table=part.format, most=_MOST_BYTES)
        if anew or not _is_plain(stream, part, len(names)):
            names, rows = separated.rows(stream, table=part.format, most=_MOST_BYTES)
            _write_csv(rows, copy, width=len(names))
            select = _csv(copy, len(names), ",") if names else "SELECT NULL AS c0 WHERE false"
        else:
            select = _csv(os.path.realpath(part.path), len(names), part.format.separator)
    return _Read(select, names, tuple(Cell(f"c{place}", "text") for place in range(len(names))))


def _is_plain(stream: Any, part: Part, width: int) -> bool:
    """Whether the header stands on the first line, beside others: in a table of one column an empty line would be a row."""
    if part.format.is_packed or width < 2:
        return False
    stream.seek(0)
    first = stream.readline()
    return part.format.separator.encode() in first and b"\r" not in first.rstrip(b"\r\n")


def _csv(path: str, width: int, separator: str) -> str:
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(width))
    return (
        f"SELECT * FROM read_csv({literal(path)}, header = true, auto_detect = false, delim = {literal(separator)}, "
        f"""quote = '"', escape = '"', nullstr = {_NULLS}, strict_mode = true, max_line_size = 16777216, """
        f"columns = {{{columns}}})"
    )


def _write_csv(rows: Iterable[list[str]], path: str, *, width: int) -> None:
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([f"c{place}" for place in range(width)])
        writer.writerows([*row, *[""] * (width - len(row))] for row in rows)


def _objects(part: Part, copy: str) -> _Read:
    """Rows that are JSON objects: each stays one value, from which the columns are taken by their names."""
    names: dict[str, None] = {}
    with open(part.path, "rb") as stream, open(copy, "w", encoding="utf-8") as out:
        for batch in objects.batches(stream, table=part.format, most=_MOST_BYTES):
            for row in batch:
                names.update(dict.fromkeys(row))
                out.write(json.dumps(_finite(row)) + "\n")
    found = tuple(names)
    source = f"read_ndjson_objects({literal(copy)}, maximum_object_size = 67108864)"
    columns = ", ".join(
        f"json_extract(json, {literal('/' + name.replace('~', '~0').replace('/', '~1'))}) AS c{place}"
        for place, name in enumerate(found)
    )
    select = f"SELECT {columns or 'NULL AS c0'} FROM {source}"
    return _Read(select, found, tuple(Cell(f"c{place}", "json") for place in range(len(found))))


def _finite(value: Any) -> Any:
    """What JSON can hold: NaN is missing, an infinite number is as large as can be."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None if value != value else 1e308 if value > 0 else -1e308
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def _joined(parts: tuple[Part, ...], read: Sequence[_Read]) -> Source:
    """All parts below each other, by the names of their columns; one that a part lacks is missing in its rows."""
    names: dict[str, int] = {}
    for each in read:
        for name in each.names:
            names.setdefault(name, len(names))
    cells: dict[str, Cell] = {}
    for name, place in names.items():
        kinds = {each.cells[each.names.index(name)] for each in read if name in each.names}
        storages, types = {each.storage for each in kinds}, {each.type for each in kinds}
        if len(storages) > 1:
            raise MlgitError(f"{parts[0].name}: column '{name}' has types of its own in some parts, and none in others")
        one = next(iter(kinds))
        cells[name] = Cell(f"c{place}", one.storage, one.type if len(types) == 1 else _common(types))
    selects = [_placed(index, each, names, cells) for index, each in enumerate(read)]
    is_keyed = all(not each.format.separator and each.format.name != "parquet" for each in parts)
    return Source(parts, " UNION ALL ".join(selects), cells, is_keyed)


def _common(types: set[str]) -> str:
    """The type of a column that has several in its parts: numbers are numbers, everything else is text."""
    numbers = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "FLOAT", "DOUBLE"}
    return "DOUBLE" if types <= numbers and types & {"FLOAT", "DOUBLE"} else "BIGINT" if types <= numbers else "VARCHAR"


def _placed(index: int, read: _Read, names: Mapping[str, int], cells: Mapping[str, Cell]) -> str:
    columns = []
    for name, place in names.items():
        own = read.names.index(name) if name in read.names else None
        kind = cells[name].type or ("JSON" if cells[name].storage == "json" else "VARCHAR")
        if own is None:
            columns.append(f"CAST(NULL AS {kind}) AS c{place}")
        else:
            columns.append(
                f"c{own} AS c{place}" if read.cells[own].type == cells[name].type else f"CAST(c{own} AS {kind}) AS c{place}"
            )
    return f"SELECT {', '.join([*columns, f'{index} AS part'])}, row_number() OVER () AS row FROM ({read.select})"
