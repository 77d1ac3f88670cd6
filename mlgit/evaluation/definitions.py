"""What the metrics of a model are made of: a built-in metric of the columns that it declares, or an expression of any columns.

A name is looked up among the KPIs of the model, then among `metrics:` of mlgit.yaml, then among the built-in metrics, under the
names that other libraries give them too. A dotted name is that of its last part (`test.f1`), or one of a report of classes
(`macro avg.f1-score`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mlgit.errors import MlgitError
from mlgit.evaluation import expressions
from mlgit.evaluation.expressions import Expression
from mlgit.metric_settings import Direction, MetricDeclaration
from mlgit.model_settings import Model, columns_of_classes
from mlgit.schema import near_miss
from mlgit.statistics import estimators, metric_names, metrics
from mlgit.statistics.measure import Measure

if TYPE_CHECKING:
    from mlgit.statistics.estimate import Estimator, Need, Parameter

_NAMES = {"class": "of_class"}
# Which key of a model names the column of a need.
_KEYS = {"scores": "scores", "quantiles": "quantiles", "query": "query", "costs": "costs"}


@dataclass(frozen=True, slots=True)
class MetricDefinition:
    """What a metric is made of: `measure`, a built-in one (of the column `value`, for those that are), or `expression`.

    `where` is the place that says so, for errors. `max_missing` is the share of rows without a value that is left out.
    `is_declared`: somebody has written down what it is made of, rather than given it a known name. `per` is the column that
    it divides by.
    """

    metric: str
    measure: Measure | None = None
    expression: Expression | None = None
    value: str = ""
    where: str = ""
    max_missing: float = 0.0
    is_declared: bool = False
    per: str = ""


def of(model: Model, metric: str, *, classes: Collection[str] = ()) -> MetricDefinition | None:
    """What a metric of a model is made of; None where that is not known. `classes` are the texts of the labels.

    Raises MlgitError for what mlgit.yaml declares and is none.
    """
    kpi = next((each for each in model.kpis if each.metric == metric), None)
    if kpi is not None:
        where = f"mlgit.yaml: monitoring.{model.name}.kpis.{kpi.name}.expression"
        return MetricDefinition(metric, expression=_parsed(kpi.expression, where), where=where, max_missing=1.0)
    declared = next((each for each in model.declared if each.name == metric), None)
    if declared is not None and declared.is_made:
        return _declared(declared)
    measure = named(metric, classes=classes)
    if measure is None:
        return None
    return MetricDefinition(metric, measure, max_missing=declared.max_missing if declared else 0.0)


def named(metric: str, *, classes: Collection[str] = ()) -> Measure | None:
    """The built-in metric of this name, by its last part where it has dots; None where there is none, or where a name alone
    does not say all of it."""
    return metric_names.measure_of(metric, classes=classes)


def is_built_in(name: str) -> bool:
    """Whether a metric of this name is computed here."""
    return is_classic(name) or bool(estimators.named(name))


def is_classic(name: str) -> bool:
    """Whether a metric of this name is of labels and one column."""
    return name in metrics.METRICS or name in metrics.TAKES


def lacking(measure: Measure) -> list[Parameter]:
    """The parameters that a built-in metric must be told and is not."""
    if measure.name == "f_beta" and measure.beta is None:
        return ["beta"]
    known: list[list[Parameter]] = (
        [] if is_classic(measure.name) else [each.lacks(measure) for each in estimators.named(measure.name)]
    )
    return min(known, key=len, default=[])


def parameters(name: str) -> tuple[str, ...]:
    """The parameters that a built-in metric may be given."""
    takes = {each for one in estimators.named(name) for each in one.takes}
    return tuple(sorted(takes | set(metrics.TAKES.get(name, ()))))


@lru_cache(maxsize=256)
def _declared(declared: MetricDeclaration) -> MetricDefinition:
    where = f"metrics.{declared.name}"
    if declared.expression:
        parsed = _parsed(declared.expression, f"mlgit.yaml: {where}.expression")
        return MetricDefinition(
            declared.name, expression=parsed, where=where, max_missing=declared.max_missing, is_declared=True
        )
    if declared.column and not declared.of and not _is_of_column(declared):
        parsed = _parsed(_aggregate(declared), f"mlgit.yaml: {where}")
        return MetricDefinition(
            declared.name, expression=parsed, where=where, max_missing=declared.max_missing, is_declared=True, per=declared.per
        )
    return MetricDefinition(
        declared.name,
        _measure(declared),
        value=declared.column,
        where=where,
        max_missing=declared.max_missing,
        is_declared=True,
    )


def _measure(declared: MetricDeclaration) -> Measure:
    """The built-in metric that is declared. Raises MlgitError for one that is not known, and for what it cannot be told."""
    key = "of" if declared.of else ""
    name = declared.of or declared.name
    known = metric_names.measure_of(name) or Measure(metric_names.built_in(name))
    at = f"mlgit.yaml: metrics.{declared.name}"
    if not is_built_in(known.name):
        listed = sorted({*metrics.METRICS, *metrics.TAKES, *(each.name for each in estimators.ESTIMATORS)})
        told = f"{at}{f'.{key}' if key else ''}: '{name}' is no built-in metric{near_miss(name, listed)}"
        raise MlgitError(told, f"there are {', '.join(listed)}; or name a `column:`")
    given = known.given | {_NAMES.get(each, each): value for each, value in declared.parameters}
    takes = parameters(known.name)
    foreign = sorted(given.keys() - set(takes))
    if foreign:
        told = ", ".join(_told(each) for each in takes) or "none"
        raise MlgitError(f"{at}.{_told(foreign[0])}: {known.name} takes none", f"parameters of {known.name}: {told}")
    found = Measure(known.name, **given)  # type: ignore[arg-type]
    if absent := lacking(found):
        raise MlgitError(f"{at}.{_told(absent[0])}: missing", f"add it: {known.name} needs {' and '.join(map(_told, absent))}")
    return found


def _told(parameter: str) -> str:
    return "class" if parameter == "of_class" else parameter


def _aggregate(declared: MetricDeclaration) -> str:
    column = f"column({json.dumps(declared.column)})"
    if declared.aggregate == "ratio":
        return f"sum({column}) / sum(column({json.dumps(declared.per)}))"
    return f"{declared.aggregate or 'mean'}({column})"


def _is_of_column(declared: MetricDeclaration) -> bool:
    """Whether a name such as pass@5 says what becomes of the column that is named, where `aggregate` does not say otherwise."""
    known = metric_names.measure_of(declared.name)
    needs = [] if known is None or declared.aggregate else [each.needs for each in estimators.named(known.name)]
    return any("value" in each for each in needs)


@lru_cache(maxsize=256)
def _parsed(text: str, where: str) -> Expression:
    return expressions.parse(text, where=where)


def estimator(model: Model, measure: Measure) -> Estimator | None:
    """How a built-in metric is made of what a model declares, where that is by an estimator: the one that reads most of it.

    None for a metric of label and one column, which is made without.
    """
    known = estimators.named(measure.name)
    fitting = [each for each in known if all(is_declared(model, need) for need in each.needs)]
    if fitting:
        return fitting[0]
    return None if is_classic(measure.name) or not known else known[-1]


def is_declared(model: Model, need: Need) -> bool:
    """Whether a model declares the columns that a metric needs, as far as they are not there by default."""
    return bool(getattr(model, _KEYS[need])) if need in _KEYS else True


def better(found: MetricDefinition) -> Direction | None:
    """Which way a built-in metric is better; None for what is made of columns."""
    if found.measure is None:
        return None
    known = estimators.named(found.measure.name)
    return metrics.metric(found.measure).better if is_classic(found.measure.name) else known[0].better


def needs(model: Model, definition: MetricDefinition) -> tuple[Need, ...]:
    """What a built-in metric reads of the predictions of a model."""
    if definition.measure is None:
        return ()
    made = estimator(model, definition.measure)
    return made.needs if made is not None else ("label", metrics.metric(definition.measure).needs)


def columns(model: Model, definition: MetricDefinition, *, header: Collection[str] = ()) -> tuple[str, ...]:
    """The columns that a metric reads; those of a pattern as the header has them."""
    if definition.expression is not None:
        return definition.expression.columns
    return tuple(dict.fromkeys(_columns(model, definition, header)))


def _columns(model: Model, definition: MetricDefinition, header: Collection[str]) -> Iterator[str]:
    for need in needs(model, definition):
        match need:
            case "label" | "prediction" | "score" | "query":
                yield getattr(model, need)
            case "scores":
                yield from columns_of_classes(model, header).values()
            case "quantiles":
                yield from (column for _, column in model.quantiles)
            case "value":
                yield definition.value
            case "costs":
                yield from ()


def all_of(model: Model) -> Iterator[MetricDefinition]:
    """All that mlgit.yaml says of the metrics of a model beyond known names: KPIs, and declarations."""
    for name in dict.fromkeys([*(each.metric for each in model.kpis), *(each.name for each in model.declared)]):
        found = of(model, name)
        if found is not None:
            yield found


def measured(model: Model, table: Any) -> Iterator[MetricDefinition]:
    """The metrics that mlgit.yaml declares and these predictions have the columns of."""
    yield from (each for each in all_of(model) if is_given(model, each, table))
    known = {each.metric for each in all_of(model)}
    for name in model.named_metrics:
        found = of(model, name) if name not in known and "." not in name else None
        if found is not None and is_given(model, found, table):
            yield found


def is_given(model: Model, definition: MetricDefinition, table: Any) -> bool:
    """Whether predictions have what a metric is made of."""
    if not all(is_declared(model, need) for need in needs(model, definition)):
        return False
    named_columns = columns(model, definition, header=table)
    return (
        "" not in named_columns and set(named_columns) <= set(table) and (bool(named_columns) or not needs(model, definition))
    )
