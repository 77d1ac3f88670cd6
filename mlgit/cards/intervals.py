"""Metrics of predictions, for all rows and for many resamples of them at once.

A resample is a row of counts: how often each row of the predictions is in it. Sums of counts are whole numbers, so they
are the same on every machine; what is left of differences is far below the digits a card shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 1000
_SEED = 20_010
_LEVEL = 95
_CELLS = 4_000_000
_LEAST_VALID = 0.95


@dataclass(frozen=True, slots=True)
class Columns:
    """What metrics are computed from, as numpy arrays; None where a column does not exist or has no such meaning.

    `positive` and `said` are truth and prediction of a yes/no question, `correct` says where they are the same text, and
    `truth` and `value` are them as numbers.
    """

    correct: Any
    positive: Any = None
    said: Any = None
    score: Any = None
    truth: Any = None
    value: Any = None


# Counts (resamples x rows) and columns -> one value per resample, NaN where the metric has none; None without the columns.
Metric = Callable[[Any, Columns], Any]


def columns(
    label: Sequence[str],
    prediction: Sequence[str],
    *,
    score: Sequence[float] = (),
    positive: tuple[Sequence[bool], Sequence[bool]] | None = None,
    numbers: tuple[Sequence[float], Sequence[float]] | None = None,
) -> Columns:
    """The columns of predictions; `positive` and `numbers` are truth and prediction as yes or no, and as numbers."""
    truth, said = positive or (None, None)
    real, value = numbers or (None, None)
    return Columns(
        correct=np.array([one == other for one, other in zip(label, prediction, strict=True)], dtype=float),
        positive=None if truth is None else np.array(truth, dtype=float),
        said=None if said is None else np.array(said, dtype=float),
        score=np.array(score, dtype=float) if len(score) else None,
        truth=None if real is None else np.array(real, dtype=float),
        value=None if value is None else np.array(value, dtype=float),
    )


def point(metric: str, data: Columns, *, rows: Sequence[int] | None = None) -> float | None:
    """A metric of all rows, or of some by their numbers; None where it has no value or is not known here."""
    counts = np.zeros((1, len(data.correct)))
    counts[0, slice(None) if rows is None else list(rows)] = 1
    with np.errstate(divide="ignore", invalid="ignore"):
        found = METRICS[metric](counts, data) if metric in METRICS else None
    return None if found is None or not np.isfinite(found[0]) else float(found[0])


def bootstrap(metrics: Sequence[str], data: Columns) -> dict[str, tuple[float, float]]:
    """Percentile bootstrap intervals at 95 % of the metrics that can be had, from the same resamples for all of them.

    A metric that has no value in more than 5 % of the resamples has no interval.
    """
    n_rows = len(data.correct)
    generator = np.random.Generator(np.random.PCG64(_SEED))
    values: dict[str, list[Any]] = {name: [] for name in metrics if name in METRICS}
    done = 0
    while done < RESAMPLES and n_rows:
        size = min(RESAMPLES - done, max(1, _CELLS // n_rows))
        drawn = generator.integers(0, n_rows, size=(size, n_rows)) + np.arange(size)[:, None] * n_rows
        counts = np.bincount(drawn.ravel(), minlength=size * n_rows).reshape(size, n_rows).astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            for name, found in values.items():
                found.append(METRICS[name](counts, data))
        done += size
    return {name: bounds for name, found in values.items() if (bounds := _bounds(found)) is not None}


def _bounds(found: Sequence[Any]) -> tuple[float, float] | None:
    if not found or any(each is None for each in found):
        return None
    values = np.concatenate(found)
    valid = values[np.isfinite(values)]
    if len(valid) < _LEAST_VALID * len(values):
        return None
    low, high = np.percentile(valid, [(100 - _LEVEL) / 2, (100 + _LEVEL) / 2])
    return float(low), float(high)


def _of_binary(metric: Callable[[Any, Any, Any], Any]) -> Metric:
    """A metric of true positives, false positives and false negatives."""

    def measured(counts: Any, data: Columns) -> Any:
        if data.positive is None or data.said is None:
            return None
        truth, said = data.positive, data.said
        return metric(counts @ (truth * said), counts @ ((1 - truth) * said), counts @ (truth * (1 - said)))

    return measured


def _of_score(metric: Callable[[Any, Any], Any]) -> Metric:
    """A metric of how many negatives and positives have each score, from the highest to the lowest."""

    def measured(counts: Any, data: Columns) -> Any:
        if data.positive is None or data.score is None:
            return None
        order = np.argsort(-data.score, kind="stable")
        score, truth = data.score[order], data.positive[order]
        starts = np.flatnonzero(np.concatenate(([True], score[1:] != score[:-1])))
        ordered = counts[:, order]
        return metric(np.add.reduceat(ordered * (1 - truth), starts, axis=1), np.add.reduceat(ordered * truth, starts, axis=1))

    return measured


def _roc_auc(negative: Any, positive: Any) -> Any:
    above = np.cumsum(positive, axis=1) - positive
    return (negative * (above + positive / 2)).sum(axis=1) / (negative.sum(axis=1) * positive.sum(axis=1))


def _average_precision(negative: Any, positive: Any) -> Any:
    hits, alarms = np.cumsum(positive, axis=1), np.cumsum(negative, axis=1)
    precision = np.where(hits + alarms > 0, hits / np.maximum(hits + alarms, 1), 0)
    return (positive * precision).sum(axis=1) / positive.sum(axis=1)


def _mean(loss: Callable[[Columns], Any]) -> Metric:
    """The mean of something that every row has."""

    def measured(counts: Any, data: Columns) -> Any:
        each = loss(data)
        return None if each is None else counts @ each / counts.sum(axis=1)

    return measured


def _brier(data: Columns) -> Any:
    return None if data.positive is None or data.score is None else (data.score - data.positive) ** 2


def _log_loss(data: Columns) -> Any:
    if data.positive is None or data.score is None or not ((data.score >= 0) & (data.score <= 1)).all():
        return None
    tiny = np.finfo(float).eps
    score = np.clip(data.score, tiny, 1 - tiny)
    return -np.where(data.positive == 1, np.log(score), np.log(1 - score))


def _absolute(data: Columns) -> Any:
    return None if data.truth is None or data.value is None else abs(data.truth - data.value)


def _squared(data: Columns) -> Any:
    return None if data.truth is None or data.value is None else (data.truth - data.value) ** 2


def _rmse(counts: Any, data: Columns) -> Any:
    found = _mean(_squared)(counts, data)
    return None if found is None else found**0.5


def _r2(counts: Any, data: Columns) -> Any:
    if data.truth is None or data.value is None:
        return None
    centred = data.truth - data.truth.mean()
    total = counts.sum(axis=1)
    spread = counts @ centred**2 - (counts @ centred) ** 2 / total
    return 1 - counts @ (data.truth - data.value) ** 2 / spread


METRICS: dict[str, Metric] = {
    "accuracy": _mean(lambda data: data.correct),
    "average_precision": _of_score(_average_precision),
    "brier": _mean(_brier),
    "f1": _of_binary(lambda hits, alarms, misses: 2 * hits / (2 * hits + alarms + misses)),
    "log_loss": _mean(_log_loss),
    "mae": _mean(_absolute),
    "mse": _mean(_squared),
    "precision": _of_binary(lambda hits, alarms, _: hits / (hits + alarms)),
    "r2": _r2,
    "recall": _of_binary(lambda hits, _, misses: hits / (hits + misses)),
    "rmse": _rmse,
    "roc_auc": _of_score(_roc_auc),
}
