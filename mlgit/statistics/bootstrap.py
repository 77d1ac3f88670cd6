"""The confidence interval of a metric of one model, from its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mlgit.statistics import blocks, delong, features, influences, metrics, ranking, resampling
from mlgit.statistics.distributions import normal_quantile
from mlgit.statistics.metrics import Metric
from mlgit.statistics.resampling import Spread

if TYPE_CHECKING:
    from mlgit.statistics.rows import Array

# Shares of rows that are right, among rows of a kind; for these there is an exact theory.
_SHARES = {"accuracy": "all", "recall": "actual", "specificity": "actual_rest", "precision": "predicted"}


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric with the interval that holds the truth with the given confidence; `low` and `high` are None where none
    can be given, and `reason` then says why.

    `n` counts the rows, `draws` how many draws the ends rest on, 0 where none were made. The interval is about
    this model on rows like these, not about training it anew.
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


def interval(
    name: str,
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
    matrix and means of losses: BCa bootstrap over joint counts or sums. roc_auc: DeLong, on the logit scale.
    average_precision: bootstrap of weights, with many rows the infinitesimal jackknife. `clusters` names the group of
    every row (patient, session), and then whole groups are drawn; `order` the places of the rows of a series in time order, and
    then blocks of it are drawn.

    Raises MlgitError for unknown metrics, a column that is not there, missing values and columns of different lengths.
    """
    chosen = metrics.metric(name)
    given = metrics.value(name, label, prediction=prediction, score=score, positive=positive)
    size = len(label)
    column = metrics.column_of(chosen, prediction=prediction, score=score)
    groups = None if clusters is None else features.groups(clusters, size=size)
    units = size if groups is None else int(groups.max()) + 1
    is_share = name in _SHARES and groups is None and order is None
    if given != given:
        found = resampling.nothing("the metric is undefined for these rows")
    elif units < resampling.FEWEST_ROWS and not is_share:
        found = resampling.too_few(units, "row" if groups is None else "cluster")
    elif order is not None:
        one = influences.of(chosen, label, column, positive=positive)
        found = blocks.interval(given, one[np.asarray(order)], confidence=confidence_level)
    elif is_share:
        found = _wilson(chosen, label, column, positive=positive, confidence=confidence_level)
    elif chosen.kind == "ranking":
        truth, scores = metrics.ranked(label, column, positive=positive)
        found = _of_ranking(chosen, truth, scores, groups, confidence=confidence_level, resamples=resamples, seed=seed)
    else:
        sums = features.one(chosen, label, column, positive=positive, groups=groups)
        found = resampling.interval(sums, confidence=confidence_level, resamples=resamples, seed=seed)
    return _result(chosen, given, found, confidence_level, size)


def _result(chosen: Metric, given: float, found: Spread, confidence_level: float, size: int) -> Interval:
    value, low, high = (None if each != each else each for each in (given, found.low, found.high))
    return Interval(chosen.name, value, low, high, confidence_level, size, found.method, found.why, found.draws)


def wilson(hits: int, trials: int, *, confidence: float) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22, 209); good for few rows and at 0 and 1."""
    place = normal_quantile((1 + confidence) / 2) ** 2 / trials
    middle = hits / trials + place / 2
    width = float(np.sqrt(place * (hits / trials * (1 - hits / trials) + place / 4)))
    return max(0.0, (middle - width) / (1 + place)), min(1.0, (middle + width) / (1 + place))


def _wilson(chosen: Metric, label: Any, prediction: Any, *, positive: Any, confidence: float) -> Spread:
    hits, actual, predicted = metrics.counts(chosen, label, prediction, positive=positive)
    part, whole = {
        "all": (hits.sum(), actual.sum()),
        "actual": (hits[-1], actual[-1]),
        "actual_rest": (hits[0], actual[0]),
        "predicted": (hits[-1], predicted[-1]),
    }[_SHARES[chosen.name]]
    return Spread(*wilson(int(part), int(whole), confidence=confidence), "Wilson score")


def _of_ranking(
    chosen: Metric, truth: Array, score: Array, groups: Array | None, *, confidence: float, resamples: int, seed: int
) -> Spread:
    if chosen.name == "roc_auc":
        return delong.one(truth, score, groups=groups, confidence=confidence)
    return ranking.average_precision(truth, score, groups=groups, confidence=confidence, resamples=resamples, seed=seed)
