"""DVC's plot templates as drawings: lines, points, bars and confusion matrices of two sides, told apart by more than colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from mlgit.diff.plot_points import PlotSeries
from mlgit.render import svg
from mlgit.render.svg import Frame, Span, element, safe
from mlgit.report import plot_matrix
from mlgit.report.numbers import value
from mlgit.report.rates import CHANCE, RATES

LINES, SMOOTH, POINTS = ("linear", "simple"), ("smooth",), ("scatter", "scatter_jitter")
BARS, MATRICES = ("bar_horizontal", "bar_horizontal_sorted"), ("confusion", "confusion_normalized")
_WIDTH, _HEIGHT = 480, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 18, 28, 46
_MOST_POINTS, _MOST_LINES, _MOST_BARS = 500, 24, 40
_COLOURS = ("var(--b)", "var(--a)")  # of the base and of the current side
_WIDTHS = ("1.5", "2.5")
_DASHES = ("", "8 4", "2 3", "12 4 2 4", "5 2 1 2", "16 4")
_BANDWIDTH = 0.3  # of the points, that a smoothed value looks at

Drawn = tuple[list[str], list[str]]
Points = list[Span]


class _Line(NamedTuple):
    side: int
    name: str
    dash: int
    points: Points


def draw(series: Sequence[PlotSeries], *, template: str, title: str, labels: tuple[str, str], sides: tuple[str, str]) -> Drawn:
    """The figures of a plot, and what a reader has to know of them."""
    if template in MATRICES:
        return plot_matrix.figures(series, is_normalized=template == "confusion_normalized", labels=labels, sides=sides)
    if template in BARS:
        return _bars(series, title=title, labels=labels, sides=sides, is_sorted=template == "bar_horizontal_sorted")
    notes = [] if template in (*LINES, *SMOOTH, *POINTS) else [f"template {template} is not one of DVC's own: drawn as lines"]
    lines, told = _lines(series, sides)
    notes += told
    if not lines:
        return [], [*notes, "there are no two numbers in it"]
    if len(lines) > _MOST_LINES:
        notes.append(f"{_MOST_LINES} of {len(lines)} lines are drawn")
    return [_figure(lines[:_MOST_LINES], template, title, labels, sides)], notes


def _lines(series: Sequence[PlotSeries], sides: tuple[str, str]) -> tuple[list[_Line], list[str]]:
    names = list(dict.fromkeys(_name(each, series) for each in series))
    found, notes = [], []
    for each in series:
        points = [(_number(x), _number(y)) for x, y in each.points]
        if points and all(x is None for x, _ in points) and any(y is not None for _, y in points):
            points = [(float(at), y) for at, (_, y) in enumerate(points)]
            notes.append("what stands below is no number, so values are in the order of their rows")
        whole = [(x, y) for x, y in points if x is not None and y is not None]
        if lost := len(points) - len(whole):
            notes.append(f"{each.side}: {lost} of {len(points)} values of {each.field} are no numbers")
        if whole:
            name = _name(each, series)
            found.append(_Line(sides.index(each.side), name, names.index(name) % len(_DASHES), whole))
    return found, list(dict.fromkeys(notes))


def _name(each: PlotSeries, series: Sequence[PlotSeries]) -> str:
    """What tells a series from the others of its side: file, column, both or neither."""
    parts = [each.file] if len({one.file for one in series}) > 1 else []
    parts += [each.field] if len({one.field for one in series}) > 1 else []
    return " · ".join(parts)


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        return None
    try:
        found = float(raw)
    except (ValueError, OverflowError):
        return None
    return found if abs(found) < 1e300 else None


def _thinned(points: Points) -> Points:
    if len(points) <= _MOST_POINTS:
        return points
    step = (len(points) - 1) / (_MOST_POINTS - 1)
    return [points[round(at * step)] for at in range(_MOST_POINTS)]


def _figure(lines: Sequence[_Line], template: str, title: str, labels: tuple[str, str], sides: tuple[str, str]) -> str:
    is_square = _is_of_rates(lines, labels)
    frame = _frame(lines, is_square=is_square)
    body = _axes(frame, labels)
    if is_square and labels[0].lower() in CHANCE:
        diagonal = {"d": f"M{frame.left} {frame.bottom}L{frame.right} {frame.top}", "stroke": "var(--soft)"}
        body.append(element("path", {**diagonal, "stroke-dasharray": "3 5"}))
    for line in lines:
        body += _drawn(line, template, frame)
    below = frame.bottom + _BOTTOM
    entries = list(dict.fromkeys((line.side, line.name, line.dash) for line in lines))
    for at, (side, name, dash) in enumerate(entries):
        body += _entry(side, dash, f"{sides[side]}{f' · {name}' if name else ''}", below + 12 + 22 * at, template)
    said = "; ".join(
        f"{sides[line.side]} {line.name}".strip() + f": {len(line.points)} points, {value(min(y for _, y in line.points))} to "
        f"{value(max(y for _, y in line.points))}, last {value(line.points[-1][1])}"
        for line in lines[:6]
    )
    height = below + 22 * len(entries) + 4
    drawing = svg.inside_page(body, width=frame.right + _RIGHT, height=height, title=title, description=said)
    return f"<figure>\n{drawing}\n<figcaption>{safe(said)}</figcaption>\n</figure>"


def _is_of_rates(lines: Sequence[_Line], labels: tuple[str, str]) -> bool:
    if labels[0].lower() not in RATES or labels[1].lower() not in RATES:
        return False
    return all(0 <= number <= 1 for line in lines for point in line.points for number in point)


def _frame(lines: Sequence[_Line], *, is_square: bool) -> Frame:
    if is_square:
        side = _HEIGHT + 60 - _TOP
        return Frame(_LEFT, _TOP, side, side, (0.0, 1.0), (0.0, 1.0))
    across = _ends([x for line in lines for x, _ in line.points])
    up = _ends([y for line in lines for _, y in line.points])
    return Frame(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM, across, up)


def _ends(numbers: Sequence[float]) -> Span:
    low, high = min(numbers), max(numbers)
    if not high / 2 - low / 2 > 1e-300:
        room = abs(low) / 2 if abs(low) > 1e-300 else 1.0
        return low - room, high + room
    room = (high / 2 - low / 2) * 0.06
    return low - room, high + room


def _ticks(ends: Span) -> list[float]:
    """Round numbers between the ends, about four of them."""
    size = ends[1] / 2 - ends[0] / 2
    if not (size > 0 and math.isfinite(size)):
        return [ends[0]]
    rough = size * 0.4
    magnitude = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else rough
    step = next((factor * magnitude for factor in (1, 2, 5) if factor * magnitude >= rough), 10 * magnitude)
    first = math.ceil(ends[0] / step)
    found = [(first + at) * step for at in range(8) if (first + at) * step <= ends[1]]
    return found or [ends[0]]


def _axes(frame: Frame, labels: tuple[str, str]) -> list[str]:
    found = []
    for tick in _ticks(frame.up):
        y = frame.spot(frame.across[0], tick)[1]
        found.append(element("path", {"d": f"M{frame.left} {y:.1f}H{frame.right}", "stroke": "var(--line)"}))
        found.append(_text(frame.left - 8, y + 4, _short(tick), "end"))
    for tick in _ticks(frame.across):
        x = frame.spot(tick, frame.up[0])[0]
        found.append(element("path", {"d": f"M{x:.1f} {frame.top}V{frame.bottom}", "stroke": "var(--line)"}))
        found.append(_text(x, frame.bottom + 18, _short(tick), "middle"))
    corner = {"d": f"M{frame.left} {frame.top}V{frame.bottom}H{frame.right}", "fill": "none", "stroke": "var(--soft)"}
    found.append(element("path", corner))
    found.append(_text(frame.left, frame.top - 10, svg.clipped(labels[1], 50), "start"))
    found.append(_text((frame.left + frame.right) / 2, frame.bottom + 36, svg.clipped(labels[0], 50), "middle"))
    return found


def _short(tick: float) -> str:
    return value(0.0 if abs(tick) < 1e-12 else float(f"{tick:.10g}"))


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return svg.text(words, {"x": float(x), "y": float(y), "font-size": 13, "fill": "var(--ink)"}, anchor=anchor)


def _drawn(line: _Line, template: str, frame: Frame) -> list[str]:
    points = _thinned(line.points)
    if template in POINTS or len(points) == 1:
        return [_mark(line, *frame.spot(*point)) for point in points]
    stroke = {"stroke": _COLOURS[line.side], "stroke-width": _WIDTHS[line.side], "stroke-dasharray": _DASHES[line.dash]}
    points = sorted(points, key=lambda point: point[0]) if not _is_curve(points) else points
    raw = element("polyline", {"fill": "none", **stroke, "points": _spots(points, frame)})
    if template not in SMOOTH:
        return [raw]
    faint = element("polyline", {"fill": "none", **stroke, "stroke-opacity": "0.35", "points": _spots(points, frame)})
    return [faint, element("polyline", {"fill": "none", **stroke, "points": _spots(_smoothed(points), frame)})]


def _is_curve(points: Points) -> bool:
    """Whether the places grow or fall all the way, as those of curves of rates do, where some are equal."""
    return all(a[0] <= b[0] for a, b in pairwise(points)) or all(a[0] >= b[0] for a, b in pairwise(points))


def _spots(points: Points, frame: Frame) -> str:
    return " ".join("{:.1f},{:.1f}".format(*frame.spot(*point)) for point in points)


def _mark(line: _Line, x: float, y: float) -> str:
    """A ring for the base, a square for the current side."""
    ink = {"fill": "none", "stroke": _COLOURS[line.side], "stroke-width": "1.5"}
    if line.side:
        return element("rect", {"x": x - 3.0, "y": y - 3.0, "width": 6, "height": 6, **ink})
    return element("circle", {"cx": x, "cy": y, "r": 3.5, **ink})


def _smoothed(points: Points) -> Points:
    """Each value by a straight line through the nearest ones, the nearer the heavier."""
    near = max(3, math.ceil(_BANDWIDTH * len(points)))
    if len(points) <= near:
        return points
    found = []
    for at, (x, _) in enumerate(points):
        start = min(max(0, at - near // 2), len(points) - near)
        window = points[start : start + near]
        widest = max(abs(each - x) for each, _ in window) * 1.0001 or 1.0
        weights = [(1 - (abs(each - x) / widest) ** 3) ** 3 for each, _ in window]
        total = sum(weights)
        mean_x = sum(weight * each for weight, (each, _) in zip(weights, window, strict=True)) / total
        mean_y = sum(weight * each for weight, (_, each) in zip(weights, window, strict=True)) / total
        spread = sum(weight * (each - mean_x) ** 2 for weight, (each, _) in zip(weights, window, strict=True))
        slope = sum(weight * (a - mean_x) * (b - mean_y) for weight, (a, b) in zip(weights, window, strict=True))
        found.append((x, mean_y + (slope / spread if spread else 0.0) * (x - mean_x)))
    return found


def _entry(side: int, dash: int, words: str, y: float, template: str) -> list[str]:
    line = _Line(side, words, dash, [])
    if template in POINTS:
        mark = _mark(line, _LEFT + 20, y - 4)
    else:
        stroke = {"stroke": _COLOURS[side], "stroke-width": _WIDTHS[side], "stroke-dasharray": _DASHES[dash]}
        mark = element("path", {"d": f"M{_LEFT} {y - 4:.1f}h40", **stroke})
    return [mark, _text(_LEFT + 50, y, svg.clipped(words, 46), "start")]


def _bars(
    series: Sequence[PlotSeries], *, title: str, labels: tuple[str, str], sides: tuple[str, str], is_sorted: bool
) -> Drawn:
    """One chart for each column: a bar for each category and side."""
    drawn, notes = [], []
    for name in dict.fromkeys(_name(each, series) for each in series):
        sums: dict[str, dict[int, float]] = {}
        for each in (one for one in series if _name(one, series) == name):
            for x, y in each.points:
                number = _number(x)
                own = sums.setdefault(svg.clipped(str(y), 200), {})
                if number is not None:
                    own[sides.index(each.side)] = own.get(sides.index(each.side), 0.0) + number
        order = sorted(sums, key=lambda key: -max(sums[key].values(), default=0.0)) if is_sorted else sorted(sums)
        if len(order) > _MOST_BARS:
            notes.append(f"{_MOST_BARS} of {len(order)} categories are drawn")
        if any(sums.values()):
            drawn.append(_bar_chart({key: sums[key] for key in order[:_MOST_BARS]}, f"{title} {name}".strip(), labels, sides))
    return drawn, notes


def _bar_chart(sums: dict[str, dict[int, float]], title: str, labels: tuple[str, str], sides: tuple[str, str]) -> str:
    left, thick = 140, 11
    numbers = [0.0, *(number for own in sums.values() for number in own.values())]
    high = max(numbers) or 1.0
    frame = Frame(left, _TOP, _WIDTH - left - 60, (2 * thick + 10) * len(sums), (min(numbers), high), (0.0, 1.0))
    zero = frame.spot(0.0, 0)[0]
    body = [_text(8, frame.top - 10, svg.clipped(labels[1], 40), "start")]
    for at, (name, own) in enumerate(sums.items()):
        top = frame.top + at * (2 * thick + 10)
        body.append(_text(left - 8, top + thick + 4, svg.clipped(name, 18), "end"))
        for side, number in own.items():
            end = frame.spot(number, 0)[0]
            place = {
                "x": min(zero, end),
                "y": float(top + side * thick),
                "width": max(1.0, abs(end - zero)),
                "height": thick - 1,
            }
            look = {"fill": _COLOURS[side]} if side else {"fill": "none", "stroke": _COLOURS[side]}
            body.append(element("rect", {**place, **look}))
            body.append(_text(max(zero, end) + 4, top + side * thick + 10, value(number), "start"))
    body.append(_text((frame.left + frame.right) / 2, frame.bottom + 16, svg.clipped(labels[0], 50), "middle"))
    for side, name in enumerate(sides):
        y = frame.bottom + 26 + 20 * side
        look = {"fill": _COLOURS[side]} if side else {"fill": "none", "stroke": _COLOURS[side]}
        body.append(element("rect", {"x": 8, "y": y, "width": 24, "height": 10, **look}))
        body.append(_text(40, y + 10, svg.clipped(name, 50), "start"))
    said = "; ".join(
        f"{name}: " + ", ".join(f"{sides[side]} {value(number)}" for side, number in own.items()) for name, own in sums.items()
    )
    drawing = svg.inside_page(body, width=_WIDTH, height=frame.bottom + 72, title=title, description=said)
    return f"<figure>\n{drawing}\n<figcaption>{safe(title)}</figcaption>\n</figure>"
