"""The value of a metric of rows, its interval, and two models by it: the one place that says which method does it.

One file of rows that count alike has the methods of `statistics.bootstrap` and `statistics.comparison` for metrics of label and
prediction, and those of `expression_*` for expressions. Everything else (weights, rankings by query, many classes, several
seeds or folds) is made from the influence of each row.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.evaluation import (
    definitions,
    estimated_metrics,
    expression_intervals,
    metric_estimates,
    prediction_files,
)
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.definitions import MetricDefinition
from mlgit.evaluation.expression_intervals import IntervalOptions
from mlgit.evaluation.model_results import Table, header_of
from mlgit.evaluation.row_columns import column_of, in_time, no_column, predictions_of
from mlgit.model_settings import Model, columns_of_classes
from mlgit.rules import Amount
from mlgit.statistics import bootstrap, comparison, metrics
from mlgit.statistics.bootstrap import Interval
from mlgit.statistics.comparison import Comparison, ComparisonOptions
from mlgit.statistics.rows import Coded, differ, distinct, is_missing

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# A value that a file records too is the same but for rounding.
SAME = 1e-9
_MOST_CLASSES = 1000
_NEEDED = {
    "label": "labels",
    "prediction": "predictions",
    "score": "scores",
    "scores": "the probabilities of all classes",
    "quantiles": "predicted quantiles",
    "query": "the query of each row",
    "costs": "what predictions cost",
    "value": "a column",
}


@contextlib.contextmanager
def _unwarned() -> Iterator[None]:
    """Without numpy's warnings: of numbers that are too large, the result tells."""
    with np.errstate(all="ignore"):
        yield


def definition_of(metric: str, model: Model, table: Table) -> MetricDefinition | None:
    """What a metric is made of, in predictions whose labels tell the names of classes."""
    classes: Sequence[str] = ()
    if "." in metric and model.label in table:
        found = distinct(table[model.label])
        classes = sorted(map(str, found)) if len(found) <= _MOST_CLASSES else ()
    return definitions.of(model, metric, classes=classes)


def _known(metric: str, model: Model, table: Table) -> MetricDefinition:
    found = definition_of(metric, model, table)
    if found is None:
        metrics.metric(metric)  # which says what is known
        raise MlgitError(f"{metric} cannot be computed from predictions")
    return found


@_unwarned()
def value(metric: str, model: Model, table: Table, places: Array | None = None) -> float | None:
    """A metric of rows (all of them, or those at `places`); None where it has no value there."""
    try:
        found = _known(metric, model, table)
        if found.measure is not None and _is_classic(found, model, table):
            rows = predictions_of(model, table, places)
            positive = metric_estimates.positive_of(found, model, table, model.positive)
            given = metrics.value(found.measure, rows.label, prediction=rows.prediction, score=rows.score, positive=positive)
        else:
            given = estimated_metrics.value(found, model, table, places, positive=model.positive)
    except MlgitError:
        return None
    return given if math.isfinite(given) else None


def _is_classic(found: MetricDefinition, model: Model, table: Table) -> bool:
    """Whether the methods for one file of rows that count alike, and metrics of label and one column, do it."""
    return not (model.weight or _has_files(table)) and (
        found.measure is None or definitions.estimator(model, found.measure) is None
    )


def _has_files(table: Table) -> bool:
    return prediction_files.files_of(table) > 1 or prediction_files.FOLD in table


def check_classes(metric: str, model: Model, table: Table, *, positive: Any) -> None:
    """Refuse columns from which a metric of classes would have a value that says nothing of the model.

    Without a single positive row every row is a negative one, and specificity would be perfect whatever the model says.
    Where predictions are no classes (probabilities, other names) no row is right on either side, and nothing gets worse.
    """
    found = _known(metric, model, table)
    if found.measure is None:
        return
    _check_columns(found, model, table)
    if definitions.estimator(model, found.measure) is not None:
        _check_positive(found, model, table, positive)
        return
    chosen, positive = metrics.metric(found.measure), metric_estimates.positive_of(found, model, table, positive)
    if chosen.kind == "confusion" and model.label in table and model.prediction in table:
        _check_predictions(model, table[model.label], table[model.prediction], positive)
    if chosen.binary or chosen.needs == "score":
        _check_positive(found, model, table, positive)


def _check_columns(found: MetricDefinition, model: Model, table: Table) -> None:
    """Every column that a built-in metric reads has to be declared, and there."""
    for need in definitions.needs(model, found):
        if not definitions.is_declared(model, need):
            raise MlgitError(f"{found.metric} needs {_NEEDED[need]}", f"declare it: {model.where}.{need} in mlgit.yaml")
        if need in ("prediction", "score") and getattr(model, need) not in table and model.label in table:
            missing = no_column(model, table, getattr(model, need))
            raise MlgitError(f"{found.metric} needs a column of {need}s; {missing.message}", missing.hint)
        if need == "scores" and not columns_of_classes(model, table):
            raise MlgitError(
                f"{model.predictions}: no column is called as {model.where}.scores says: {model.scores}",
                f"{found.metric} needs one for each class; there are {', '.join(header_of(table)) or 'no columns'}",
            )
    for name in definitions.columns(model, found, header=table):
        if not name:
            raise MlgitError(
                f"{found.metric} is of a column, and none is named", f"add `column:` to {found.where or found.metric}"
            )
        if name not in table:
            raise no_column(model, table, name)
    if model.weight and model.weight not in table:
        raise no_column(model, table, model.weight)


def _check_positive(found: MetricDefinition, model: Model, table: Table, positive: Any) -> None:
    """Refuse a positive label that no row has, unless the metric needs none."""
    needs = definitions.needs(model, found)
    if positive is None or ("score" not in needs and "prediction" not in needs) or "query" in needs:
        return
    if model.label not in table:
        raise no_column(model, table, model.label)
    label = distinct(table[model.label])
    if label and positive not in label:
        known = sorted(label, key=str)
        alike = next((each for each in known if str(each).lower() == str(positive).lower()), None)
        hint = f"the labels are {', '.join(map(str, known[:4]))}"
        if alike is not None:
            hint += f", of another type: write {model.where}.positive: {json.dumps(alike)} in mlgit.yaml"
        raise MlgitError(f"no row has the positive label {positive!r}", hint)


def _check_predictions(model: Model, label: Any, given: Any, positive: Any) -> None:
    if isinstance(label, Coded) and isinstance(given, Coded) and len(label) and not differ(label, given).all():
        return
    label, given = np.asarray(label), np.asarray(given)
    where = f"{model.predictions}: {model.prediction}"
    hint = f"name the column with the predicted class as {model.where}.prediction in mlgit.yaml; a probability is a score"
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


@_unwarned()
def interval(metric: str, model: Model, table: Table, asked: ComparisonSettings, *, places: Array | None = None) -> Interval:
    """A metric of one model (of all rows, or those at `places`) with its interval, whose ends are for one-sided claims.

    Raises MlgitError for columns that are not there, or hold what the metric cannot read.
    """
    found = _known(metric, model, table)
    if not _is_classic(found, model, table):
        return estimated_metrics.interval(found, model, table, asked, places=places)
    clusters = metric_estimates.at(column_of(model, table, asked.cluster), places) if asked.cluster else None
    order = in_time(model, table, asked.order, places) if asked.order else None
    if found.expression is not None:
        rows, columns = metric_estimates.taken(found, table, places)
        options = IntervalOptions(asked.confidence_level, asked.resamples, asked.seed, clusters, order)
        made = expression_intervals.interval(found.expression, columns, rows=rows, options=options, where=found.metric)
        told = metric_estimates.check_missing(found, rows - made.n, rows)
        return replace(made, metric=metric, note="; ".join(filter(None, (made.note, told))))
    assert found.measure
    given = predictions_of(model, table, places)
    return bootstrap.interval(
        found.measure,
        given.label,
        prediction=given.prediction,
        score=given.score,
        positive=metric_estimates.positive_of(found, model, table, asked.positive),
        clusters=clusters,
        order=order,
        confidence_level=asked.confidence_level,
        resamples=asked.resamples,
        seed=asked.seed,
    )


@_unwarned()
def compare(
    metric: str,
    model: Model,
    baseline: Table,
    current: Table,
    asked: ComparisonSettings,
    *,
    places: Array | None = None,
    margin: Amount | None = None,
    better: Literal["higher", "lower"] | None = None,
) -> Comparison:
    """Two models by a metric, on rows that are the same and in the same order (all of them, or those at `places`).

    Raises MlgitError for columns that are not there, or hold what the metric cannot read.
    """
    found = _known(metric, model, current)
    if not (_is_classic(found, model, baseline) and _is_classic(found, model, current)) or found.expression is not None:
        return estimated_metrics.compare(found, model, baseline, current, asked, places=places, margin=margin, better=better)
    assert found.measure
    sides = [predictions_of(model, table, places) for table in (baseline, current)]
    clusters = metric_estimates.at(column_of(model, baseline, asked.cluster), places) if asked.cluster else None
    order = in_time(model, baseline, asked.order, places) if asked.order else None
    positive = metric_estimates.positive_of(found, model, baseline, asked.positive)
    question = ComparisonOptions(asked.confidence_level, asked.resamples, asked.seed, positive, better=better)
    if margin:
        one = sides[0]
        before = metrics.value(found.measure, one.label, prediction=one.prediction, score=one.score, positive=positive)
        question = replace(question, margin=margin.of(before))
    return replace(
        comparison.compare(found.measure, sides[0], sides[1], question=question, clusters=clusters, order=order), metric=metric
    )
