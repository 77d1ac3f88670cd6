"""Writes logged requests as one Parquet file, a row for each row that was answered: equal logs give equal bytes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlgit.errors import MlgitError
from mlgit.serving import log_reader, logged, pack_columns
from mlgit.serving.log_header import LogHeader
from mlgit.serving.logged import LoggedRequest, LoggedRow
from mlgit.serving.pack_columns import OWN, PREDICTION, ColumnKinds

if TYPE_CHECKING:
    import pyarrow as pa

# Rows that are values of Python at a time: few, for the more there are, the longer the garbage collector looks at them.
_AT_ONCE = 1000
_GROUP = 50  # that many times so many rows are a row group of the file
_MOST_COLUMNS = 10_000


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written: rows of how many requests, those that were refused and have no row, and lines that were none.

    `unheld` counts, by column, values that its type does not hold, and that are missing in the file.
    """

    model: str
    rows: int
    requests: int
    refused: int
    torn: int
    columns: tuple[str, ...]
    unheld: dict[str, int]


@dataclass(slots=True)
class _Survey:
    """What is in the files of logs, found by reading them once: what a server adds meanwhile is not packed."""

    files: Sequence[Path]
    since: datetime | None
    until: datetime | None
    counts: dict[Path, int] = field(default_factory=dict)
    headers: dict[LogHeader, None] = field(default_factory=dict)
    kinds: ColumnKinds = field(default_factory=ColumnKinds)
    width: int = 0
    rows: int = 0
    refused: int = 0
    torn: Counter[str] = field(default_factory=Counter)
    probabilities: dict[str, None] = field(default_factory=dict)
    has_predictions: bool = False


def pack(paths: Sequence[Path], output: Path, *, since: datetime | None = None, until: datetime | None = None) -> Packed:
    """Write what logs have of the time from `since` until before `until` to a file, which appears as a whole.

    Raises MlgitError where there is nothing, for logs of several models, and where the file cannot be written.
    """

    survey = _Survey(log_reader.log_files(paths, since=since, until=until), since, until)
    _read_once(survey)
    models = sorted({header.model for header in survey.headers if header.model})
    if len(models) > 1:
        raise MlgitError(f"logs of several models: {', '.join(models)}", "name the log of one of them")
    if not survey.rows:
        what = f"{survey.refused} refused ones and no other" if survey.refused else "no request"
        raise MlgitError(f"nothing to pack: {what} in that time", "`mlgit log tail` shows what there is")
    unheld: Counter[str] = Counter()
    columns = _write(output, survey, unheld)
    return Packed(
        models[0] if models else "",
        *(survey.rows, sum(survey.counts.values()), survey.refused, survey.torn.total()),
        tuple(columns),
        dict(sorted(unheld.items())),
    )


def _read_once(survey: _Survey) -> None:
    for path in survey.files:
        found = log_reader.requests([path], since=survey.since, until=survey.until, torn=survey.torn)
        survey.counts[path] = 0
        while some := list(islice(found, _AT_ONCE)):
            survey.counts[path] += len(some)
            for header, requests in _by_header(some).items():
                if header not in survey.headers:
                    survey.headers[header] = None
                    survey.kinds.see_header(header)
                _see(survey, header, requests)


def _read_again(survey: _Survey) -> Iterator[LoggedRow]:
    for path, count in survey.counts.items():
        for request in islice(log_reader.requests([path], since=survey.since, until=survey.until), count):
            yield from logged.rows_of(request)


def _by_header(requests: Sequence[LoggedRequest]) -> dict[LogHeader, list[LoggedRequest]]:
    """Requests by what holds for them. Those of a file share one header, so what is compared is the header before."""
    grouped: dict[LogHeader, list[LoggedRequest]] = {}
    before, same = None, list[LoggedRequest]()
    for each in requests:
        if each.header is not before:
            before, same = each.header, grouped.setdefault(each.header, [])
        same.append(each)
    return grouped


def _see(survey: _Survey, header: LogHeader, requests: Sequence[LoggedRequest]) -> None:
    rows = [row for each in requests for row in each.inputs or ()]
    survey.refused += sum(1 for each in requests if each.inputs is None)
    survey.rows += len(rows)
    survey.width = max([survey.width, *map(len, rows)] if not header.columns else [survey.width])
    if survey.width > _MOST_COLUMNS:
        raise MlgitError(f"rows of {survey.width} values", f"not more than {_MOST_COLUMNS} columns are packed")
    width = max(map(len, rows), default=0)
    for name, column in zip(logged.names(header, width), _transposed(rows, width), strict=False):
        survey.kinds.see(name, column)
    answers = [row for each in requests for row in logged.rows_of(each)]
    survey.kinds.see(PREDICTION, [row.prediction for row in answers])
    survey.has_predictions |= any(row.prediction is not None for row in answers)
    width = max((len(row.probabilities) for row in answers if row.probabilities is not None), default=0)
    survey.probabilities.update(dict.fromkeys(_labels(header, width)))


def _labels(header: LogHeader, width: int) -> list[str]:
    """What the probabilities are called: by the labels, where the model has them."""
    labels = header.classes if len(header.classes) >= width else tuple(range(width))
    return [f"probability_{_word(each)}" for each in labels[:width]]


def _word(label: Any) -> str:
    return ("true" if label else "false") if isinstance(label, bool) else str(label)


def _write(output: Path, survey: _Survey, unheld: Counter[str]) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    inputs = pack_columns.input_names(list(survey.headers), survey.width)
    answers = [*(["prediction"] if survey.has_predictions else []), *survey.probabilities]
    own = pack_columns.own_names(inputs, answers)
    types = {"boolean": pa.bool_(), "integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
    arrow = {"string": pa.string(), "int64": pa.int64(), "timestamp": pa.timestamp("ms", tz="UTC")}
    fields = [pa.field(own[name], arrow[kind]) for name, kind in OWN.items()]
    fields += [pa.field(name, types[survey.kinds.kind(name)]) for name in inputs]
    fields += [
        pa.field(own[name], types[survey.kinds.kind(PREDICTION)] if name == "prediction" else pa.float64()) for name in answers
    ]
    schema = pa.schema(fields)
    beside = output.parent / f".{output.name[:50]}.{os.urandom(8).hex()}.tmp"
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(beside, schema, compression="zstd") as writer:
            rows = _read_again(survey)
            while tables := [
                _table(some, schema, inputs, answers, survey.kinds, unheld) for some in islice(_pieces(rows), _GROUP)
            ]:
                writer.write_table(pa.concat_tables(tables))
        os.replace(beside, output)
    except OSError as error:
        raise MlgitError(f"{output}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            beside.unlink()
    return list(schema.names)


def _pieces(rows: Iterator[LoggedRow]) -> Iterator[list[LoggedRow]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some


def _table(
    rows: Sequence[LoggedRow],
    schema: pa.Schema,
    inputs: Sequence[str],
    answers: Sequence[str],
    kinds: ColumnKinds,
    unheld: Counter[str],
) -> pa.Table:
    import pyarrow as pa

    columns: list[list[Any]] = [
        [row.id for row in rows],
        [row.request.id for row in rows],
        [row.row for row in rows],
        [_moment(row.request.ts) for row in rows],
        [row.request.version for row in rows],
        [row.request.role for row in rows],
        [row.request.digest for row in rows],
        [row.request.code for row in rows],
        [sum(1 for each in row.request.violations if each.get("row") == row.row) for row in rows],
    ]
    values = _values(rows, inputs)
    for name in inputs:
        held, lost = pack_columns.converted(values[name], kinds.kind(name))
        unheld.update({name: lost} if lost else {})
        columns.append(held)
    chances = _probabilities(rows, answers)
    for name in answers:
        kind = kinds.kind(PREDICTION) if name == "prediction" else "number"
        columns.append(
            pack_columns.converted([row.prediction for row in rows] if name == "prediction" else chances[name], kind)[0]
        )
    arrays = [pa.array(column, type=kind.type) for column, kind in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _values(rows: Sequence[LoggedRow], inputs: Sequence[str]) -> dict[str, list[Any]]:
    """The values of rows by column; what a file has no column for is missing."""
    found: dict[str, list[Any]] = {name: [None] * len(rows) for name in inputs}
    for header, numbers in _numbers(rows).items():
        held = [rows[number].values for number in numbers]
        width = max(map(len, held))
        for name, column in zip(logged.names(header, width), _transposed(held, width), strict=False):
            if len(numbers) == len(rows):
                found[name] = column
            else:
                for number, value in zip(numbers, column, strict=True):
                    found[name][number] = value
    return found


def _transposed(rows: Sequence[Sequence[Any]], width: int) -> Iterator[list[Any]]:
    """Columns of rows; what a shorter row has not is missing."""
    return map(list, zip(*(_padded(row, width) for row in rows), strict=True))


def _padded(row: Sequence[Any], width: int) -> Sequence[Any]:
    return row if len(row) == width else [*row, *[None] * (width - len(row))]


def _probabilities(rows: Sequence[LoggedRow], answers: Sequence[str]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: [None] * len(rows) for name in answers}
    for header, numbers in _numbers(rows).items():
        for number in numbers:
            chances = rows[number].probabilities
            for name, value in zip(_labels(header, len(chances)), chances, strict=False) if chances is not None else ():
                if name in found:
                    found[name][number] = value
    return found


def _numbers(rows: Sequence[LoggedRow]) -> dict[LogHeader, list[int]]:
    grouped: dict[LogHeader, list[int]] = {}
    before, same = None, list[int]()
    for number, row in enumerate(rows):
        if row.request.header is not before:
            before, same = row.request.header, grouped.setdefault(row.request.header, [])
        same.append(number)
    return grouped


def _moment(time: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(time)
        return found if found.tzinfo else None
    except ValueError:
        return None
