"""The confidence interval of a metric of one model, from its rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mlgit import lazy_numpy as np
from mlgit.statistics import blocks, features, influences, metrics, perfect, ranking, resampling, rows, student, undefined
from mlgit.statistics.distributions import normal_quantile
from mlgit.statistics.measure import Measure
from mlgit.statistics.metrics import Metric
from mlgit.statistics.resampling import Spread

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Shares of rows that are right, among rows of a kind; for these there is an exact theory.
_SHARES = {
    "accuracy": "all",
    "recall_weighted": "all",
    "recall": "actual",
    "specificity": "actual_rest",
    "precision": "predicted",
}
# Where a metric of losses can lie, unless from 0 up.
_RANGES = {"brier": (0.0, 1.0), "r2": (-math.inf, 1.0), "quadratic_kappa": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric with the interval that holds the truth with the given confidence; `low` and `high` are None where none
    can be given, and `reason` then says why.

    `n` counts the rows, `draws` how many draws the ends rest on, 0 where none were made. The interval is about
    this model on rows like these, not about training it anew. `note` is what a reader must know of it; unless `may_pass`, too
    few rows decide for it to show anything good.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    confidence_level: float
    n: int
    method: str
    reason: str = ""
    draws: int = 0
    note: str = ""
    may_pass: bool = True


def interval(
    name: str | Measure | Metric,
    label: Any,
    *,
    prediction: Any = None,
    score: Any = None,
    positive: Any = None,
    clusters: Any = None,
    order: Any = None,
    confidence_level: float = 0.95,
    resamples: int = 9999,
    seed: int = 0,
) -> Interval:
    """The metric of one model and its confidence interval, the same for the same seed.

    Shares (accuracy, precision, recall, specificity): the score interval of Wilson 1927. Other metrics of the confusion
    matrix: BCa bootstrap over joint counts. Means of losses and functions of them: bootstrap-t. roc_auc and average_precision:
    the influence of each row, on the logit scale. A model without a mistake: what was not seen. `clusters` names the group of
    every row (patient, session), and then whole groups are drawn; `order` the places of the rows of a series in time order, and
    then blocks of it are drawn.

    Raises MlgitError for unknown metrics, a column that is not there, missing values and columns of different lengths.
    """
    chosen = metrics.metric(name)
    column, size = rows.held(metrics.column_of(chosen, prediction=prediction, score=score)), len(label)
    label = rows.held(label)
    given = metrics.value(chosen, label, prediction=column, score=column, positive=positive)
    groups = None if clusters is None else features.groups(clusters, size=size)
    asked = _Asked(confidence_level, resamples, seed, positive, groups, order)
    if given != given:
        found = resampling.nothing(undefined.why(chosen, label, column, positive=positive))
    elif chosen.name in _SHARES and groups is None and order is None:
        found = _wilson(chosen, label, column, positive=positive, confidence=confidence_level)
    else:
        found = _found(chosen, label, column, given, asked)
    return _result(chosen, given, found, confidence_level, size)


class _Asked(NamedTuple):
    confidence: float
    resamples: int
    seed: int
    positive: Any
    groups: Array | None
    order: Any


def _found(chosen: Metric, label: Any, column: Any, given: float, asked: _Asked) -> Spread:
    """By resampling or by influences; where nothing varies, by what was not seen."""
    units = len(label) if asked.groups is None else int(asked.groups.max()) + 1
    noun = "row" if asked.groups is None else "cluster"
    if perfect.is_perfect(chosen, label, column, positive=asked.positive):
        found = resampling.nothing(resampling.SAME)
    elif units < resampling.FEWEST_ROWS:
        return resampling.too_few(units, noun)
    elif asked.order is not None:
        each = influences.of(chosen, label, column, positive=asked.positive)
        return blocks.interval(given, each[np.asarray(asked.order)], confidence=asked.confidence)
    elif chosen.kind == "ranking":
        truth, one = ranking.components(chosen, label, column, positive=asked.positive)
        return ranking.interval(chosen.name, truth, one, groups=asked.groups, confidence=asked.confidence, noun=noun)
    else:
        found = _drawn(chosen, label, column, asked, noun)
    if found.why != resampling.SAME:
        return found
    unseen = perfect.interval(chosen, label, column, positive=asked.positive, groups=asked.groups, confidence=asked.confidence)
    return unseen or found


def _drawn(chosen: Metric, label: Any, column: Any, asked: _Asked, noun: str) -> Spread:
    sums = features.one(chosen, label, column, positive=asked.positive, groups=asked.groups)
    if chosen.kind == "confusion":
        return resampling.interval(sums, confidence=asked.confidence, resamples=asked.resamples, seed=asked.seed)
    found = student.interval(sums, confidence=asked.confidence, resamples=asked.resamples, seed=asked.seed, noun=noun)
    if chosen.needs == "score":
        truth, _ = metrics.ranked(label, column, positive=asked.positive)
        found = ranking.noted(found, truth, groups=asked.groups, noun=noun)
    least, most = _RANGES.get(chosen.name, (0.0, np.inf))
    return replace(found, low=max(found.low, least), high=min(found.high, most)) if found.low == found.low else found


def _result(chosen: Metric, given: float, found: Spread, confidence_level: float, size: int) -> Interval:
    value, low, high = (None if each != each else each for each in (given, found.low, found.high))
    return Interval(
        chosen.name,
        value,
        low,
        high,
        confidence_level,
        size,
        found.method,
        found.why,
        found.draws,
        found.note,
        found.may_pass,
    )


def wilson(hits: int, trials: int, *, confidence: float) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209); good for few rows and at 0 and 1.

    It holds the share: at 0 and 1 that is an end, which must not be missed by a rounded digit.
    """
    share, place = hits / trials, normal_quantile((1 + confidence) / 2) ** 2 / trials
    middle = share + place / 2
    width = float(np.sqrt(place * (share * (1 - share) + place / 4)))
    return min(share, max(0.0, (middle - width) / (1 + place))), max(share, min(1.0, (middle + width) / (1 + place)))


def _wilson(chosen: Metric, label: Any, prediction: Any, *, positive: Any, confidence: float) -> Spread:
    hits, actual, predicted = metrics.counts(chosen, label, prediction, positive=positive)
    part, whole = {
        "all": (hits.sum(), actual.sum()),
        "actual": (hits[-1], actual[-1]),
        "actual_rest": (hits[0], actual[0]),
        "predicted": (hits[-1], predicted[-1]),
    }[_SHARES[chosen.name]]
    return Spread(*wilson(int(part), int(whole), confidence=confidence), "Wilson score")
