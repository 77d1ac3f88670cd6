"""Reads the prediction log as rows of data: what the version in production was asked, and what it answered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.model_settings import Model
from mlgit.monitoring import row_table
from mlgit.monitoring.row_table import Role, RowTable
from mlgit.render.text import count
from mlgit.serving import log_reader, logged, pack_columns, paired_answers
from mlgit.serving.log_header import LogHeader
from mlgit.serving.logged import LoggedRequest
from mlgit.statistics.rows import Coded
from mlgit.tables import formats, outline, whole

_CHAMPION = "champion"
# Rows that are values of Python at a time: the more there are, the longer the garbage collector looks at them.
_AT_ONCE = 2000
_PROBABILITY = "probability_"


@dataclass(slots=True)
class _Gathered:
    """Answered rows of files with one header: some as they were read, those before them as tables."""

    header: LogHeader
    values: list[Sequence[Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)
    chances: list[Any] = field(default_factory=list)
    tables: list[RowTable] = field(default_factory=list)

    def add(self, request: LoggedRequest) -> None:
        """Take up the rows of a request."""
        inputs, outputs = request.inputs or (), request.outputs or {}
        rows = len(inputs)
        self.values += inputs
        self.ids += [request.id] if rows == 1 else [f"{request.id}/{number}" for number in range(rows)]
        self.times += [request.ts] * rows
        self.predictions += _of_rows(outputs.get("predict"), rows)
        self.chances += _of_rows(outputs.get("predict_proba"), rows)

    def settle(self, positive: Any) -> None:
        """Make a table of the rows that were read: as arrays they are small, and nobody looks at them any more."""
        self.tables.append(_table(self, positive))
        for each in (self.values, self.ids, self.times, self.predictions, self.chances):
            each.clear()


def _of_rows(answers: Any, rows: int) -> list[Any]:
    """What was answered to each row, None where nothing was."""
    found = answers if isinstance(answers, list) else []
    return found if len(found) == rows else [*found[:rows], *[None] * (rows - len(found))]


def is_log(path: str, *, name: str) -> bool:
    """Whether a file is one of the prediction log: it begins with a header, or is a packed one. `path` ends as its `name`."""
    table = formats.of(name)
    if table is None:
        return False
    if table.name == "parquet":
        with open(path, "rb") as stream:
            return _own(outline.measure(stream, path=name).columns) is not None
    return table.name == "jsonl" and log_reader.header_of(Path(path)) is not None


def _own(names: Sequence[str]) -> dict[str, str] | None:
    """What the log's own columns are called in a packed log; None for another table."""
    own = dict(zip(pack_columns.OWN, names, strict=False))
    is_packed = len(own) == len(pack_columns.OWN) and all(_bare(called) == name for name, called in own.items())
    return own if is_packed else None


def _bare(name: str) -> str:
    while name.startswith("log_"):
        name = name.removeprefix("log_")
    return name


def read(paths: Iterable[Path], *, model: Model, since: datetime | None = None) -> tuple[RowTable, tuple[str, ...]]:
    """The rows in files of a log that the champion answered, in the order of their time, from `since` on; and notes.

    Raises MlgitError for a file that cannot be read.
    """
    names = {model.name, model.name.rpartition(":")[2], ""}
    gathered: dict[LogHeader, _Gathered] = {}
    into: _Gathered | None = None
    torn: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for request in log_reader.requests(paths, since=since, torn=torn):
        header = request.header
        if header.model not in names:
            left["of other models"] += 1
        elif request.role != _CHAMPION:
            left["of a canary or shadow"] += 1
        elif request.inputs is None:
            left["that were refused"] += 1
        else:
            if into is None or into.header is not header:  # those of a file share one
                into = gathered.setdefault(header, _Gathered(header))
            into.add(request)
            if len(into.values) >= _AT_ONCE:
                into.settle(model.positive)
    notes = [f"{count(number, 'request')} {what} left out" for what, number in left.items()]
    notes += [f"{count(torn.total(), 'line')} of the log {'is' if torn.total() == 1 else 'are'} no request"] if torn else []
    for each in gathered.values():
        each.settle(model.positive)
    tables = [table for each in gathered.values() for table in each.tables]
    return (in_order(row_table.joined(tables)) if tables else RowTable(0)), tuple(notes)


def _table(found: _Gathered, positive: Any) -> RowTable:
    header, rows = found.header, len(found.values)
    width = max(map(len, found.values), default=0)
    names = logged.names(header, width)
    is_whole = set(map(len, found.values)) <= {len(names)}
    padded = found.values if is_whole else [[*each[: len(names)], *[None] * (len(names) - len(each))] for each in found.values]
    columns = dict(zip(names, map(whole.of_values, zip(*padded, strict=True)), strict=False))
    roles: dict[Role, Any] = {
        "id": np.fromiter(found.ids, dtype=object, count=rows),
        "time": np.fromiter(found.times, dtype=object, count=rows),
        "version": Coded((header.version,), np.zeros(rows, dtype=np.int32)),
    }
    predictions = [
        paired_answers.likeliest(header, chances) if each is None else each
        for each, chances in zip(found.predictions, found.chances, strict=True)
    ]
    scores = paired_answers.scores(header, found.chances, positive=positive)
    return RowTable(rows, columns, roles | _answers(predictions, scores), frozenset(header.hashed))


def _answers(predictions: Sequence[Any], scores: Sequence[float | None]) -> dict[Role, Any]:
    found: dict[Role, Any] = {}
    if any(each is not None for each in predictions):
        found["prediction"] = whole.of_values(predictions)
    if any(each is not None for each in scores):
        found["score"] = whole.of_values(scores)
    return found


def in_order(table: RowTable) -> RowTable:
    """The rows in the order of the log's time: however many processes wrote them."""
    if table.rows < 2:
        return table
    order = np.argsort(np.asarray(table.roles["time"]), kind="stable")
    return table.at(order)


def of_packed(path: str, *, name: str, model: Model, since: datetime | None = None) -> tuple[RowTable, tuple[str, ...]]:
    """The same of a packed log. Raises MlgitError for what is none."""
    found = whole.read(path, name=name)
    names = tuple(found.columns)
    own = _own(names)
    assert own is not None, "it was looked at before"
    inputs, prediction, score = _parted(names[len(own) :], model)
    roles: dict[Role, Any] = {
        "id": found.columns[own["id"]],
        "time": found.columns[own["ts"]],
        "version": found.columns[own["version"]],
    }
    roles |= {"prediction": found.columns[prediction]} if prediction else {}
    roles |= {"score": found.columns[score]} if score else {}
    table = RowTable(found.rows, {each: found.columns[each] for each in inputs}, roles, name=name)
    is_champion = np.asarray(found.columns[own["role"]]) == _CHAMPION
    others = int((~is_champion).sum())
    if since is not None:
        moment = np.datetime64(since.replace(tzinfo=None) - (since.utcoffset() or since - since), "us")
        is_champion &= np.asarray(roles["time"]) >= moment
    notes = (f"{count(others, 'row')} of a canary or shadow left out",) if others else ()
    return in_order(table.at(np.flatnonzero(is_champion))), notes


def _parted(names: Sequence[str], model: Model) -> tuple[list[str], str, str]:
    """The inputs, and what the prediction and the score are called: behind `log_` where an input has the name."""
    predictions = [each for each in names if _bare(each) == "prediction"]
    answered = max(predictions, key=len, default="")
    chances = [each for each in names if _bare(each).startswith(_PROBABILITY)]
    positive = _positive([_bare(each).removeprefix(_PROBABILITY) for each in chances], model)
    score = max((each for each in chances if _bare(each) == f"{_PROBABILITY}{positive}"), key=len, default="")
    answers = {answered, *chances}
    return [each for each in names if each not in answers], answered, score


def _positive(labels: Collection[str], model: Model) -> str | None:
    if model.positive is None:
        return "1" if set(labels) == {"0", "1"} else "true" if set(labels) == {"false", "true"} else None
    positive = model.positive
    if isinstance(positive, bool):
        return json.dumps(positive)
    return str(int(positive)) if isinstance(positive, float) and positive.is_integer() else str(positive)
