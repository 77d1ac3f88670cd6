"""The columns of predictions by what a model declares them to be, and errors for those that are not there."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation.model_results import Table, header_of
from mlgit.model_settings import Model, columns_of_classes
from mlgit.schema import near_miss
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.rows import held

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_BEGIN = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def rows_of(table: Table) -> int:
    """How many rows a table of predictions has."""
    return max(map(len, table.values()), default=0)


def predictions_of(model: Model, table: Table, places: Array | None, *, value: str = "") -> Predictions:
    """The columns of a model's predictions, of all rows or those at `places`; `value` is a column that a metric is made of.

    Raises MlgitError without labels, but for a metric that is made of a column alone.
    """

    def at(name: str) -> Any:
        column = table.get(name) if name else None
        return column if column is None or places is None else held(column)[places]

    if model.label not in table and not value:
        raise no_column(model, table, model.label)
    return Predictions(
        at(model.label),
        at(model.prediction),
        at(model.score),
        {name: at(column) for name, column in columns_of_classes(model, table).items() if column in table},
        {level: at(column) for level, column in model.quantiles if column in table},
        at(model.query),
        at(model.weight),
        at(value),
        {label: dict(costs) for label, costs in model.costs},
    )


def column_of(model: Model, table: Table, name: str) -> Array:
    """A column of predictions. Raises MlgitError where there is none of this name."""
    if name not in table:
        raise no_column(model, table, name)
    return np.asarray(table[name])


def in_time(model: Model, table: Table, name: str, places: Array | None = None) -> Array:
    """The places of rows in the order of time; those of one time come by their keys, however the file lists them."""
    times = moments(column_of(model, table, name), name=name)
    keys = (
        np.asarray([str(each) for each in column_of(model, table, model.id).tolist()])
        if model.id in table
        else np.arange(len(times))
    )
    if places is not None:
        times, keys = times[places], keys[places]
    return np.lexsort((keys, times))


def moments(values: Array, *, name: str) -> Array:
    """Times as numbers that are in their order: numbers as they are, and texts and dates in ISO 8601.

    Raises MlgitError for anything else.
    """
    found = np.asarray(values)
    if found.dtype.kind == "M":
        found = found.astype("datetime64[us]").astype(float)
    elif found.dtype.kind not in "biuf":
        found = np.asarray([_moment(each, name) for each in found.tolist()], dtype=float)
    missing = int((~np.isfinite(found.astype(float))).sum())
    if missing:
        raise MlgitError(f"{name}: {missing} of {len(found)} times are missing", "give every row a time")
    return found


def _moment(value: Any, name: str) -> float:
    if isinstance(value, int | float):
        return float(value)
    try:
        found = datetime.datetime.fromisoformat(str(value))
    except ValueError as error:
        raise MlgitError(
            f"{name}: {str(value)!r} is no time", "write a number, or a date and time as 2026-01-31T12:00:00"
        ) from error
    return (found.replace(tzinfo=found.tzinfo or datetime.UTC) - _BEGIN).total_seconds()


def no_column(model: Model, table: Table, name: str, *, asked: str = "") -> MlgitError:
    """That predictions lack a column: with the near miss, the file, and the key of mlgit.yaml that asks for it."""
    asked = asked or f"{model.where}.{_key_of(model, name)}"
    return MlgitError(
        f"{model.predictions}: the predictions have no column '{name}'{near_miss(name, header_of(table))}",
        f"{asked} in mlgit.yaml asks for it; there are {', '.join(header_of(table)) or 'no columns'}",
    )


_KEYS = ("label", "prediction", "score", "id", "cluster", "order", "query", "weight")


def _key_of(model: Model, column: str) -> str:
    """The key of mlgit.yaml that asks for a column."""
    if found := [key for key in _KEYS if getattr(model, key) == column]:
        return found[0]
    if any(column == each for _, each in model.quantiles):
        return "quantiles"
    return "scores" if column in columns_of_classes(model, [column]).values() else "slices"
