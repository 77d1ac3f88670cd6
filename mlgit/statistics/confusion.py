"""Two models by a metric of the confusion table: the score interval of the difference, from the rows that count.

Recall and specificity are shares of the rows of a class, and are judged among these alone (Tango 1998). Other metrics weigh
their rows (`score`); with clusters, those of a cluster are added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mlgit import lazy_numpy as np
from mlgit.render.text import count, plain
from mlgit.statistics import mcnemar, rows, score, tango
from mlgit.statistics.confusion_influence import RANGES, Influence, influence
from mlgit.statistics.distributions import normal_cdf, normal_quantile, student_cdf, student_quantile
from mlgit.statistics.metrics import Metric
from mlgit.statistics.resampling import FEWEST_ROWS, Spread, nothing
from mlgit.statistics.score import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlgit.statistics.rows import Array

# With fewer rows of the class that a metric is about, hardly any margin can be shown, and the limits are not held.
FEWEST_OF_CLASS = 20
_OF_CLASS = {"recall": 1, "precision": 1, "f1": 1, "f_beta": 1, "specificity": 0}
# Shares of rows that are right, among all or those of a class: Tango's interval.
_SHARES = ("accuracy", "recall_weighted", "recall", "specificity")
# What a row is that counts: only such rows have a part in the metric.
_COUNTED = {
    "recall": "positive row",
    "specificity": "negative row",
    "precision": "predicted positive",
    "f1": "actual or predicted positive",
    "f_beta": "actual or predicted positive",
}
# The same of one class against the rest.
_COUNTED_OF_CLASS = {
    "recall": "{} row",
    "specificity": "non-{} row",
    "precision": "{} prediction",
    "f1": "actual or predicted {} row",
    "f_beta": "actual or predicted {} row",
}


@dataclass(frozen=True, slots=True, eq=False)
class JointClasses:
    """Rows as class numbers 0..K-1 of label and of both predictions, shape (n,) each, with the number of their cluster.

    `is_counted` says which rows have a part in the metric, and `noun` what such a row is.
    """

    chosen: Metric
    positive: Any
    label: Array
    old: Array
    new: Array
    size: int
    groups: Array | None
    is_counted: Array
    noun: str

    @property
    def counted(self) -> int:
        """How many rows have a part in the metric."""
        return int(self.is_counted.sum())

    @property
    def discordant(self) -> int:
        """In how many of these the models differ."""
        return int((self.is_counted & (self.old != self.new)).sum())


def table(chosen: Metric, label: Any, old: Any, new: Any, *, positive: Any = None, groups: Array | None = None) -> JointClasses:
    """The rows of two models as a metric sees them. Raises MlgitError for columns that do not fit together."""
    found = rows.classes(label, old, new)
    found = rows.against_rest(found, positive=positive) if chosen.binary else found
    actual, (one, other) = found.label, found.predictions
    is_counted, noun = counted(chosen, actual, one, other), counted_noun(chosen, positive=positive)
    return JointClasses(chosen, positive, actual, one, other, len(found.names), groups, is_counted, noun)


def counted(chosen: Metric, actual: Array, *predicted: Array) -> Array:
    """Which rows have a part in a metric, from the class numbers of label and of one or more predictions."""
    if chosen.name in ("recall", "specificity"):
        return np.asarray(actual == _OF_CLASS[chosen.name])
    if chosen.name not in _OF_CLASS:
        return np.ones(len(actual), dtype=bool)
    parts = predicted if chosen.name == "precision" else (actual, *predicted)
    return np.asarray(np.logical_or.reduce([each == 1 for each in parts]))


def counted_noun(chosen: Metric, *, positive: Any = None) -> str:
    """What a row is that has a part in a metric; its class is named where the metric is of one class."""
    if not chosen.of_class:
        return _COUNTED.get(chosen.name, "row")
    return _COUNTED_OF_CLASS[chosen.name].format(class_words(positive))


def class_words(name: Any) -> str:
    """A class in a sentence."""
    return f"'{plain(str(name))}'"


def missing_rows(chosen: Metric, actual: Array, *, positive: Any = None) -> str:
    """That there are too few rows of the class that a metric is about, and how many are missing; "" where there are enough."""
    number = _OF_CLASS.get(chosen.name)
    there = int((actual == number).sum())
    if number is None or there >= FEWEST_OF_CLASS:
        return ""
    names = (f"non-{class_words(positive)}", class_words(positive)) if chosen.of_class else ("negative", "positive")
    return f"{count(there, f'{names[number]} row')}, at least {FEWEST_OF_CLASS} needed: {FEWEST_OF_CLASS - there} more"


def compare(seen: JointClasses, *, confidence: float) -> tuple[Spread, float | None]:
    """The interval of current - baseline, and the two-sided p-value where the method has one of its own."""
    if told := missing_rows(seen.chosen, seen.label, positive=seen.positive):
        return nothing(told), None
    if seen.groups is not None:
        return _of_clusters(seen, seen.groups, confidence), None
    if seen.chosen.name in _SHARES:
        was_right, is_right = ((each == seen.label) & seen.is_counted for each in (seen.old, seen.new))
        return of_share(was_right, is_right, number=seen.counted, confidence=confidence)
    sample = of_kinds(seen.chosen.name, *kinds(seen.label, seen.old, seen.new, seen.size), beta=seen.chosen.beta)
    return _by_score(sample, normal_quantile((1 + confidence) / 2), normal_cdf, "score on influence values"), None


def of_share(was: Array, now: Array, *, number: int, confidence: float) -> tuple[Spread, float]:
    """The interval of the difference of two shares of so many rows, and the p-value of none, from what is true of each row of
    either model, shape (n,)."""
    fixed, broken = int((now & ~was).sum()), int((was & ~now).sum())

    def below(least: float) -> float:
        return tango.noninferiority(fixed, broken, number, margin=-least)[1]

    ends = tango.interval(fixed, broken, number, confidence=confidence)
    return Spread(*ends, "Tango score, McNemar mid-p", below), mcnemar.midp(fixed, broken)


def kinds(label: Array, old: Array, new: Array, size: int) -> tuple[Array, Array, Array, Array]:
    """The kinds of rows there are, as label, old and new prediction, and how many there are of each."""
    code, cell = rows.numbered((label * size + old) * size + new)
    counts = np.bincount(cell)
    return code // size**2, code // size % size, code % size, counts


def of_kinds(name: str, actual: Array, old: Array, new: Array, counts: Array, *, beta: float = 1.0) -> Sample:
    """What a metric's score interval needs, from kinds of rows, shape (M,), and their counts, shape (..., M).

    Rows that only one model has right may exist though none was seen: of each label that there is they are added as kinds
    without rows, wrong in the way that would cost most.
    """
    size = int(max(actual.max(), old.max(), new.max(), 1)) + 1
    before, now = (_influence(name, actual, said, counts, size, beta) for said in (old, new))
    labels = np.unique(actual)
    actual = np.concatenate([actual, labels, labels])
    old = np.concatenate([old, labels, _worst(before, labels)])
    new = np.concatenate([new, _worst(now, labels), labels])
    unseen = np.zeros((*counts.shape[:-1], 2 * len(labels)))
    (lost, old_share), (won, new_share) = before.of(actual, old), now.of(actual, new)
    ends = RANGES.get(name, (0.0, 1.0))
    return Sample(np.concatenate([counts, unseen], axis=-1), won - lost, old_share, new_share, before.value, now.value, *ends)


def _influence(name: str, actual: Array, said: Array, counts: Array, size: int, beta: float) -> Influence:
    hits = _totals(np.where(actual == said, counts, 0), actual, size)
    return influence(name, hits, _totals(counts, actual, size), _totals(counts, said, size), beta=beta)


def _totals(counts: Array, numbers: Array, size: int) -> Array:
    """The sum of the counts of each class, shape (..., K)."""
    order = np.argsort(numbers, kind="stable")
    there, first = np.unique(numbers[order], return_index=True)
    found = np.zeros((*counts.shape[:-1], size))
    found[..., there] = np.add.reduceat(counts[..., order], first, axis=-1)
    return found


def _worst(of: Influence, labels: Array) -> Array:
    """For each label the wrong prediction that costs most, by the first table."""
    cost = of.prediction.reshape(-1, of.prediction.shape[-1])[0]
    first, second = np.argsort(np.nan_to_num(cost), kind="stable")[:2]
    return np.asarray(np.where(labels == first, second, first))


def _by_score(sample: Sample, place: float, tail: Callable[[float], float], method: str) -> Spread:
    def below(least: float) -> float:
        return tail(-float(score.statistic(sample, delta=least)))

    return Spread(*score.interval(sample, place=place), method, below)


def _of_clusters(seen: JointClasses, groups: Array, confidence: float) -> Spread:
    """Rows of a cluster may be right and wrong together; Student's t by how many clusters of equal size they are worth."""
    rowwise = of_kinds(seen.chosen.name, seen.label, seen.old, seen.new, np.ones(len(seen.label)), beta=seen.chosen.beta)
    actual = np.concatenate([seen.label, *2 * [np.unique(seen.label)]])
    gain, old_share, new_share = (
        _added_up(each, groups, actual) for each in (rowwise.gain, rowwise.old_share, rowwise.new_share)
    )
    there = np.bincount(groups, weights=seen.is_counted)
    there = there[there > 0]
    worth = float(there.sum() ** 2 / (there**2).sum()) if len(there) else 0.0
    if worth < FEWEST_ROWS:
        told = f"{count(len(there), 'cluster')} with {seen.noun}s"
        told += "" if len(there) < FEWEST_ROWS else f", which are worth {int(worth)} of equal size"
        return nothing(f"{told}, at least {FEWEST_ROWS} needed")
    unseen = len(gain) - int(groups.max()) - 1
    counts = np.concatenate([np.ones(int(groups.max()) + 1), np.zeros(unseen)])
    sample = Sample(counts, gain, old_share, new_share, rowwise.old, rowwise.new, rowwise.least, rowwise.most)
    place = student_quantile((1 + confidence) / 2, worth - 1)
    return _by_score(sample, place, lambda z: student_cdf(z, worth - 1), "score on influence values of clusters")


def _added_up(each: Array, groups: Array, actual: Array) -> Array:
    """The sum over each cluster, then what clusters of usual size would add that were not seen: all rows of a label of a kind,
    and all rows, of which the first half is broken and the second fixed."""
    size, labels = len(groups), np.unique(actual)
    often = np.array([(actual[:size] == name).sum() for name in labels])
    touched = np.array([len(np.unique(groups[actual[:size] == name])) for name in labels])
    single = each[size:].reshape(2, len(labels)) * (often / touched)
    whole = each[size:].reshape(2, len(labels)) @ (often / (groups.max() + 1))
    return np.concatenate([np.bincount(groups, weights=each[:size]), single.ravel(), whole])
