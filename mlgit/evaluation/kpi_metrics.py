"""KPIs as metrics of a model: what `monitoring.NAME.kpis` says of answers in production, said of the rows of predictions.

They are called `kpi.NAME` in rules, comparisons and cards. A KPI whose columns the predictions do not have, such as an amount
that only the log knows, has no value there.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from mlgit.errors import MlgitError
from mlgit.evaluation import expression_comparison, expression_intervals, expression_values, expressions
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.expression_intervals import IntervalOptions
from mlgit.evaluation.expressions import Expression
from mlgit.evaluation.model_results import Table
from mlgit.model_settings import Model
from mlgit.monitoring_settings import Kpi
from mlgit.rules import Amount
from mlgit.statistics.comparison import Comparison, ComparisonOptions
from mlgit.statistics.rows import held

if TYPE_CHECKING:
    from mlgit.statistics.bootstrap import Interval
    from mlgit.statistics.rows import Array

# A value that a file records too is the same but for rounding.
SAME = 1e-9


def of(model: Model, metric: str) -> Kpi | None:
    """The KPI that a metric is; None for any other metric."""
    return next((each for each in model.kpis if each.metric == metric), None)


@lru_cache(maxsize=64)
def _parsed(text: str, where: str) -> Expression:
    return expressions.parse(text, where=where)


def expression(kpi: Kpi, model: Model) -> Expression:
    """What a KPI computes. Raises MlgitError for what is no expression, naming the line of mlgit.yaml."""
    return _parsed(kpi.expression, f"monitoring.{model.name}.kpis.{kpi.name}.expression")


def is_given(kpi: Kpi, model: Model, table: Table) -> bool:
    """Whether rows have the columns of a KPI."""
    return set(expression(kpi, model).columns) <= table.keys()


def value(kpi: Kpi, model: Model, table: Table, places: Array | None = None) -> float | None:
    """A KPI of rows (all of them, or those at `places`); None where it has no value there."""
    rows, taken = _taken(kpi, model, table, places)
    parsed = expression(kpi, model)
    try:
        found = expression_values.value(parsed, expression_values.rows_of(parsed, taken, rows=rows))
    except MlgitError:
        return None
    return found if found == found else None


def interval(
    kpi: Kpi,
    model: Model,
    table: Table,
    asked: ComparisonSettings,
    *,
    places: Array | None = None,
    clusters: Any = None,
    order: Any = None,
) -> Interval:
    """A KPI of rows with its interval. Raises MlgitError for columns that are not there."""
    rows, taken = _taken(kpi, model, table, places)
    options = IntervalOptions(asked.confidence_level, asked.resamples, asked.seed, clusters, order)
    return expression_intervals.interval(expression(kpi, model), taken, rows=rows, options=options, where=kpi.metric)


def compare(
    kpi: Kpi,
    model: Model,
    baseline: Table,
    current: Table,
    asked: ComparisonSettings,
    *,
    places: Array | None = None,
    clusters: Any = None,
    order: Any = None,
    margin: Amount | None = None,
    better: Literal["higher", "lower"] | None = None,
) -> Comparison:
    """Both models by a KPI. Raises MlgitError for columns that are not there."""
    rows, before = _taken(kpi, model, baseline, places)
    _, now = _taken(kpi, model, current, places)
    known = value(kpi, model, baseline, places)
    least = margin.of(known) if margin and known is not None else None
    question = ComparisonOptions(asked.confidence_level, asked.resamples, asked.seed, margin=least, better=better)
    return expression_comparison.compare(
        expression(kpi, model),
        before,
        now,
        rows=rows,
        question=question,
        clusters=clusters,
        order=order,
        where=kpi.metric,
    )


def _taken(kpi: Kpi, model: Model, table: Table, places: Array | None) -> tuple[int, dict[str, Any]]:
    """How many rows there are, and the columns of the KPI that they have; the others by name, for what is missing."""
    wanted = expression(kpi, model).columns
    found = {name: table[name] if places is None else held(table[name])[places] for name in table if name in wanted}
    if set(wanted) - found.keys():  # the error names what there is
        found = {**dict.fromkeys(table), **found}
    return max(map(len, table.values()), default=0) if places is None else len(places), found
