"""What rows of predictions say of one model: each metric with its interval, and the metrics of slices."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation import kpi_metrics
from mlgit.evaluation.comparison_settings import ComparisonSettings, settings
from mlgit.evaluation.model_results import MODEL_BYTES, ModelResults, Table, header_of
from mlgit.evaluation.results import ALPHA
from mlgit.model_settings import Model
from mlgit.rules import Stats
from mlgit.schema import near_miss
from mlgit.statistics import bootstrap, metrics
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.rows import Coded, differ, distinct, held, is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# A metric that was rounded in its file is still the one computed here.
ROUNDING = 1e-3
_MOST_VALUES = 50
_BEGIN = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class ModelMetric:
    """A metric of the metrics file; `low` and `high` bound its interval where the predictions allow one.

    `method` is how it was made; `note` says why there is no interval.
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    note: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class SliceMetrics:
    """The metrics of the rows that have one value in a column; None where a metric has no value for these rows."""

    column: str
    value: str
    rows: int
    metrics: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelEvaluation:
    """What is known of one model: recorded metrics with intervals, and slices. `rows` is None without predictions."""

    metrics: tuple[ModelMetric, ...] = ()
    slices: tuple[SliceMetrics, ...] = ()
    rows: int | None = None
    confidence_level: float = 1 - 2 * ALPHA


def evaluate(results: ModelResults, *, stats: Stats) -> ModelEvaluation:
    """The recorded metrics of a model, each with an interval where its predictions give the same value, and its slices."""
    asked = settings(results.model, stats)
    names = {each.metric for each in results.model.kpis}
    recorded = {name: value for name, value in sorted(results.recorded.items()) if name != MODEL_BYTES}
    table = results.table
    if table is None or not rows_of(table):
        found = tuple(ModelMetric(name, value) for name, value in recorded.items())
        return ModelEvaluation(found, rows=None if table is None else 0, confidence_level=asked.confidence_level)
    plain = [_metric(name, value, results.model, table, asked) for name, value in recorded.items() if name not in names]
    return ModelEvaluation(
        (*plain, *_kpis(results.model, table, asked, recorded)),
        tuple(_slices(results.model, table, list(recorded))),
        rows_of(table),
        asked.confidence_level,
    )


def rows_of(table: Table) -> int:
    """How many rows a table of predictions has."""
    return max(map(len, table.values()), default=0)


def _metric(name: str, value: float, model: Model, table: Table, asked: ComparisonSettings) -> ModelMetric:
    kind = name.rpartition(".")[2]
    if kind not in metrics.METRICS:
        return ModelMetric(name, value)
    try:
        check_classes(kind, model, table, positive=asked.positive)
        computed = interval(kind, model, table, asked)
    except MlgitError as error:
        return ModelMetric(name, value, note=f"no interval: {error.message}")
    if computed.value is not None and not is_close(value, computed.value):
        return ModelMetric(name, value, note=f"no interval: the predictions give {computed.value:.6g}")
    if computed.low is None or computed.high is None:
        return ModelMetric(name, value, note=f"no interval: {computed.reason}")
    return ModelMetric(name, value, computed.low, computed.high, method=computed.method)


def _kpis(model: Model, table: Table, asked: ComparisonSettings, recorded: Mapping[str, float]) -> Iterator[ModelMetric]:
    """The KPIs whose columns the predictions have, and those that the metrics file has."""
    for kpi in model.kpis:
        given = recorded.get(kpi.metric)
        if not kpi_metrics.is_given(kpi, model, table):
            if given is not None:
                yield ModelMetric(kpi.metric, given, note="no interval: the predictions do not have its columns")
            continue
        found = interval(kpi.metric, model, table, asked)
        if found.value is None:
            continue
        if given is not None and not math.isclose(given, found.value, rel_tol=kpi_metrics.SAME):
            yield ModelMetric(kpi.metric, given, note=f"no interval: the predictions give {found.value:.6g}")
        elif found.low is None or found.high is None:
            yield ModelMetric(kpi.metric, found.value, note=f"no interval: {found.reason}")
        else:
            yield ModelMetric(kpi.metric, found.value, found.low, found.high, method=found.method)


def is_close(recorded: float, computed: float) -> bool:
    """Whether a recorded metric is the one computed from rows, rounded perhaps."""
    return abs(recorded - computed) <= ROUNDING * max(1.0, abs(recorded))


def value(metric: str, model: Model, table: Table, places: Array | None = None) -> float | None:
    """A metric of rows (all of them, or those at `places`); None where it has no value there."""
    if kpi := kpi_metrics.of(model, metric):
        return kpi_metrics.value(kpi, model, table, places)
    if model.label not in table:
        return None
    rows = predictions_of(model, table, places)
    try:
        found = metrics.value(metric, rows.label, prediction=rows.prediction, score=rows.score, positive=model.positive)
    except MlgitError:
        return None
    return found if math.isfinite(found) else None


def check_classes(metric: str, model: Model, table: Table, *, positive: Any) -> None:
    """Refuse columns from which a metric of classes would have a value that says nothing of the model.

    Without a single positive row every row is a negative one, and specificity would be perfect whatever the model says.
    Where predictions are no classes (probabilities, other names) no row is right on either side, and nothing gets worse.
    """
    if kpi_metrics.of(model, metric):
        return
    chosen = metrics.metric(metric)
    needed = model.score if chosen.needs == "score" else model.prediction
    if needed not in table and model.label in table:
        missing = no_column(model, table, needed)
        raise MlgitError(f"{metric} needs a column of {chosen.needs}s; {missing.message}", missing.hint)
    if chosen.kind == "confusion" and model.label in table and model.prediction in table:
        _check_predictions(model, table[model.label], table[model.prediction], positive)
    if positive is None or not (chosen.binary or chosen.needs == "score"):
        return
    if model.label not in table:
        raise no_column(model, table, model.label)
    label = distinct(table[model.label])
    if label and positive not in label:
        known = sorted(label, key=str)
        alike = next((each for each in known if str(each).lower() == str(positive).lower()), None)
        hint = f"the labels are {', '.join(map(str, known[:4]))}"
        if alike is not None:
            hint += f", of another type: write models.{model.name}.positive: {json.dumps(alike)} in mlgit.yaml"
        raise MlgitError(f"no row has the positive label {positive!r}", hint)


def _check_predictions(model: Model, label: Any, given: Any, positive: Any) -> None:
    if isinstance(label, Coded) and isinstance(given, Coded) and len(label) and not differ(label, given).all():
        return
    label, given = np.asarray(label), np.asarray(given)
    where = f"{model.predictions}: {model.prediction}"
    hint = f"name the column with the predicted class as models.{model.name}.prediction in mlgit.yaml; a probability is a score"
    if given.dtype.kind == "f" and label.dtype.kind in "biuf":
        broken = np.isfinite(given) & (given != np.floor(given))
        if broken.any() and not (np.isfinite(label) & (label != np.floor(label))).any():
            told = f"{broken.sum()} of {len(given)} values, such as {given[broken][0]:.6g}"
            raise MlgitError(f"{where}: {told}, are no class, for every label is a whole number", hint)
    if (given.dtype.kind in "biuf") != (label.dtype.kind in "biuf"):
        return  # text and numbers are told by what compares them
    if (label == given).any() or is_missing(given).any() or is_missing(label).any():
        return
    classes, said = set(label.tolist()), set(given.tolist())
    if len(classes) > 1 and said and said.isdisjoint({*classes, positive}):
        shown = [", ".join(sorted(map(str, each))[:4]) for each in (said, classes)]
        raise MlgitError(f"{where}: no value is one of the labels: it has {shown[0]}, and {model.label} has {shown[1]}", hint)


def interval(
    metric: str, model: Model, table: Table, asked: ComparisonSettings, *, places: Array | None = None
) -> bootstrap.Interval:
    """A metric of one model (of all rows, or those at `places`) with its interval, whose ends are for one-sided claims.

    Raises MlgitError for columns that are not there, or hold what the metric cannot read.
    """
    clusters = column_of(model, table, asked.cluster) if asked.cluster else None
    clusters = clusters if clusters is None or places is None else clusters[places]
    order = in_time(model, table, asked.order, places) if asked.order else None
    if kpi := kpi_metrics.of(model, metric):
        return kpi_metrics.interval(kpi, model, table, asked, places=places, clusters=clusters, order=order)
    rows = predictions_of(model, table, places)
    return bootstrap.interval(
        metric,
        rows.label,
        prediction=rows.prediction,
        score=rows.score,
        positive=asked.positive,
        clusters=clusters,
        order=order,
        confidence_level=asked.confidence_level,
        resamples=asked.resamples,
        seed=asked.seed,
    )


def predictions_of(model: Model, table: Table, places: Array | None) -> Predictions:
    """The columns of a model's predictions, of all rows or those at `places`. Raises MlgitError without labels."""
    found = []
    for name in (model.label, model.prediction, model.score):
        column = table.get(name)
        found.append(column if column is None or places is None else held(column)[places])
    if found[0] is None:
        raise no_column(model, table, model.label)
    return Predictions(found[0], found[1], found[2])


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
    keys = [key for key in ("label", "prediction", "score", "id", "cluster", "order") if getattr(model, key) == name]
    asked = asked or f"models.{model.name}.{keys[0] if keys else 'slices'}"
    return MlgitError(
        f"{model.predictions}: the predictions have no column '{name}'{near_miss(name, header_of(table))}",
        f"{asked} in mlgit.yaml asks for it; there are {', '.join(header_of(table)) or 'no columns'}",
    )


def _slices(model: Model, table: Table, recorded: list[str]) -> Iterator[SliceMetrics]:
    kinds = [name for name in sorted({name.rpartition(".")[2] for name in recorded}) if name in metrics.METRICS]
    for column in model.slices:
        places: dict[str, list[int]] = {}
        for place, each in enumerate(column_of(model, table, column).tolist()):
            places.setdefault(str(each), []).append(place)
        for each in sorted(places, key=order)[:_MOST_VALUES]:
            chosen = np.asarray(places[each])
            yield SliceMetrics(column, each, len(chosen), {kind: value(kind, model, table, chosen) for kind in kinds})


def order(name: str) -> tuple[int, float, str]:
    """Sorts numbers by size, then texts by letter."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
