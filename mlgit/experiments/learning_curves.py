"""Curves of a metric over the steps of training, as DVCLive writes them: tables of two columns, the last step below."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

# A curve of more points than this looks no other on a page.
MOST_POINTS = 400
_MOST_READ = 200_000


@dataclass(frozen=True, slots=True)
class TrialCurve:
    """The values of a metric of one trial, by step; `number` is the row of the trial in its table."""

    trial: str
    number: int
    metric: str
    points: tuple[tuple[float, float], ...]


def parse(text: str) -> tuple[tuple[float, float], ...]:
    """The points of a table whose first column is the step and whose last is the value; rows that hold no numbers are passed
    over, and of many those are kept that show how it went.
    """
    lines = text.splitlines()[1 : _MOST_READ + 1]
    separator = "\t" if lines and "\t" in lines[0] else ","
    rows = (line.split(separator) for line in lines)
    found = [point for row in rows if len(row) > 1 and (point := _point(row[0], row[-1]))]
    return thinned(sorted(found))


def _point(step: str, value: str) -> tuple[float, float] | None:
    try:
        found = float(step), float(value)
    except ValueError:
        return None
    return found if all(math.isfinite(each) and abs(each) < 1e300 for each in found) else None


def thinned(points: Iterable[tuple[float, float]], *, most: int = MOST_POINTS) -> tuple[tuple[float, float], ...]:
    """At most so many of the points: of each stretch of steps the lowest and the highest, so that no peak is lost."""
    given = tuple(points)
    if len(given) <= most:
        return given
    size = math.ceil(2 * len(given) / most)
    kept: list[tuple[float, float]] = []
    for start in range(0, len(given), size):
        stretch = given[start : start + size]
        low, high = (choose(stretch, key=lambda point: point[1]) for choose in (min, max))
        kept += [low] if low == high else sorted((low, high))
    return tuple(kept)
