"""What rows of predictions say of one model: each metric with its interval, and the metrics of slices."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation import definitions, metric_values, prediction_files
from mlgit.evaluation.comparison_settings import ComparisonSettings, settings
from mlgit.evaluation.model_results import MODEL_BYTES, ModelResults, Table
from mlgit.evaluation.results import ALPHA
from mlgit.evaluation.row_columns import column_of, rows_of
from mlgit.model_settings import Model
from mlgit.rules import Stats
from mlgit.statistics.bootstrap import Interval

# A metric that was rounded in its file is still the one computed here.
ROUNDING = 1e-3
_MOST_VALUES = 50


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
    """What is known of one model: recorded metrics with intervals, and slices. `rows` is None without predictions.

    `seeds` and `folds` count the files of predictions of which a value is the mean, where there are several.
    """

    metrics: tuple[ModelMetric, ...] = ()
    slices: tuple[SliceMetrics, ...] = ()
    rows: int | None = None
    confidence_level: float = 1 - 2 * ALPHA
    seeds: int = 0
    folds: int = 0


def evaluate(results: ModelResults, *, stats: Stats, named: Iterable[str] = ()) -> ModelEvaluation:
    """The recorded metrics of a model, each with an interval where its predictions give the same value, and its slices.

    Those that are declared, or `named`, and in no file are computed as far as rows give them.
    """
    model, table = _with_names(results.model, named), results.table
    asked = settings(model, stats)
    names = {each.metric for each in definitions.all_of(model)}
    recorded = {name: value for name, value in sorted(results.recorded.items()) if name != MODEL_BYTES}
    if table is None or not rows_of(table):
        found = tuple(ModelMetric(name, value) for name, value in recorded.items())
        return ModelEvaluation(found, rows=None if table is None else 0, confidence_level=asked.confidence_level)
    plain = [_metric(name, value, model, table, asked) for name, value in recorded.items() if name not in names]
    seeds, folds = prediction_files.files_of(table), prediction_files.folds_of(table)
    return ModelEvaluation(
        (*plain, *_declared(model, table, asked, recorded)),
        tuple(_slices(model, table, [*recorded, *(each.metric for each in definitions.measured(model, table))])),
        rows_of(table),
        asked.confidence_level,
        seeds if seeds > 1 else 0,
        0 if folds is None else int(folds.max(initial=-1)) + 1,
    )


def _with_names(model: Model, named: Iterable[str]) -> Model:
    return replace(model, named_metrics=tuple(dict.fromkeys([*model.named_metrics, *named])))


def recorded_beside(scored: Mapping[str, ModelResults], model: Model, directions: Collection[str]) -> tuple[str, ...]:
    """The metrics with a direction that are recorded for the main test set, by which a further one is measured too."""
    main = scored.get(model.name)
    if not model.test_set or main is None:
        return ()
    return tuple(name for name in main.recorded if name in directions or name.rpartition(".")[2] in directions)


def computed(results: ModelResults, *, named: Iterable[str] = ()) -> dict[str, float]:
    """The metrics that rows give and no file has: those that mlgit.yaml declares, and the `named` ones."""
    model, table = _with_names(results.model, named), results.table
    if table is None or not rows_of(table):
        return {}
    names = [each.metric for each in definitions.measured(model, table) if each.metric not in results.recorded]
    values = {name: metric_values.value(name, model, table) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _with_interval(found: Interval, value: float, name: str, *, says_more: bool = True) -> ModelMetric:
    if found.low is None or found.high is None:
        return ModelMetric(name, value, note=f"no interval: {found.reason}")
    return ModelMetric(name, value, found.low, found.high, method=found.method, note=found.note if says_more else "")


def _metric(name: str, given: float, model: Model, table: Table, asked: ComparisonSettings) -> ModelMetric:
    """A recorded metric, with its interval where the rows give it."""
    for each in shorter(name):
        if metric_values.definition_of(each, model, table) is not None:
            return _of_rows(name, each, given, model, table, asked)
    return ModelMetric(name, given)


def shorter(name: str) -> Iterator[str]:
    """A dotted name, and what is left of it without the parts in front."""
    yield name
    while "." in name:
        name = name.partition(".")[2]
        yield name


def _of_rows(name: str, short: str, given: float, model: Model, table: Table, asked: ComparisonSettings) -> ModelMetric:
    try:
        metric_values.check_classes(short, model, table, positive=asked.positive)
        found = metric_values.interval(short, model, table, asked)
    except MlgitError as error:
        return ModelMetric(name, given, note=f"no interval: {error.message}")
    if found.value is not None and not is_close(given, found.value):
        return ModelMetric(name, given, note=f"no interval: the predictions give {found.value:.6g}")
    return _with_interval(found, given, name, says_more=bool(model.repeats))


def _declared(model: Model, table: Table, asked: ComparisonSettings, recorded: Mapping[str, float]) -> Iterator[ModelMetric]:
    """The metrics that mlgit.yaml declares, where the predictions have what they are made of, or the metrics file has them."""
    made = [each.metric for each in definitions.all_of(model)]
    given_rows = [each.metric for each in definitions.measured(model, table)]
    told = {each.name for each in model.declared}
    for name in dict.fromkeys([*made, *given_rows]):
        given = recorded.get(name)
        if name not in given_rows:
            if given is not None:
                yield ModelMetric(name, given, note="no interval: the predictions do not have its columns")
            continue
        if name not in made and given is not None:  # a recorded one, as any other
            continue
        try:
            metric_values.check_classes(name, model, table, positive=asked.positive)
            found = metric_values.interval(name, model, table, asked)
        except MlgitError as error:
            if given is not None:
                yield ModelMetric(name, given, note=f"no interval: {error.message}")
            continue
        if found.value is None:
            continue
        if given is not None and not math.isclose(given, found.value, rel_tol=metric_values.SAME):
            yield ModelMetric(name, given, note=f"no interval: the predictions give {found.value:.6g}")
        else:
            yield _with_interval(found, found.value, name, says_more=name in told or bool(model.repeats))


def is_close(recorded: float, computed: float) -> bool:
    """Whether a recorded metric is the one computed from rows, rounded perhaps."""
    return abs(recorded - computed) <= ROUNDING * max(1.0, abs(recorded))


def _slices(model: Model, table: Table, recorded: list[str]) -> Iterator[SliceMetrics]:
    kinds = sorted({each for name in recorded if (each := _shortest(name, model, table))})
    for column in model.slices:
        places: dict[str, list[int]] = {}
        for place, each in enumerate(column_of(model, table, column).tolist()):
            places.setdefault(str(each), []).append(place)
        for each in sorted(places, key=order)[:_MOST_VALUES]:
            chosen = np.asarray(places[each])
            found = {kind: metric_values.value(kind, model, table, chosen) for kind in kinds}
            yield SliceMetrics(column, each, len(chosen), found)


def _shortest(name: str, model: Model, table: Table) -> str:
    """What is left of a dotted name as long as it means the same metric; '' where it is none."""
    whole = metric_values.definition_of(name, model, table)
    if whole is None:
        return ""
    told = [(each, metric_values.definition_of(each, model, table)) for each in shorter(name)]
    return [each for each, found in told if found and (found.measure, found.expression) == (whole.measure, whole.expression)][
        -1
    ]


def order(name: str) -> tuple[int, float, str]:
    """Sorts numbers by size, then texts by letter."""
    try:
        return 0, float(name), name
    except ValueError:
        return 1, 0.0, name
