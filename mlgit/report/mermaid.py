"""Plots as Mermaid text, which GitHub, GitLab and Gitea draw themselves: nothing is uploaded anywhere.

An xychart spreads the values of every line evenly over the whole axis and knows no gap. So where one line begins later or
ends earlier than another, all are drawn only where all have values, and the title says so.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from mlgit.report.document import Line, Plot

LONGEST = 4_000  # characters; Gitea draws no more than 5,000
_MOST_LINES = 6
_MOST_POINTS = (100, 60, 40, 20)
_LARGEST = 1e15  # Mermaid knows no exponents, so a number is written with all its zeros
_DECIMALS = 12
_OUTSIDE = re.compile(r"[^A-Za-z0-9 _.,()/=+-]+")

Points = list[tuple[int, float]]


def chart(plot: Plot) -> str:
    """The plot as an xychart; '' where there are no two places at which all its lines have values that can be drawn.

    Gaps within a line are bridged, lines of fewer than two values left out, long ones thinned out evenly.
    """
    lines = [(line, points) for line in plot.lines[:_MOST_LINES] if len(points := points_of(line)) > 1]
    if not lines:
        return ""
    start, stop = max(points[0][0] for _, points in lines), min(points[-1][0] for _, points in lines)
    if stop <= start or any(abs(value) > _LARGEST for _, points in lines for _, value in points):
        return ""
    return next((text for most in _MOST_POINTS if len(text := _chart(plot, lines, start, stop, most)) <= LONGEST), "")


def points_of(line: Line) -> Points:
    """The values that are there, with their places, from 0 on."""
    return [(place, value) for place, value in enumerate(line.values) if value is not None and math.isfinite(value)]


def _chart(plot: Plot, lines: Sequence[tuple[Line, Points]], start: int, stop: int, most: int) -> str:
    count = min(stop - start + 1, most)
    places = [start + (stop - start) * index / (count - 1) for index in range(count)]
    first, last = (_axis(plot, lines, place) for place in (start, stop))
    if first == last:  # in the digits that are shown
        first, last = _number(start + 1), _number(stop + 1)
    names = ", ".join(_plain(line.name) for line, _ in lines)
    is_part = any(points[0][0] < start or points[-1][0] > stop for _, points in lines)
    part = f", from {first} to {last}, where all have values" if is_part else ""
    rows = ["xychart-beta", f'  title "{_plain(plot.title)} (lines: {names}{part})"']
    rows.append(f"  x-axis {_label(plot.x)}{first} --> {last}")
    rows += [f"  y-axis {_label(plot.y)}".rstrip()] if plot.y else []
    rows += [f"  line [{', '.join(_number(each) for each in _read_off(points, places))}]" for _, points in lines]
    return "\n".join(rows)


def _axis(plot: Plot, lines: Sequence[tuple[Line, Points]], place: int) -> str:
    """What stands below a place; its number, from 1 on, where the ends of the axis say nothing."""
    longest = max(len(line.values) for line, _ in lines)
    first, last = plot.first, float(longest) if plot.last is None else plot.last
    if not -_LARGEST < first < last < _LARGEST:
        first, last = 1.0, float(longest)
    return _number(first + (last - first) * place / (longest - 1))


def _read_off(points: Points, places: Sequence[float]) -> list[float]:
    """The values at some places, in order, between the first and the last of the points: on the line that joins them."""
    found, index = [], 0
    for place in places:
        while index < len(points) - 2 and points[index + 1][0] < place:
            index += 1
        (left, low), (right, high) = points[index], points[index + 1]
        found.append(low + (high - low) * (place - left) / (right - left))
    return found


def _number(value: float) -> str:
    """Five digits that count, without an exponent."""
    shown = f"{float(f'{value:.5g}'):.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if shown in ("-0", "") else shown


def _label(words: str) -> str:
    return f'"{_plain(words)}" ' if words else ""


def _plain(words: str) -> str:
    """Words in which nothing means anything to Mermaid."""
    return _OUTSIDE.sub(" ", words).strip()[:80] or "unnamed"
