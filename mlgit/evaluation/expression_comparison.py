"""Two models by the value of an expression on the same rows: what a false answer costs today, and what it would cost then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlgit import lazy_numpy as np
from mlgit.evaluation import expression_intervals, expression_values
from mlgit.evaluation.expressions import Expression
from mlgit.statistics import estimate_comparison, features
from mlgit.statistics.comparison import Comparison, ComparisonOptions
from mlgit.statistics.influence_intervals import RowStructure


def compare(
    expression: Expression,
    baseline: Mapping[str, Any],
    current: Mapping[str, Any],
    *,
    rows: int,
    question: ComparisonOptions,
    clusters: Any = None,
    order: Any = None,
    where: str = "",
) -> Comparison:
    """current - baseline of an expression, on rows that are the same and in the same order: as `statistics.comparison.compare`
    does it for metrics.

    Raises MlgitError for columns that are not there, or hold what the expression cannot read.
    """
    before, now = (
        expression_intervals.estimate(
            expression, expression_values.rows_of(expression, table, rows=rows, where=where), rows=rows
        )
        for table in (baseline, current)
    )
    groups = None if clusters is None else features.groups(clusters, size=rows)
    structure = RowStructure(groups, None if order is None else np.asarray(order))
    return estimate_comparison.compare(expression.text, before, now, rows=structure, question=question)
