"""A plot inside a page: lines told apart by dashes too, with a title and a description for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence

from mlgit.render import svg
from mlgit.render.svg import Frame, Span, element, safe
from mlgit.report.document import Line, Plot
from mlgit.report.mermaid import points_of
from mlgit.report.numbers import value
from mlgit.report.rates import CHANCE, CORNERS, RATES

_WIDTH, _HEIGHT = 480, 280
_SQUARE = 400  # how wide and high a plot of two rates is
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 28, 44
_MOST_LINES = 6
_MOST_POINTS = 500
_TICKS = 4
_COLOURS = ("var(--a)", "var(--b)", "var(--c)", "var(--d)", "var(--e)", "var(--f)")
_DASHES = ("", "8 4", "2 4", "12 4 2 4", "4 4", "16 4")  # so that colour is not all that tells lines apart


Points = list[Span]


def figure(plot: Plot) -> str:
    """The plot with its caption; in words only, where there are fewer than two finite values."""
    lines = [(line, points) for line in plot.lines[:_MOST_LINES] if len(points := _points(plot, line)) > 1]
    title = safe(plot.title)
    if not lines:
        return f"<figure><figcaption>{title}: fewer than two points</figcaption></figure>"
    described = "; ".join(f"{line.name}: from {value(points[0][1])} to {value(points[-1][1])}" for line, points in lines)
    frame = _unit_frame() if _is_of_rates(plot) else _frame(lines)
    below = frame.bottom + _BOTTOM
    body = [*_axes(plot, frame), *(_drawn(index, points, frame) for index, (_, points) in enumerate(lines))]
    body += [part for index, (line, _) in enumerate(lines) for part in _legend(index, line, below + 14 + 22 * index)]
    height, width = below + 22 * len(lines), frame.right + _RIGHT
    drawing = svg.inside_page(body, width=width, height=height, title=plot.title, description=described)
    return f"<figure>\n{drawing}\n<figcaption>{title}. {safe(described)}</figcaption>\n</figure>"


def _is_of_rates(plot: Plot) -> bool:
    last = len(max(plot.lines, key=lambda line: len(line.values)).values) if plot.last is None else plot.last
    heights = [number for line in plot.lines for _, number in points_of(line)]
    is_within = plot.first >= 0 and last <= 1 and min(heights, default=0.0) >= 0 and max(heights, default=0.0) <= 1
    return is_within and plot.x.lower() in RATES and plot.y.lower() in RATES


def _points(plot: Plot, line: Line) -> Points:
    found = [(place + 1.0, number) for place, number in points_of(line)]
    if len(found) > _MOST_POINTS:
        step = (len(found) - 1) / (_MOST_POINTS - 1)
        found = [found[round(index * step)] for index in range(_MOST_POINTS)]
    if not _is_of_rates(plot) or len(line.values) < 2:
        return found
    last = float(len(line.values)) if plot.last is None else plot.last
    step = (last - plot.first) / (len(line.values) - 1)
    placed = [(plot.first + (place - 1) * step, number) for place, number in found]
    return [(0.0, 0.0), *placed, (1.0, 1.0)] if plot.x.lower() in CORNERS and placed else placed


def _unit_frame() -> Frame:
    side = _SQUARE - _LEFT - _RIGHT
    return Frame(_LEFT, _TOP, side, side, (0.0, 1.0), (0.0, 1.0))


def _frame(lines: Sequence[tuple[Line, Points]]) -> Frame:
    """From the first place to the last, and from the least value to the greatest."""
    heights = [number for _, points in lines for _, number in points]
    low, high = min(heights), max(heights)
    if not high / 2 > low / 2:  # half of the smallest number there is would be 0
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    last = float(max(len(line.values) for line, _ in lines))
    return Frame(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM, (1.0, last), (low, high))


def _drawn(index: int, points: Points, frame: Frame) -> str:
    spots = " ".join("{:.1f},{:.1f}".format(*frame.spot(*point)) for point in points)
    return element("polyline", {"fill": "none", **_stroke(index), "points": spots})


def _stroke(index: int) -> dict[str, str]:
    return {"stroke": _COLOURS[index], "stroke-width": "2", "stroke-dasharray": _DASHES[index]}


def _axes(plot: Plot, frame: Frame) -> list[str]:
    low, high = frame.up
    corner = {"d": f"M{frame.left} {frame.top}V{frame.bottom}H{frame.right}", "fill": "none", "stroke": "var(--soft)"}
    found = [element("path", corner)]
    for tick in range(_TICKS + 1):
        share = tick / _TICKS
        y = frame.bottom - share * frame.height
        found.append(element("path", {"d": f"M{frame.left} {y:.1f}H{frame.right}", "stroke": "var(--line)"}))
        found.append(_label(frame.left - 8, y + 4, value(low * (1 - share) + high * share), anchor="end"))
    if _is_of_rates(plot) and plot.x.lower() in CHANCE:
        diagonal = {"d": f"M{frame.left} {frame.bottom}L{frame.right} {frame.top}", "fill": "none", "stroke": "var(--soft)"}
        found.append(element("path", {**diagonal, "stroke-dasharray": "3 5"}))
    first = 0.0 if _is_of_rates(plot) else plot.first
    last = 1.0 if _is_of_rates(plot) else frame.across[1] if plot.last is None else plot.last
    found.append(_label(frame.left, frame.bottom + 18, value(first), anchor="middle"))
    found.append(_label(frame.right, frame.bottom + 18, value(last), anchor="end"))
    if plot.y:
        found.append(_label(frame.left, frame.top - 8, svg.clipped(plot.y, 48), anchor="start"))
    if plot.x:
        found.append(_label((frame.left + frame.right) // 2, frame.bottom + 34, svg.clipped(plot.x, 48), anchor="middle"))
    return found


def _label(x: int, y: float, words: str, *, anchor: str) -> str:
    return svg.text(words, {"x": x, "y": float(y), "font-size": 13, "fill": "var(--ink)"}, anchor=anchor)


def _legend(index: int, line: Line, y: int) -> list[str]:
    mark = element("path", {"d": f"M{_LEFT} {y - 4}h40", **_stroke(index)})
    return [mark, _label(_LEFT + 50, y, svg.clipped(line.name, 48), anchor="start")]
