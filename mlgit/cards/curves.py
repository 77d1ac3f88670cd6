"""The points of a card's plots: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from mlgit.evaluation.model_metrics import order

Point = tuple[float, float]

_MOST_POINTS = 400
RANGES = 10  # of scores


@dataclass(frozen=True, slots=True)
class Bin:
    """Rows with scores in one range: their mean score, the share of positives among them, and how many they are."""

    score: float
    share: float
    rows: int


def roc(positive: Sequence[bool], score: Sequence[float]) -> list[Point]:
    """False and true positive rate from (0, 0) to (1, 1); rows with one score are one step. Empty with one class only."""
    n_positive = sum(positive)
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return []
    rows = sorted(zip(score, positive, strict=True), key=lambda row: -row[0])
    points, hits, alarms = [(0.0, 0.0)], 0, 0
    for _, group in groupby(rows, key=lambda row: row[0]):
        found = [is_positive for _, is_positive in group]
        hits += sum(found)
        alarms += len(found) - sum(found)
        points.append((alarms / n_negative, hits / n_positive))
    return corners(points)


def corners(points: list[Point]) -> list[Point]:
    """A line's points without those that lie between two others on a straight piece."""
    kept: list[Point] = []
    for point in points:
        while len(kept) > 1 and _straight(kept[-2], kept[-1], point):
            kept.pop()
        kept.append(point)
    return kept


def _straight(one: Point, two: Point, three: Point) -> bool:
    area = (two[0] - one[0]) * (three[1] - one[1]) - (two[1] - one[1]) * (three[0] - one[0])
    return abs(area) < 1e-12


def calibration(positive: Sequence[bool], score: Sequence[float], *, bins: int = RANGES) -> list[Bin]:
    """Rows in `bins` ranges of equal width of their score (a probability); ranges without rows are left out."""
    ranges: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for value, is_positive in zip(score, positive, strict=True):
        ranges[min(int(value * bins), bins - 1)].append((value, is_positive))
    return [
        Bin(sum(value for value, _ in rows) / len(rows), sum(is_positive for _, is_positive in rows) / len(rows), len(rows))
        for rows in ranges
        if rows
    ]


def confusion(label: Sequence[str], prediction: Sequence[str]) -> tuple[list[str], list[list[int]]]:
    """The classes in order (numbers by size, texts by letter), and how often each truth (row) got each prediction."""
    classes = sorted({*label, *prediction}, key=order)
    place = {name: index for index, name in enumerate(classes)}
    counts = [[0] * len(classes) for _ in classes]
    for truth, said in zip(label, prediction, strict=True):
        counts[place[truth]][place[said]] += 1
    return classes, counts


def residuals(label: Sequence[float], prediction: Sequence[float]) -> list[Point]:
    """Prediction and what the truth was above it; of very many rows, evenly chosen ones in the order of the prediction."""
    points = sorted((said, truth - said) for truth, said in zip(label, prediction, strict=True))
    step = len(points) / min(len(points), _MOST_POINTS) if points else 1
    return [points[int(index * step)] for index in range(min(len(points), _MOST_POINTS))]
