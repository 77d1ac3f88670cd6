"""A plot inside a page: lines told apart by dashes too, with a title and a description for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence

from mlgit.render import svg
from mlgit.render.svg import Frame, Span, element, safe
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

Points = list[Span]


def figure(plot: Plot) -> str:
    """The plot with its caption; in words only, where there are fewer than two finite values."""
    lines = [(line, points) for line in plot.lines[:_MOST_LINES] if len(points := _points(line)) > 1]
    title = safe(plot.title)
    if not lines:
        return f"<figure><figcaption>{title}: fewer than two points</figcaption></figure>"
    described = "; ".join(f"{line.name}: from {value(points[0][1])} to {value(points[-1][1])}" for line, points in lines)
    frame = _frame(lines)
    body = [*_axes(plot, frame), *(_drawn(index, points, frame) for index, (_, points) in enumerate(lines))]
    body += [part for index, (line, _) in enumerate(lines) for part in _legend(index, line)]
    height = _HEIGHT + 22 * len(lines)
    drawing = svg.inside_page(body, width=_WIDTH, height=height, title=plot.title, description=described)
    return f"<figure>\n{drawing}\n<figcaption>{title}. {safe(described)}</figcaption>\n</figure>"


def _points(line: Line) -> Points:
    found = [(place + 1.0, number) for place, number in points_of(line)]
    if len(found) <= _MOST_POINTS:
        return found
    step = (len(found) - 1) / (_MOST_POINTS - 1)
    return [found[round(index * step)] for index in range(_MOST_POINTS)]


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
    last = frame.across[1] if plot.last is None else plot.last
    found.append(_label(frame.left, frame.bottom + 18, value(plot.first), anchor="middle"))
    found.append(_label(frame.right, frame.bottom + 18, value(last), anchor="end"))
    if plot.y:
        found.append(_label(frame.left, frame.top - 8, plot.y[:80], anchor="start"))
    if plot.x:
        found.append(_label((frame.left + frame.right) // 2, frame.bottom + 34, plot.x[:60], anchor="middle"))
    return found


def _label(x: int, y: float, words: str, *, anchor: str) -> str:
    return svg.text(words, {"x": x, "y": float(y), "font-size": 12, "fill": "var(--ink)"}, anchor=anchor)


def _legend(index: int, line: Line) -> list[str]:
    y = _HEIGHT + 14 + 22 * index
    mark = element("path", {"d": f"M{_LEFT} {y - 4}h40", **_stroke(index)})
    return [mark, _label(_LEFT + 50, y, line.name[:80], anchor="start")]
