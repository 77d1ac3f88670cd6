"""The estimate of a metric in one file of predictions: its value, how far each row moves it, and how the rows hang together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation import definitions, expression_intervals, expression_values
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.definitions import MetricDefinition
from mlgit.evaluation.model_results import Table, header_of
from mlgit.evaluation.row_columns import column_of, in_time, predictions_of, rows_of
from mlgit.model_settings import Model
from mlgit.statistics import estimates, features
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.predictions import Predictions, weights_of
from mlgit.statistics.resampling import Sums
from mlgit.statistics.rows import distinct, held, is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


def positive_of(found: MetricDefinition, model: Model, table: Table, positive: Any) -> Any:
    """The label that counts as positive: the class that a metric is about, as the labels have it, else that of the model."""
    wanted = found.measure.of_class if found.measure else None
    if wanted is None or model.label not in table:
        return positive if wanted is None else wanted
    known = distinct(table[model.label])
    if wanted in known:
        return wanted
    return next((each for each in known if str(each) == str(wanted)), wanted)


def estimate(
    found: MetricDefinition, model: Model, table: Table, places: Array | None = None, *, positive: Any = None
) -> Estimate:
    """The value of a metric in one file, with the influence of each row. Raises MlgitError for columns that are not there."""
    if found.expression is not None:
        return _of_expression(found, model, table, places)
    assert found.measure
    positive = positive_of(found, model, table, positive)
    rows = predictions_of(model, table, places, value=found.value)
    absent = is_missing(rows.value) if found.value and found.max_missing else None
    if absent is None or not absent.any():
        return estimates.estimate(found.measure, rows, positive=positive)
    check_missing(found, int(absent.sum()), len(absent))
    there = np.flatnonzero(~absent)
    known = there if places is None else places[there]
    part = estimates.estimate(found.measure, predictions_of(model, table, known, value=found.value), positive=positive)
    return _spread_out(part, there, len(absent))


def _spread_out(part: Estimate, there: Array, size: int) -> Estimate:
    """An estimate from some rows, as one of all of them."""
    sums = part.sums and Sums(_widened(part.sums.features, there, size), np.ones(size), part.sums.function)
    said, parts = (None if each is None else _widened(each, there, size) for each in (part.said, part.parts))
    influence = _widened(part.influence, there, size)
    told = f"{size - len(there)} of {size} rows have no value and are left out"
    note = "; ".join(filter(None, (part.note, told)))
    return replace(part, influence=influence, sums=sums, seen=None, said=said, parts=parts, note=note)


def _widened(each: Array, there: Array, size: int) -> Array:
    """What some rows have, with 0 for the others."""
    wide = np.zeros((size, *each.shape[1:]))
    wide[there] = each
    return wide


def _of_expression(found: MetricDefinition, model: Model, table: Table, places: Array | None) -> Estimate:
    assert found.expression
    rows, columns = taken(found, table, places)
    weights = weights_of(Predictions(None, weight=_weight(model, table, places)))
    parts = expression_values.rows_of(found.expression, columns, rows=rows, where=found.metric, weights=weights)
    told = check_missing(found, expression_values.missing_rows(parts), rows)
    made = expression_intervals.estimate(found.expression, parts, rows=rows)
    return replace(made, note=told) if told else made


def check_missing(found: MetricDefinition, missing: int, rows: int) -> str:
    """How many rows are left out for having no value. Raises MlgitError where that is more than is declared."""
    if not missing or found.max_missing >= 1:
        return ""
    told = f"{missing:,} of {rows:,} rows have no value"
    if missing > found.max_missing * rows:
        if found.max_missing:
            raise MlgitError(
                f"{found.metric}: {told}, more than the {100 * found.max_missing:.4g} % that may be left out",
                f"give more rows one; metrics.{found.metric}.max_missing says how many may lack it",
            )
        raise MlgitError(
            f"{found.metric}: {told}",
            f"give every row one, or declare what may be left out: metrics: {{{found.metric}: {{max_missing: 2%}}}}",
        )
    return f"{told} and are left out"


def taken(found: MetricDefinition, table: Table, places: Array | None) -> tuple[int, dict[str, Any]]:
    """How many rows there are, and the columns of an expression that they have; the others by name, for what is missing."""
    assert found.expression
    wanted = found.expression.columns
    columns = {name: table[name] if places is None else held(table[name])[places] for name in table if name in wanted}
    if set(wanted) - columns.keys():  # the error names what there is
        columns = {**dict.fromkeys(header_of(table)), **columns}
    return rows_of(table) if places is None else len(places), columns


def _weight(model: Model, table: Table, places: Array | None) -> Any:
    if not model.weight:
        return None
    return at(column_of(model, table, model.weight), places)


def structure(
    found: MetricDefinition, model: Model, table: Table, asked: ComparisonSettings, places: Array | None = None
) -> RowStructure:
    """How the rows of a model hang together, as far as a metric is concerned: what is ranked together is one."""
    needs = definitions.needs(model, found)
    column = asked.cluster or (model.query if "query" in needs and not asked.order else "")
    groups = features.groups(at(column_of(model, table, column), places), size=_size(table, places)) if column else None
    order = in_time(model, table, asked.order, places) if asked.order else None
    weights = weights_of(Predictions(None, weight=_weight(model, table, places)))
    return RowStructure(groups, order, weights)


def at(column: Array, places: Array | None) -> Array:
    """A column, or its rows at these places."""
    return column if places is None else column[places]


def _size(table: Table, places: Array | None) -> int:
    return rows_of(table) if places is None else len(places)
