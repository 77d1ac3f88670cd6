"""A plot as SVG inside a page: lines told apart by dashes too, with a title and a description for those who cannot see it."""

from __future__ import annotations

import html

from mlgit.render import plain
from mlgit.report.document import Line, Plot
from mlgit.report.figures import value
from mlgit.report.mermaid import points_of

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 28, 40
_MOST_LINES = 6
_MOST_POINTS = 500
_TICKS = 4
_COLOURS = ("var(--a)", "var(--b)", "var(--c)", "var(--d)", "var(--e)", "var(--f)")
_DASHES = ("", "8 4", "2 4", "12 4 2 4", "4 4", "16 4")  # so that colour is not all that tells lines apart

Points = list[tuple[float, float]]


def safe(words: str) -> str:
    """Words as text or as an attribute: no markup, and control characters shown."""
    return html.escape(plain(words), quote=True)


def figure(plot: Plot) -> str:
    """The plot with its caption; in words only, where there are fewer than two finite values."""
    lines = [(line, points) for line in plot.lines[:_MOST_LINES] if len(points := _points(line)) > 1]
    title = safe(plot.title)
    if not lines:
        return f"<figure><figcaption>{title}: fewer than two points</figcaption></figure>"
    told = safe("; ".join(_described(line, points) for line, points in lines))
    inside = "\n".join([*_axes(plot, lines), *(_drawn(index, points, lines) for index, (_, points) in enumerate(lines))])
    legend = "\n".join(_legend(index, line) for index, (line, _) in enumerate(lines))
    height = _HEIGHT + 22 * len(lines)
    label = f'role="img" aria-label="{title}" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    return (
        f"<figure>\n<svg {label}>\n<title>{title}</title>\n<desc>{told}</desc>\n{inside}\n{legend}\n</svg>\n"
        f"<figcaption>{title}. {told}</figcaption>\n</figure>"
    )


def _points(line: Line) -> Points:
    found = [(place + 1.0, number) for place, number in points_of(line)]
    if len(found) <= _MOST_POINTS:
        return found
    step = (len(found) - 1) / (_MOST_POINTS - 1)
    return [found[round(index * step)] for index in range(_MOST_POINTS)]


def _described(line: Line, points: Points) -> str:
    return f"{line.name}: from {value(points[0][1])} to {value(points[-1][1])}"


def _range(lines: list[tuple[Line, Points]]) -> tuple[float, float, float]:
    """The last place, the least and the greatest value."""
    heights = [number for _, points in lines for _, number in points]
    low, high = min(heights), max(heights)
    if not high / 2 > low / 2:  # half of the smallest number there is would be 0
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    return float(max(len(line.values) for line, _ in lines)), low, high


def _spot(place: float, number: float, last: float, low: float, high: float) -> tuple[float, float]:
    across = (place - 1) / max(last - 1, 1)
    # halves, for the difference of two very large numbers may be beyond all numbers
    up = (number / 2 - low / 2) / (high / 2 - low / 2)
    return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)


def _drawn(index: int, points: Points, lines: list[tuple[Line, Points]]) -> str:
    last, low, high = _range(lines)
    spots = " ".join(f"{x:.1f},{y:.1f}" for x, y in (_spot(place, number, last, low, high) for place, number in points))
    return f'<polyline fill="none" {_stroke(index)} points="{spots}"/>'


def _stroke(index: int) -> str:
    dash = f' stroke-dasharray="{_DASHES[index]}"' if _DASHES[index] else ""
    return f'stroke="{_COLOURS[index]}" stroke-width="2"{dash}'


def _axes(plot: Plot, lines: list[tuple[Line, Points]]) -> list[str]:
    last, low, high = _range(lines)
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    found = [f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="var(--soft)"/>']
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        height = low * (1 - share) + high * share
        y = bottom - share * (bottom - _TOP)
        found.append(f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="var(--line)"/>')
        found.append(_label(_LEFT - 8, y + 4, value(height), anchor="end"))
    found.append(_label(_LEFT, bottom + 18, value(plot.first), anchor="middle"))
    found.append(_label(right, bottom + 18, value(last if plot.last is None else plot.last), anchor="end"))
    if plot.y:
        found.append(_label(_LEFT, _TOP - 8, plot.y[:80], anchor="start"))
    if plot.x:
        found.append(_label((_LEFT + right) / 2, bottom + 34, plot.x[:60], anchor="middle"))
    return found


def _label(x: float, y: float, words: str, *, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.1f}" font-size="12" fill="var(--ink)" text-anchor="{anchor}">{safe(words)}</text>'


def _legend(index: int, line: Line) -> str:
    y = _HEIGHT + 14 + 22 * index
    return f'<path d="M{_LEFT} {y - 4}h40" {_stroke(index)}/>\n{_label(_LEFT + 50, y, line.name[:80], anchor="start")}'
