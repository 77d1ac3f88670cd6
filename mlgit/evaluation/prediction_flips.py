"""Rows whose prediction became right, or wrong: what a difference in a metric looks like, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.evaluation import prediction_files
from mlgit.evaluation.model_results import Table
from mlgit.evaluation.results import Flips
from mlgit.statistics.rows import Coded, Texts, are_texts, differ, is_missing

if TYPE_CHECKING:
    from mlgit.evaluation.model_pair import ModelPair
    from mlgit.evaluation.paired_rows import PairedRows
    from mlgit.statistics.rows import Array

MOST_KEYS = 100


def of_pair(joined: ModelPair) -> Flips | None:
    """The same of both sides of a model, without keys where they may not be shown."""
    found = turned(joined.rows) if joined.rows else None
    return replace(found, fixed_keys=(), broken_keys=()) if found and joined.hides_keys else found


def turned(rows: PairedRows) -> Flips | None:
    """The rows fixed and broken by the current model, in the order of the baseline's rows.

    A row is right when its prediction is its label. None where that says nothing: without a baseline or aligned rows,
    without one of the columns, where a value is missing or no whole number (as in a regression), where the labels of both
    sides differ, and where several seeds may say different things of one row.
    """
    if rows.baseline is None or rows.trouble or rows.model.id not in rows.baseline:
        return None
    if any(prediction_files.files_of(each) > 1 for each in (rows.baseline, rows.current)):
        return None
    label, prediction = rows.model.label, rows.model.prediction
    columns = [_classes(table, name) for name in (label, prediction) for table in (rows.baseline, rows.current)]
    truth, truth_now, before, now = columns
    if truth is None or truth_now is None or before is None or now is None:
        return None
    if all(isinstance(each, Coded) for each in columns):
        if differ(truth, truth_now).any():
            return None
        was_right, is_right = ~differ(truth, before), ~differ(truth, now)
        return _flips(rows, was_right, is_right)
    if len({each.dtype.kind == "f" for each in (truth, truth_now, before, now)}) > 1 or not np.array_equal(truth, truth_now):
        return None
    return _flips(rows, truth == before, truth == now)


def _flips(rows: PairedRows, was_right: Array, is_right: Array) -> Flips:
    assert rows.baseline is not None
    keys = rows.baseline[rows.model.id]
    fixed, broken = (np.flatnonzero(each) for each in (is_right & ~was_right, was_right & ~is_right))
    return Flips(rows.model.address, len(fixed), len(broken), _first(keys, fixed), _first(keys, broken))


def _first(keys: Any, places: Array) -> tuple[str, ...]:
    first = places[:MOST_KEYS]
    return tuple(str(key) for key in (keys[first] if isinstance(keys, Texts) else np.asarray(keys)[first]))


def _classes(table: Table, name: str) -> Any:
    """A column as whole numbers (of type float) or as texts; None where it holds anything else, or nothing in a row."""
    if isinstance(table.get(name), Coded) and table[name].are_texts and len(table[name]):
        return table[name]
    column: Array = np.asarray(table[name]) if name in table else np.empty(0)
    if column.dtype.kind == "O" and are_texts(column):
        return column
    if column.ndim != 1 or not len(column) or is_missing(column).any():
        return None
    if column.dtype.kind in "biuf":
        found = column.astype(float)
        return found if (np.isfinite(found) & (found == np.floor(found))).all() else None
    texts: list[Any] = column.tolist()
    return np.array(texts, dtype=object) if all(isinstance(each, str) for each in texts) else None
