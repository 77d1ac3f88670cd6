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
from mlgit.config import Model
from mlgit.monitoring import row_table
from mlgit.monitoring.row_table import Role, RowTable
from mlgit.render.text import count
from mlgit.serving import log_reader, logged, pack_columns, paired_answers
from mlgit.serving.log_header import LogHeader
from mlgit.statistics.rows import Coded
from mlgit.tables import formats, outline, whole

_CHAMPION = "champion"
_PROBABILITY = "probability_"


@dataclass(slots=True)
class _Gathered:
    """Rows of files with one header."""

    values: list[Sequence[Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)


def is_log(path: str, *, name: str) -> bool:
    """Whether a file is one of the prediction log: it begins with a header, or is a packed one."""
    table = formats.of(name)
    if table is None:
        return False
    if table.name == "parquet":
        with open(path, "rb") as stream:
            return _own(outline.measure(stream, path=name).columns) is not None
    return table.name == "jsonl" and path.endswith((".jsonl", ".jsonl.gz")) and log_reader.header_of(Path(path)) is not None


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
            into = gathered.get(header) or gathered.setdefault(header, _Gathered())
            for row in logged.rows_of(request):
                into.values.append(row.values)
                into.ids.append(row.id)
                into.times.append(request.ts)
                into.predictions.append(paired_answers.prediction_of(row))
                into.scores.append(paired_answers.score_of(row, positive=model.positive))
    notes = [f"{count(number, 'request')} {what} left out" for what, number in left.items()]
    notes += [f"{count(torn.total(), 'line')} of the log {'is' if torn.total() == 1 else 'are'} no request"] if torn else []
    tables = [_table(header, each) for header, each in gathered.items()]
    return (in_order(row_table.joined(tables)) if tables else RowTable(0)), tuple(notes)


def _table(header: LogHeader, found: _Gathered) -> RowTable:
    rows = len(found.values)
    width = max(map(len, found.values), default=0)
    names = logged.names(header, width)
    padded = (each if len(each) >= len(names) else [*each, *[None] * (len(names) - len(each))] for each in found.values)
    columns = dict(zip(names, map(whole.of_values, zip(*padded, strict=False)), strict=False))
    roles: dict[Role, Any] = {
        "id": np.fromiter(found.ids, dtype=object, count=rows),
        "time": np.fromiter(found.times, dtype=object, count=rows),
        "version": Coded((header.version,), np.zeros(rows, dtype=np.int32)),
    }
    return RowTable(rows, columns, roles | _answers(found.predictions, found.scores), frozenset(header.hashed))


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
