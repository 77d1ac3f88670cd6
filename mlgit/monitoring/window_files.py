"""Reads the files of windows as rows: tables of any format, parts of a folder, and logs."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.monitoring import moments, periods, row_table, window_log
from mlgit.monitoring.row_table import Role, RowTable
from mlgit.monitoring.window_paths import SourceFile, SourceFiles
from mlgit.monitoring_settings import Cut
from mlgit.serving import log_reader
from mlgit.statistics.rows import Coded
from mlgit.tables import formats, limits, whole

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
# An answer is written down after the request came: a line may stand in the hour after its own.
_SLACK = timedelta(hours=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read(
    source: SourceFiles, *, model: Model, by: Cut, since: datetime | None = None, texts: Collection[str] = ()
) -> tuple[RowTable, tuple[str, ...]]:
    """All rows of what one path names, and notes; of logs, and of folders that tell a time, those from `since` on.

    `texts` are columns that are left as texts. Raises MlgitError for a file that cannot be read, and for more than fits into
    memory.
    """
    wanted = [each for each in source.files if since is None or not _is_over(each, by, since)]
    with files.temporary_folder("windows") as folder:
        named = [_with_ending(each, folder / str(number)) for number, each in enumerate(wanted)]
        logs = [each for each in named if window_log.is_log(each.place, name=each.name)]
        known = {each.name for each in logs}
        tables, notes = _lines(logs, model, since)
        cells = 0
        for file in named:
            if file.name in known and _is_parquet(file):
                table, said = window_log.of_packed(file.place, name=file.name, model=model, since=since)
                notes += said
            elif file.name not in known:
                table = _table(file, model, texts)
            else:
                continue
            tables.append(table)
            cells += table.rows * (len(table.columns) + len(table.roles))
            if cells > limits.PARQUET_VALUES:
                raise MlgitError(
                    f"{source.name}: more than {limits.PARQUET_VALUES:,} values, so they are not read",
                    "name fewer files, as `path: data/2026-05-*.parquet`",
                )
    found = row_table.joined(tables, name=source.name) if tables else RowTable(0, name=source.name)
    return found, tuple(dict.fromkeys(notes))


def _is_parquet(file: SourceFile) -> bool:
    return formats.known(file.name).name == "parquet"


def _with_ending(file: SourceFile, beside: Path) -> SourceFile:
    """The file under a name that ends as it is called: DVC's cache calls it by its digest."""
    ending = formats.ending(file.name)
    if file.place.lower().endswith(ending):
        return file
    link = Path(f"{beside}{ending}")
    link.symlink_to(os.path.abspath(file.place))
    return replace(file, place=str(link))


def _lines(logs: Sequence[SourceFile], model: Model, since: datetime | None) -> tuple[list[RowTable], list[str]]:
    """The rows of logs that are no packed ones, as one table if there are any; and notes."""
    paths = [Path(each.place) for each in logs if not _is_parquet(each)]
    if not paths:
        return [], []
    table, notes = window_log.read(paths, model=model, since=since)
    return [table], [*notes]


def _is_over(file: SourceFile, by: Cut, since: datetime) -> bool:
    """Whether a file has nothing from `since` on, by the names of its folders."""
    hour = log_reader.hour_of(Path(file.name))
    if hour is not None:
        return hour + timedelta(hours=1) + _SLACK <= since
    told = file.partition.get(by.column) if by.kind in periods.PERIODS else None
    begin = None if told is None else moments.microseconds(told)
    # a folder of a day may have rows until its end; one of an hour is told by its hour
    return begin is not None and _EPOCH + timedelta(microseconds=begin) + timedelta(days=31) <= since


def _table(file: SourceFile, model: Model, texts: Collection[str]) -> RowTable:
    literal = {each for each in (model.id, model.label, model.prediction) if each}
    ids = {model.id} - {""}
    found = whole.read(file.place, name=file.name, texts={*texts, *ids}, literal=literal)
    partition = {name: _constant(value, found.rows) for name, value in file.partition.items() if name not in found.columns}
    return parted(RowTable(found.rows, {**found.columns, **partition}, name=file.name), model)


def _constant(value: str | None, rows: int) -> Any:
    if value is None:
        return np.full(rows, np.nan)
    if _WHOLE.fullmatch(value):
        return np.full(rows, int(value))
    return Coded((value,), np.zeros(rows, dtype=np.int32))


def parted(table: RowTable, model: Model) -> RowTable:
    """Inputs apart from what a table of predictions has beside them. A column `score` without predictions is an input."""
    roles: dict[Role, str] = {"id": model.id} if model.id in table.columns else {}
    if model.prediction in table.columns:
        roles["prediction"] = model.prediction
        roles |= {"score": model.score} if model.score in table.columns else {}
    found: dict[Role, Any] = {role: table.columns[name] for role, name in roles.items()}
    if "id" in found:
        found["id"] = _as_ids(found["id"])
    named = set(roles.values())
    columns = {name: values for name, values in table.columns.items() if name not in named}
    return RowTable(table.rows, columns, found, table.hashed, table.name)


def _as_ids(values: Any) -> Any:
    """Texts that are whole numbers, each as it is written, as numbers: what a file with types calls them."""
    listed: Sequence[Any] = np.asarray(values).tolist() if isinstance(values, Coded) or values.dtype.kind == "O" else ()
    if len(listed) and all(isinstance(each, str) and _WHOLE.fullmatch(each) for each in listed):
        return np.array([int(each) for each in listed], dtype=np.int64)
    return values
