"""Two models by the value of an expression on the same rows: what a false answer costs today, and what it would cost then."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.evaluation import expression_intervals, expression_values
from mlgit.evaluation.expression_intervals import IntervalOptions
from mlgit.evaluation.expression_values import AggregateRows
from mlgit.evaluation.expressions import Expression
from mlgit.statistics import blocks, features, resampling, student
from mlgit.statistics.comparison import Comparison, ComparisonOptions
from mlgit.statistics.resampling import FEWEST_ROWS, Spread, Sums

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_Sides = Sequence[Sequence[AggregateRows]]


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
    sides = [expression_values.rows_of(expression, table, rows=rows, where=where) for table in (baseline, current)]
    before, now = (expression_values.value(expression, each) for each in sides)
    groups = None if clusters is None else features.groups(clusters, size=rows)
    discordant = _discordant(sides, rows)
    options = IntervalOptions(question.confidence_level, question.resamples, question.seed, clusters, order)
    found = _spread(expression, sides, now - before, options, groups, discordant)
    less = found.below(0.0)
    worse = _worse(found, question)
    return Comparison(
        expression.text,
        _known(before),
        _known(now),
        _known(now - before),
        _known(found.low),
        _known(found.high),
        question.confidence_level,
        _known(worse),
        _known(min(1.0, 2 * min(less, 1 - less)) if discordant else 1.0),
        rows,
        discordant,
        found.method,
        found.why,
        pvalue_harm=_known(_harm(worse, question, now - before)),
        draws=found.draws,
        clusters=None if groups is None else int(groups.max()) + 1,
        note=found.note,
        may_pass=found.may_pass,
    )


def _discordant(sides: _Sides, rows: int) -> int:
    """In how many rows some aggregate has another value, or none on one side."""
    differs = np.zeros(rows, dtype=bool)
    for one, other in zip(*sides, strict=True):
        differs |= ~((one.values == other.values) | (np.isnan(one.values) & np.isnan(other.values)))
    return int(differs.sum())


def _spread(
    expression: Expression, sides: _Sides, delta: float, asked: IntervalOptions, groups: Array | None, discordant: int
) -> Spread:
    rows = len(sides[0][0].values) if sides[0] else 0
    units = rows if groups is None else int(groups.max()) + 1
    noun = "row" if groups is None else "cluster"
    if not math.isfinite(delta):
        return resampling.nothing("it has no value for these rows")
    if units < FEWEST_ROWS:
        return resampling.too_few(units, noun)
    if not discordant:
        return Spread(0.0, 0.0, "no row differs", lambda least: float(least >= 0))
    if asked.order is not None or any(each.part.quantile is not None for each in sides[0]):
        old, new = (expression_intervals.influences(expression, each) for each in sides)
        if asked.order is not None:
            return blocks.interval(delta, (new - old)[np.asarray(asked.order)], confidence=asked.confidence_level)
        return expression_intervals.of_influences(delta, new - old, groups, noun, asked.confidence_level)
    sums = _joint(*(expression_intervals.sums(expression, each, groups) for each in sides))
    return student.interval(sums, confidence=asked.confidence_level, resamples=asked.resamples, seed=asked.seed, noun=noun)


def _joint(baseline: Sums, current: Sums) -> Sums:
    """The sums of both models beside one another, and the difference of what they give."""
    width = baseline.features.shape[1]

    def function(sums: Array) -> Array:
        return np.asarray(current.function(sums[..., width:]) - baseline.function(sums[..., :width]))

    return Sums(np.column_stack([baseline.features, current.features]), baseline.counts, function)


def _worse(found: Spread, asked: ComparisonOptions) -> float:
    """The p-value of being worse by the margin or more."""
    if asked.margin is None:
        return math.nan
    return found.below(-asked.margin) if asked.better == "higher" else 1 - found.below(asked.margin)


def _harm(worse: float, asked: ComparisonOptions, delta: float) -> float:
    """The p-value of being worse by no more than the margin."""
    if worse != worse or asked.margin is None:
        return math.nan
    gain = delta if asked.better == "higher" else -delta
    return 1.0 if gain >= -asked.margin else max(0.0, 1 - worse)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
