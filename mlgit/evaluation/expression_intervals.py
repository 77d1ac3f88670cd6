"""How sure the value of an expression is, as far as rows are a sample of all rows like them.

A share or a count of what is true: the score interval of Wilson. A quantile alone: ranks of the order statistics, exact
whatever the distribution. Sums, means and functions of them: the bootstrap-t, as for means of losses; a sum counts as so many
rows times their mean, so their number is taken as given. Quantiles in arithmetic: the influence of each row on them, with the
density that the ranks tell (Woodruff 1952, J. Am. Stat. Assoc. 47, 635), and the delta method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.evaluation import expression_values
from mlgit.evaluation.expression_values import AggregateRows
from mlgit.evaluation.expressions import Expression
from mlgit.statistics import blocks, bootstrap, features, influence_intervals, quantiles, resampling, student
from mlgit.statistics.bootstrap import Interval
from mlgit.statistics.estimate import Estimate
from mlgit.statistics.influence_intervals import RowStructure
from mlgit.statistics.resampling import FEWEST_ROWS, Spread, Sums

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

_STEP = 1e-4
_UNDEFINED = "it has no value for these rows"
# Why what counts all rows has no interval.
CONSTANT = "it hangs on the number of rows only"


@dataclass(frozen=True, slots=True)
class IntervalOptions:
    """How intervals of expressions are made; `clusters` names the group of each row, None where rows are independent, and
    `order` are the places of the rows of a series, from the first in time to the last."""

    confidence_level: float = 0.95
    resamples: int = 9999
    seed: int = 0
    clusters: Any = None
    order: Any = None


def interval(
    expression: Expression, table: Mapping[str, Any], *, rows: int, options: IntervalOptions | None = None, where: str = ""
) -> Interval:
    """The value of an expression on rows, with its interval, the same for the same seed; `n` are the rows that have a value.

    Raises MlgitError for columns that are not there, or hold what the expression cannot read.
    """
    asked = options or IntervalOptions()
    parts = expression_values.rows_of(expression, table, rows=rows, where=where)
    value = expression_values.value(expression, parts)
    groups = None if asked.clusters is None else features.groups(asked.clusters, size=rows)
    found = resampling.nothing(_UNDEFINED) if value != value else _spread(expression, parts, value, rows, asked, groups)
    known, low, high = (None if each != each else each for each in (value, found.low, found.high))
    n = rows - expression_values.missing_rows(parts)
    return Interval(
        expression.text,
        known,
        low,
        high,
        asked.confidence_level,
        n,
        found.method,
        found.why,
        found.draws,
        found.note,
        found.may_pass,
    )


def _spread(
    expression: Expression,
    parts: Sequence[AggregateRows],
    value: float,
    rows: int,
    asked: IntervalOptions,
    groups: Array | None,
) -> Spread:
    units = rows if groups is None else int(groups.max()) + 1
    noun = "row" if groups is None else "cluster"
    if not any(each.part.parts for each in parts):
        return resampling.nothing(CONSTANT)
    if asked.order is not None:
        return blocks.interval(value, influences(expression, parts)[np.asarray(asked.order)], confidence=asked.confidence_level)
    alone = parts[0] if expression.root is parts[0].part and groups is None else None
    if alone is not None and _is_of_truth(alone):
        return _share(alone, rows, asked.confidence_level)
    if units < FEWEST_ROWS:
        return resampling.too_few(units, noun)
    if alone is not None and alone.part.quantile is not None:
        return quantiles.interval(alone.values[alone.known], alone.part.quantile, confidence=asked.confidence_level)
    if any(each.part.quantile is not None for each in parts):
        return influence_intervals.interval(
            value,
            influences(expression, parts),
            RowStructure(groups),
            confidence=asked.confidence_level,
            resamples=asked.resamples,
            seed=asked.seed,
        )
    given = sums(expression, parts, groups)
    return student.interval(given, confidence=asked.confidence_level, resamples=asked.resamples, seed=asked.seed, noun=noun)


def _is_of_truth(given: AggregateRows) -> bool:
    return given.part.does in ("share", "count")


def _is_share_of_all(given: AggregateRows) -> bool:
    """Whether it is the share of all rows in which something is true, or their number."""
    if given.weights is not None or not given.part.parts or not _is_of_truth(given):
        return False
    return given.part.does == "count" or bool(given.known.all())


def _share(given: AggregateRows, rows: int, confidence: float) -> Spread:
    hits, known = int((given.values == 1).sum()), int(given.known.sum())
    trials, scale = (known, 1) if given.part.does == "share" else (rows, rows)
    low, high = bootstrap.wilson(hits, trials, confidence=confidence)
    return Spread(scale * low, scale * high, "Wilson score")


def sums(expression: Expression, parts: Sequence[AggregateRows], groups: Array | None = None) -> Sums:
    """The sums that an expression without quantiles is made from, by rows or by clusters of them."""
    columns = _features(parts)
    rows = float(columns[:, 0].sum())
    if groups is not None:
        columns = np.column_stack([np.bincount(groups, weights=column) for column in columns.T])
    return Sums(columns, np.ones(len(columns)), _of_sums(expression, parts, rows))


def _features(parts: Sequence[AggregateRows]) -> Array:
    weights = _weights(parts)
    found = [weights]
    for each in parts:
        known = each.known
        values = (each.values == 1).astype(float) if each.part.does == "count" else np.where(known, each.values, 0.0)
        found += [weights * values, weights * known]
    return np.column_stack(found)


def _weights(parts: Sequence[AggregateRows]) -> Array:
    return np.ones(len(parts[0].values)) if parts[0].weights is None else parts[0].weights


def _of_sums(expression: Expression, parts: Sequence[AggregateRows], rows: float) -> Callable[[Array], Array]:
    """The value of sums over any number of rows, as if they were of so many as there are."""
    does = [each.part.does if each.part.parts else "" for each in parts]

    def function(sums: Array) -> Array:
        with np.errstate(all="ignore"):
            found = []
            for place, name in enumerate(does):
                total, known = sums[..., 1 + 2 * place], sums[..., 2 + 2 * place]
                is_of_all = name in ("sum", "count")
                scaled = rows * total / sums[..., 0] if is_of_all else total / known
                found.append(scaled if name else np.full_like(total, rows))
            return np.asarray(expression_values.outer(expression.root, found))

    return function


def influences(expression: Expression, parts: Sequence[AggregateRows]) -> Array:
    """How far each row moves the value, shape (n,); they sum to about 0, and their squares to about its variance."""
    each = [_influence(one) for one in parts]
    values = [np.asarray(expression_values.value_of(one)) for one in parts]
    total = np.zeros(len(parts[0].values))
    for place, influence in enumerate(each):
        spread = math.sqrt(float((influence**2).sum()))
        if spread > 0:
            step = _STEP * spread
            ends = [[*values[:place], values[place] + move, *values[place + 1 :]] for move in (step, -step)]
            with np.errstate(all="ignore"):
                above, below = (float(expression_values.outer(expression.root, end)) for end in ends)
            total = total + influence * (above - below) / (2 * step)
    return total


def _influence(given: AggregateRows) -> Array:
    part, known, weights = given.part, given.known, _weights([given])
    if not part.parts:
        return np.zeros(len(given.values))
    if part.quantile is not None:
        found = np.zeros(len(given.values))
        counted = None if given.weights is None else weights[known]
        found[known] = quantiles.influences(given.values[known], part.quantile, counted)
        return found
    total = float(weights.sum())
    if part.does in ("count", "sum"):
        added = weights * np.where(known, (given.values == 1) if part.does == "count" else given.values, 0.0)
        return np.asarray(added - weights * (added.sum() / total))
    filled = np.where(known, given.values, 0.0)
    number = float(weights @ known)
    mean = float(weights @ filled) / number if number else 0.0
    return np.asarray(np.where(known, weights * (filled - mean), 0.0) / max(number, 1e-300))


def estimate(expression: Expression, parts: Sequence[AggregateRows], *, rows: int) -> Estimate:
    """The value of an expression with the influence of each row, and its sums where it has no quantile."""
    value = expression_values.value(expression, parts)
    if not parts:
        return Estimate(value, np.zeros(rows), why=_UNDEFINED)
    has_sums = not any(each.part.quantile is not None for each in parts)
    is_share = expression.root is parts[0].part and _is_share_of_all(parts[0])
    return Estimate(
        value,
        influences(expression, parts),
        sums(expression, parts) if has_sums else None,
        seen=np.nan_to_num(np.column_stack([each.values for each in parts]), nan=math.inf),
        truth=parts[0].values == 1 if is_share else None,
        scale=float(rows) if parts[0].part.does == "count" else 1.0,
        why=_UNDEFINED,
    )
