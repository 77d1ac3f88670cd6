"""The data that a contract is for, as DuckDB reads it: one file, or a folder of parts, with a Cell for each column.

Every part is read with the names that its own header gives. What DuckDB would refuse, or read in another way than `tables` does
(blank lines, lone carriage returns, bytes that are no UTF-8, short rows), is written anew first: both see the same rows.
"""

from __future__ import annotations

import csv
import json
import mmap
import os
import re
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from mlgit.adapters.duckdb import session
from mlgit.adapters.duckdb.session import QueryError, QueryRefusedError, Session
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.render.sql import identifier, literal
from mlgit.tables import formats, objects, separated
from mlgit.tables.digests import MISSING_WORDS
from mlgit.tables.formats import TableFormat
from mlgit.validation.cells import Cell, json_pointer

T = TypeVar("T")

_MOST_BYTES = 4 << 30
_NOTHING = '"NULL"'  # DuckDB's word for the type of a column without a value
_NUMBER = re.compile(r"\b(?:U?(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(\d+,\s*\d+\))(?=\W|$)")
_MOMENT = re.compile(r"\bDATE\b|\bTIMESTAMP(?:_[A-Z]+)?\b(?: WITH TIME ZONE)?")
Storage = Literal["text", "json", "typed", "number"]
_GROUPED = re.compile(rb"_[0-9]")
_NULLS = "[" + ", ".join(literal(each) for each in sorted(MISSING_WORDS)) + "]"


@dataclass(frozen=True, slots=True)
class Part:
    """One file; `name` is what it is called in messages, `format` how it is written."""

    path: str
    name: str
    format: TableFormat


@dataclass(frozen=True, slots=True)
class _Read:
    """One part: the SELECT that gives its columns by their place, and what they are called, with the Cell of each.

    `text` is the file, the number of fields and what separates them, of a part that is read as texts.
    """

    select: str
    cells: Mapping[str, Cell]
    text: tuple[str, int, str] | None = None

    def with_numbers(self, names: Collection[str]) -> _Read:
        """The same, these columns read as numbers."""
        if self.text is None:
            return self
        cells = {name: Cell(each.sql, "number" if name in names else "text") for name, each in self.cells.items()}
        places = [place for place, each in enumerate(cells.values()) if each.storage == "number"]
        return _Read(_csv(*self.text, numbers=places), cells, self.text)


@dataclass(frozen=True, slots=True)
class DataSource:
    """The rows of all parts. `columns` gives each name its Cell; `is_keyed`: rows are objects, which may lack a key."""

    parts: tuple[Part, ...]
    columns: Mapping[str, Cell]
    is_keyed: bool
    read: tuple[_Read, ...]

    def relation(self, names: Iterable[str] | None = None, *, is_numbered: bool = True) -> str:
        """A SELECT of these columns (all, for None) by their Cells, with `part` (from 0) and `row` (from 1, of its part).

        `is_numbered`: there are `part` and `row`, without which a count costs less. No WHERE reaches through the numbers to
        the file, whose pages DuckDB would pass over by the bounds that the file tells.
        """
        wanted = self.columns if names is None else dict.fromkeys(names)
        return " UNION ALL ".join(
            self._placed(index, each, wanted, is_numbered=is_numbered) for index, each in enumerate(self.read)
        )

    def with_numbers(self, names: Collection[str]) -> DataSource | None:
        """The same rows with texts of these columns read as numbers, which costs a fraction of casting them.

        To read from it fails where a text is none. None where a number may be written as 1_000, which DuckDB takes for one.
        """
        texts = [each.text for each in self.read if each.text is not None]
        if not texts or not names or any(_has_grouped_digits(path) for path, _, _ in texts):
            return None
        columns = {name: Cell(each.sql, "number") if name in names else each for name, each in self.columns.items()}
        return DataSource(self.parts, columns, self.is_keyed, tuple(each.with_numbers(names) for each in self.read))

    def _placed(self, index: int, read: _Read, names: Iterable[str], *, is_numbered: bool) -> str:
        columns = []
        for name in names:
            cell, own = self.columns[name], read.cells.get(name)
            kind = cell.type or {"json": "JSON", "number": "DOUBLE"}.get(cell.storage, "VARCHAR")
            if own is None:
                columns.append(f"CAST(NULL AS {kind}) AS {cell.sql}")
            else:
                columns.append(
                    f"{own.sql} AS {cell.sql}" if own.type == cell.type else f"CAST({own.sql} AS {kind}) AS {cell.sql}"
                )
        if not is_numbered:
            return f"SELECT {', '.join(columns) or '1'} FROM ({read.select})"
        return f"SELECT {', '.join([*columns, f'{index} AS part'])}, row_number() OVER () AS row FROM ({read.select})"


def parts_of(path: str, *, name: str) -> tuple[Part, ...]:
    """The files of a path: itself, or every table below a folder, in the order of their names.

    Raises MlgitError where there is none.
    """
    if os.path.isdir(path):
        below = sorted(
            os.path.relpath(os.path.join(folder, file), path) for folder, _, files in os.walk(path) for file in files
        )
        return parts_below(((os.path.join(path, each), f"{name}/{each}") for each in below), name=name)
    if not os.path.exists(path):
        raise MlgitError(f"{name}: no such file", "run the stage that makes it, or `mlgit pull`")
    form = formats.of(path)
    if form is None:
        raise MlgitError(f"{name}: no table: it ends in none of {formats.LISTED}")
    return (Part(path, name, form),)


def parts_below(files: Iterable[tuple[str, str]], *, name: str) -> tuple[Part, ...]:
    """The tables among the files below a folder, of which each is (where it lies, what it is called). Hidden files are none.

    Raises MlgitError where there is none, and for data that cannot be read: nobody would have looked at it.
    """
    seen = [(place, called) for place, called in files if not os.path.basename(called).startswith(".")]
    if unread := next((called for _, called in seen if formats.is_unread(called)), None):
        raise MlgitError(
            f"{unread}: no table that can be read: it ends in none of {formats.LISTED}", "write it in one of these"
        )
    found = tuple(Part(place, called, form) for place, called in seen if (form := formats.of(called)))
    if not found:
        raise MlgitError(f"{name}: no table in this folder", f"tables end in {formats.LISTED}")
    return found


@contextmanager
def opened(
    parts: Sequence[Part], *, anew: bool = False, threads: int = 2, seconds: float | None = None
) -> Iterator[tuple[Session, DataSource]]:
    """DuckDB with these files, for as long as the block lasts; with `anew`, texts are written anew first, whatever they are.

    `seconds` bounds the time of all queries together, but those of strangers, which have bounds of their own.
    Raises MlgitError `NAME: what` for a file that is no table, and where DuckDB is not installed.
    """
    with tempfile.TemporaryDirectory(prefix="mlgit-data-") as scratch:
        copies = [
            os.path.join(scratch, f"{index}{'.csv' if each.format.separator else '.jsonl'}") for index, each in enumerate(parts)
        ]
        known = [*(os.path.realpath(each.path) for each in parts), *copies]
        with session.opened(known, threads=threads, seconds=seconds) as duck:
            read = [_read(duck, each, copy, anew=anew) for each, copy in zip(parts, copies, strict=True)]
            yield duck, _joined(duck, tuple(parts), read)


def read_either(look: Callable[[bool], T], *, name: str) -> T:
    """What `look(anew)` gives of the files as they are, or, where DuckDB refuses what other readers take, written anew.

    Raises MlgitError where it refuses both: its own message may hold a line of the data.
    """
    try:
        return look(False)
    except QueryRefusedError as error:
        raise _too_long(name, error) from error
    except QueryError:
        try:
            return look(True)
        except QueryRefusedError as error:
            raise _too_long(name, error) from error
        except QueryError as error:
            raise MlgitError(f"{name}: DuckDB cannot read this table", "write it anew, as CSV or Parquet") from error


def _too_long(name: str, error: QueryRefusedError) -> MlgitError:
    return MlgitError(f"{name}: {error.message}", "ask less of it, or give it to mlgit as several tables")


def _read(duck: Session, part: Part, copy: str, *, anew: bool) -> _Read:
    try:
        os.close(files.open_regular(part.path))  # a pipe would be waited for
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
    source = f"read_parquet({literal(os.path.realpath(part.path))}, hive_partitioning=false, can_have_nan=true)"
    described = duck.rows(f"DESCRIBE SELECT * FROM {source}")
    names = tuple(str(each[0]) for each in described)
    columns = ", ".join(f"{identifier(name)} AS c{place}" for place, name in enumerate(names))
    cells = {
        name: Cell(f"c{place}", "typed", str(each[1])) for place, (name, each) in enumerate(zip(names, described, strict=True))
    }
    return _Read(f"SELECT {columns or 'NULL AS c0'} FROM {source}", cells)


def _separated(part: Part, copy: str, *, anew: bool) -> _Read:
    with open(part.path, "rb") as stream:
        names, rows = separated.rows(stream, table=part.format, most=_MOST_BYTES)
        text = (os.path.realpath(part.path), len(names), part.format.separator)
        if anew or not _is_plain(stream, part, len(names)):
            names, rows = separated.rows(stream, table=part.format, most=_MOST_BYTES)
            _write_csv(rows, copy, width=len(names))
            text = (copy, len(names), ",")
    cells = {name: Cell(f"c{place}", "text") for place, name in enumerate(names)}
    return _Read(_csv(*text), cells, text) if names else _Read("SELECT NULL AS c0 WHERE false", {})


def _is_plain(stream: Any, part: Part, width: int) -> bool:
    """Whether the header is the first line, and has several fields: in a table of one column an empty line would be a row."""
    if part.format.is_packed or width < 2:
        return False
    stream.seek(0)
    first = stream.readline()
    return part.format.separator.encode() in first and b"\r" not in first.rstrip(b"\r\n") and first.count(b'"') % 2 == 0


def _csv(path: str, width: int, separator: str, *, numbers: Collection[int] = ()) -> str:
    columns = ", ".join(f"'c{place}': '{'DOUBLE' if place in numbers else 'VARCHAR'}'" for place in range(width))
    return (
        f"SELECT * FROM read_csv({literal(path)}, header = true, auto_detect = false, delim = {literal(separator)}, "
        f"""quote = '"', escape = '"', nullstr = {_NULLS}, strict_mode = true, max_line_size = 16777216, """
        f"columns = {{{columns}}})"
    )


def _has_grouped_digits(path: str) -> bool:
    """Whether an underscore stands between digits anywhere in a file."""
    with open(path, "rb") as stream:
        if not os.fstat(stream.fileno()).st_size:
            return False
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as text:
            return any(text[each.start() - 1 : each.start()].isdigit() for each in _GROUPED.finditer(text))


def _write_csv(rows: Iterable[list[str]], path: str, *, width: int) -> None:
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow([f"c{place}" for place in range(width)])
        writer.writerows([*row, *[""] * (width - len(row))] for row in rows)


def _objects(part: Part, copy: str) -> _Read:
    """Rows that are JSON objects: each stays one value, from which the columns are taken by their names."""
    names: dict[str, None] = {}
    # half of a surrogate pair is no text, and no reason to read nothing
    with open(part.path, "rb") as stream, open(copy, "w", encoding="utf-8", errors="replace", newline="") as out:
        for batch in objects.batches(stream, table=part.format, most=_MOST_BYTES):
            for row in batch:
                names.update(dict.fromkeys(row))
                out.write(json.dumps(_finite(row), ensure_ascii=False) + "\n")
    found = tuple(names)
    source = f"read_ndjson_objects({literal(copy)}, maximum_object_size = 67108864)"
    columns = ", ".join(f"json_extract(json, {json_pointer(name)}) AS c{place}" for place, name in enumerate(found))
    select = f"SELECT {columns or 'NULL AS c0'} FROM {source}"
    return _Read(select, {name: Cell(f"c{place}", "json") for place, name in enumerate(found)})


def _finite(value: Any) -> Any:
    """What JSON can hold: NaN is missing, an infinite number is as large as can be."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None if value != value else 1e308 if value > 0 else -1e308
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list) else value


def _joined(duck: Session, parts: tuple[Part, ...], read: Sequence[_Read]) -> DataSource:
    """All parts below each other, by the names of their columns; one that a part lacks is missing in its rows."""
    kinds: dict[str, dict[tuple[Storage, str], int]] = {}
    for index, each in enumerate(read):
        for name, cell in each.cells.items():
            kinds.setdefault(name, {}).setdefault((cell.storage, cell.type), index)
    cells: dict[str, Cell] = {}
    for place, (name, found) in enumerate(kinds.items()):
        if len({storage for storage, _ in found}) > 1:
            raise MlgitError(f"{parts[0].name}: column '{name}' has types of its own in some parts, and none in others")
        storage, kind = next(iter(found))
        cells[name] = Cell(f"c{place}", storage, kind if len(found) == 1 else _common(duck, [each for _, each in found]))
        if len(found) > 1:
            _refuse_loss(duck, parts, read, name=name, common=cells[name].type)
    is_keyed = all(not each.format.separator and each.format.name != "parquet" for each in parts)
    return DataSource(parts, cells, is_keyed, tuple(read))


def _common(duck: Session, types: Sequence[str]) -> str:
    """The type of a column that has several in its parts, as DuckDB finds it; text, where they are of different kinds.

    A number of few bits is one of many: beside others, 16777217 would not be a FLOAT.
    """
    known = list(dict.fromkeys("DOUBLE" if each == "FLOAT" else each for each in types if each != _NOTHING))
    if not _agree(known):
        return "VARCHAR"
    try:
        union = " UNION ALL ".join(f"SELECT CAST(NULL AS {each}) AS x" for each in known)
        return str(duck.rows(f"SELECT typeof(x) FROM ({union}) LIMIT 1")[0][0])
    except QueryError:
        return "VARCHAR"


def _agree(types: Collection[str]) -> bool:
    """Whether values of these types are of one kind. DuckDB would also make true a 1, and fail at a text among dates."""
    types = {each for each in types if each != _NOTHING}
    cells = [Cell("x", "typed", each) for each in types]
    if len(types) <= 1:
        return True
    if all(each.endswith("]") for each in types):
        return _agree([each.item("x").type for each in cells])
    if all(each.fields() for each in cells):
        fields: dict[str, list[str]] = {}
        for each in cells:
            for name, inner in each.fields():
                fields.setdefault(name, []).append(inner.type)
        return all(map(_agree, fields.values()))
    return len({_MOMENT.sub("MOMENT", _NUMBER.sub("NUMBER", each)) for each in types}) == 1


def _refuse_loss(duck: Session, parts: Sequence[Part], read: Sequence[_Read], *, name: str, common: str) -> None:
    """Two ids that become one float would be told as a duplicate."""
    for part, each in zip(parts, read, strict=True):
        cell = each.cells.get(name)
        if cell is None or cell.type in (common, _NOTHING) or common == "VARCHAR":
            continue
        again = f"TRY_CAST(TRY_CAST({cell.sql} AS {common}) AS {cell.type})"
        if duck.rows(f"SELECT 1 FROM ({each.select}) WHERE {again} IS DISTINCT FROM {cell.sql} LIMIT 1"):
            raise MlgitError(
                f"{part.name}: column '{name}' is {cell.type} here, with values that {common}, for other parts, cannot hold",
                "write all parts with the same types",
            )
