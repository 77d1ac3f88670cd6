"""Plots as Mermaid text, which GitHub, GitLab and Gitea draw themselves: nothing is uploaded anywhere."""

from __future__ import annotations

import math
import re

from mlgit.report.document import Line, Plot

LONGEST = 4_000  # characters; Gitea draws no more than 5,000
_MOST_LINES = 6
_MOST_POINTS = 100
_OUTSIDE = re.compile(r"[^A-Za-z0-9 _.,()/=+-]+")


def chart(plot: Plot) -> str:
    """The plot as an xychart. A value that is not finite is left out, with long lines thinned out evenly."""
    lines = [(line, points) for line in plot.lines[:_MOST_LINES] if len(points := _points(line)) > 1]
    if not lines:
        return f"%% {_plain(plot.title)}: fewer than two points"
    names = ", ".join(_plain(line.name) for line, _ in lines)
    last = float(max(len(line.values) for line, _ in lines)) if plot.last is None else plot.last
    rows = ["xychart-beta", f'  title "{_plain(plot.title)} (lines: {names})"']
    rows.append(f"  x-axis {_label(plot.x)}{plot.first:.5g} --> {last:.5g}")
    rows += [f"  y-axis {_label(plot.y)}".rstrip()] if plot.y else []
    rows += [f"  line [{', '.join(f'{value:.5g}' for value in points)}]" for _, points in lines]
    return "\n".join(rows)


def _points(line: Line) -> list[float]:
    finite = [value for value in line.values if math.isfinite(value)]
    if len(finite) <= _MOST_POINTS:
        return finite
    step = (len(finite) - 1) / (_MOST_POINTS - 1)
    return [finite[round(index * step)] for index in range(_MOST_POINTS)]


def _label(words: str) -> str:
    return f'"{_plain(words)}" ' if words else ""


def _plain(words: str) -> str:
    """Words in which nothing means anything to Mermaid."""
    return _OUTSIDE.sub(" ", words).strip()[:80] or "unnamed"
