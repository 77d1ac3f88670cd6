"""The front door of this room: is one model better or worse than another on the same rows, and how sure is that?

The method follows from the metric: accuracy, recall and specificity by McNemar and Tango, other metrics of the confusion table
by the same score interval on influence values (`confusion`); roc_auc and average_precision by the influence of each row, on the
logit scale; means of losses and smooth functions of them by the bootstrap-t, with sign flips for the p-value; with clusters,
whole clusters are added up or drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from mlgit import lazy_numpy as np
from mlgit.errors import MlgitError
from mlgit.render.text import count
from mlgit.statistics import blocks, confusion, features, influences, metrics, paired, ranking, resampling, student, undefined
from mlgit.statistics.measure import Measure
from mlgit.statistics.metrics import Metric
from mlgit.statistics.predictions import Predictions
from mlgit.statistics.resampling import FEWEST_ROWS, Spread
from mlgit.statistics.rows import held

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array


@dataclass(frozen=True, slots=True)
class ComparisonOptions:
    """How to compare. `confidence_level` is that of the two-sided interval: 0.9 for one-sided decisions at 0.05.

    `margin`, in the metric's unit, asks for the p-value of being worse by that much or more, and needs `better`, which way
    the project declared the metric to be better.
    """

    confidence_level: float = 0.95
    resamples: int = 9999
    seed: int = 0
    positive: Any = None
    margin: float | None = None
    better: Literal["higher", "lower"] | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """current - baseline of a metric, and what it is worth.

    `low` and `high` are the ends of the interval, `pvalue` is one-sided (worse by the margin or more), `pvalue_harm` the
    other way round (worse by no more than the margin), and `pvalue_difference` two-sided (no difference); each is None where
    it cannot be had or was not asked for, and `reason` says why there is no interval. `draws` is how many draws they rest on,
    0 where none were made. `clusters` is the number of groups of rows, None where rows count one by one. `n_counted` rows
    have a part in the metric (of recall the positive ones), `counted` is what such a row is, and in `n_discordant` of them
    the models differ as far as the metric sees. `about` says whether recipes or single files were compared, where there are
    several of a side. `note` is what a reader must know of the interval; unless `may_pass`, too
    few rows decide for it to show that no harm was done.
    """

    metric: str
    baseline: float | None
    current: float | None
    delta: float | None
    low: float | None
    high: float | None
    confidence_level: float
    pvalue: float | None
    pvalue_difference: float | None
    n: int
    n_discordant: int
    method: str
    reason: str = ""
    pvalue_harm: float | None = None
    draws: int = 0
    clusters: int | None = None
    note: str = ""
    may_pass: bool = True
    n_counted: int = 0
    counted: str = "row"
    about: str = ""

    @property
    def is_of_recipes(self) -> bool:
        """Whether seeds or folds were drawn as rows were, so that more rows alone do not tell as much more."""
        return self.about.startswith("about the recipes")

    @property
    def units(self) -> int:
        """How many independent pieces were sampled: clusters, or the rows that have a part in the metric."""
        return self.clusters or self.n_counted or self.n

    def told(self, number: int) -> str:
        """So many of them, in words."""
        return count(number, "cluster" if self.clusters else self.counted)


def compare(
    name: str | Measure | Metric,
    baseline: Predictions,
    current: Predictions,
    *,
    question: ComparisonOptions | None = None,
    clusters: Any = None,
    order: Any = None,
) -> Comparison:
    """Compare two models by a metric, on rows that are the same and in the same order.

    `clusters` names the group of every row; `order` are the places of the rows of a series, from the first in time to the last.

    Raises MlgitError for what is no comparison: an unknown metric, columns that are missing or of different lengths,
    labels that differ, values that are missing, a margin without a declared direction.
    """
    asked = question or ComparisonOptions()
    chosen = metrics.metric(name)
    if asked.margin is not None and asked.better is None:
        raise MlgitError(
            f"which way {chosen.name} is better is not declared",
            f"add to mlgit.yaml: metrics: {{{chosen.name}: {{direction: higher}}}} (or lower)",
        )
    paired.same_labels(baseline.label, current.label)
    columns = [metrics.column_of(chosen, prediction=each.prediction, score=each.score) for each in (baseline, current)]
    columns, labels = [*map(held, columns)], [held(each.label) for each in (baseline, current)]
    values = [
        metrics.value(chosen, label, prediction=column, score=column, positive=asked.positive)
        for label, column in zip(labels, columns, strict=True)
    ]
    rows = _Rows(chosen, labels[0], columns[0], columns[1], asked, clusters, order)
    found, pvalue = _spread(rows, values)
    return _result(rows, values, found, pvalue)


class _Rows:
    """The rows of both models with what was asked, looked at once."""

    def __init__(
        self,
        chosen: Metric,
        label: Any,
        old: Any,
        new: Any,
        asked: ComparisonOptions,
        clusters: Any,
        order: Any,
    ) -> None:
        self.chosen, self.label, self.old, self.new, self.asked = chosen, label, old, new, asked
        self.size = len(label)
        self.order = order
        self.groups: Array | None = None if clusters is None else features.groups(clusters, size=self.size)
        self.units = self.size if self.groups is None else int(self.groups.max()) + 1
        self.noun = "row" if self.groups is None else "cluster"
        self.table: confusion.JointClasses | None = None
        self.counted, self.counted_noun = self.size, "row"
        if chosen.kind == "confusion":
            seen = self.table = confusion.table(chosen, label, old, new, positive=asked.positive, groups=self.groups)
            self.counted, self.counted_noun, self.discordant = seen.counted, seen.noun, seen.discordant
        else:
            self.discordant = paired.discordant(chosen, label, old, new, positive=asked.positive)


def _spread(rows: _Rows, values: list[float]) -> tuple[Spread, float | None]:
    """The interval, and the two-sided p-value where the method has one of its own."""
    chosen, asked, table = rows.chosen, rows.asked, rows.table
    is_series = rows.order is not None and rows.discordant > 0
    if not np.isfinite(values).all():
        column = rows.old if np.isfinite(values[1]) else rows.new
        return resampling.nothing(undefined.why(chosen, rows.label, column, positive=asked.positive)), None
    if table is not None and chosen.name == "accuracy" and rows.groups is None and rows.order is None:
        return confusion.compare(table, confidence=asked.confidence_level)
    if rows.units < FEWEST_ROWS:
        return resampling.too_few(rows.units, rows.noun), None
    if table is not None and not is_series:
        return confusion.compare(table, confidence=asked.confidence_level)
    if not rows.discordant:
        is_other = chosen.kind == "ranking" and not np.array_equal(np.asarray(rows.old), np.asarray(rows.new))
        return _of_one_order(rows) if is_other else Spread(0.0, 0.0, "no row differs", lambda least: float(least >= 0)), 1.0
    if is_series:
        return _of_series(rows, values[1] - values[0]), None
    if chosen.kind == "ranking":
        return _of_ranking(rows)
    sums = features.two(chosen, rows.label, rows.old, rows.new, positive=asked.positive, groups=rows.groups)
    confidence, resamples, seed = asked.confidence_level, asked.resamples, asked.seed
    found = student.interval(sums, confidence=confidence, resamples=resamples, seed=seed, noun=rows.noun)
    if chosen.kind == "means":
        return found, None
    if chosen.needs == "score":
        truth, _ = metrics.ranked(rows.label, rows.old, positive=asked.positive)
        found = ranking.noted(found, truth, groups=rows.groups, noun=rows.noun)
    return found, paired.sign_flip(sums.features[:, 1] - sums.features[:, 0], resamples=resamples, seed=seed)


def _of_one_order(rows: _Rows) -> Spread:
    """Two models whose scores differ and order these rows alike may order others otherwise."""
    truth, _ = metrics.ranked(rows.label, rows.old, positive=rows.asked.positive)
    return ranking.unseen(truth, groups=rows.groups, confidence=rows.asked.confidence_level, noun=rows.noun)


def _of_series(rows: _Rows, delta: float) -> Spread:
    """Rows of a series: what one says is partly said by those before it."""
    positive = rows.asked.positive
    old, new = (influences.of(rows.chosen, rows.label, each, positive=positive) for each in (rows.old, rows.new))
    return blocks.interval(delta, (new - old)[np.asarray(rows.order)], confidence=rows.asked.confidence_level)


def _of_ranking(rows: _Rows) -> tuple[Spread, float | None]:
    asked = rows.asked
    sides = [ranking.components(rows.chosen, rows.label, each, positive=asked.positive) for each in (rows.old, rows.new)]
    truth, found = sides[0][0], [each for _, each in sides]
    name, confidence = rows.chosen.name, asked.confidence_level
    return ranking.interval(name, truth, *found, groups=rows.groups, confidence=confidence, noun=rows.noun), None


def _result(rows: _Rows, values: list[float], found: Spread, pvalue: float | None) -> Comparison:
    made = comparison_of(
        rows.chosen.name,
        (values[0], values[1]),
        found,
        question=rows.asked,
        n=rows.size,
        n_discordant=rows.discordant,
        clusters=None if rows.groups is None else rows.units,
        pvalue=pvalue,
    )
    return replace(made, n_counted=rows.counted, counted=rows.counted_noun)


def comparison_of(
    name: str,
    values: tuple[float, float],
    found: Spread,
    *,
    question: ComparisonOptions,
    n: int,
    n_discordant: int,
    clusters: int | None = None,
    pvalue: float | None = None,
) -> Comparison:
    """What two values and the interval of their difference are worth; `pvalue` is the two-sided one of a method that has one of
    its own."""
    delta = values[1] - values[0]
    if pvalue is None and found.low == found.low:
        less = found.below(0.0)
        pvalue = min(1.0, 2 * min(less, 1 - less)) if n_discordant or delta else 1.0
    return Comparison(
        metric=name,
        baseline=_known(values[0]),
        current=_known(values[1]),
        delta=_known(delta),
        low=_known(found.low),
        high=_known(found.high),
        confidence_level=question.confidence_level,
        pvalue=_known(_worse(found, question)),
        pvalue_difference=None if pvalue is None else _known(pvalue),
        n=n,
        n_discordant=n_discordant,
        method=found.method,
        reason=found.why,
        pvalue_harm=_known(_harm(found, question, delta)),
        draws=found.draws,
        clusters=clusters,
        note=found.note,
        may_pass=found.may_pass,
    )


def _worse(found: Spread, asked: ComparisonOptions) -> float:
    """The p-value of being worse by the margin or more."""
    if asked.margin is None:
        return float("nan")
    return found.below(-asked.margin) if asked.better == "higher" else 1 - found.below(asked.margin)


def _harm(found: Spread, asked: ComparisonOptions, delta: float) -> float:
    """The p-value of being worse by no more than the margin: what lies within it is no sign of harm."""
    worse = _worse(found, asked)
    if worse != worse or asked.margin is None:
        return float("nan")
    gain = delta if asked.better == "higher" else -delta
    return 1.0 if gain >= -asked.margin else max(0.0, 1 - worse)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
