"""Metrics and KPIs over windows, with their intervals: full where labels measured them, hollow where they are estimated."""

from __future__ import annotations

from collections.abc import Iterator

from mlgit.monitoring import verdict_words
from mlgit.monitoring.verdict import MonitoredMetric
from mlgit.render.svg import Frame, element
from mlgit.render.text import count, number
from mlgit.report.window_axis import LEFT, RIGHT, WIDTH, WindowAxis, figure, label

MOST_METRICS = 12
_HEIGHT, _TOP, _BOTTOM = 170, 22, 26
_ROOM = 0.06
_LARGEST = 1e300


def figures(axis: WindowAxis) -> Iterator[str]:
    """A figure for each metric, in the order in which they first come."""
    names = dict.fromkeys(each.name for window in axis.windows for each in window.verdict.metrics)
    for name in [*names][:MOST_METRICS]:
        found = [
            (place, each) for place, window in enumerate(axis.windows) for each in window.verdict.metrics if each.name == name
        ]
        yield _figure(axis, name, found)


def _figure(axis: WindowAxis, name: str, found: list[tuple[int, MonitoredMetric]]) -> str:
    frame = _frame([each for _, each in found])
    body = [*_scale(frame), *axis.versions(top=frame.top, bottom=frame.bottom)]
    for place, each in found:
        body += _point(axis, frame, place, each)
    body += axis.names(frame.bottom + 18)
    broken = sum(each.is_broken for _, each in found)
    kind = "KPI" if found[0][1].kind == "kpi" else "Metric"
    last = verdict_words.metric_value(found[-1][1])
    caption = "full: measured by labels, hollow: estimated without them; short line: at release; red: beyond its limit"
    description = f"the last is {last}; {count(broken, 'window')} beyond the limit"
    return figure(axis, body, height=_HEIGHT, title=f"{kind}: {name}", description=description, caption=caption)


def _frame(metrics: list[MonitoredMetric]) -> Frame:
    known = [value for each in metrics for value in (each.value, each.low, each.high, each.baseline) if value is not None]
    low, high = max(-_LARGEST, min(known)), min(_LARGEST, max(known))
    room = (high / 2 - low / 2) * 2 * _ROOM
    if not room or not (high + room) / 2 > (low - room) / 2:
        room = abs(high) / 2 or 1.0
    return Frame(LEFT, _TOP, WIDTH - LEFT - RIGHT, _HEIGHT - _TOP - _BOTTOM, (0.0, 1.0), (low - room, high + room))


def _scale(frame: Frame) -> Iterator[str]:
    low, high = frame.up
    for value in (low, low / 2 + high / 2, high):
        y = frame.spot(0.0, value)[1]
        yield element("path", {"d": f"M{frame.left} {y:.1f}H{frame.right}", "stroke": "var(--line)"})
        yield label(number(float(f"{value:.3g}")), frame.left - 8, y + 4, anchor="end")


def _point(axis: WindowAxis, frame: Frame, place: int, metric: MonitoredMetric) -> Iterator[str]:
    x, y = axis.middle(place), frame.spot(0.0, metric.value)[1]
    tone = "var(--bad)" if metric.is_broken else "var(--a)"
    yield "<g>"
    at_release = "" if metric.baseline is None else f", at release {number(metric.baseline)}"
    name = axis.windows[place].verdict.window.name
    yield element("title", {}, f"{name}: {verdict_words.metric_value(metric)}{at_release}")
    if metric.baseline is not None:
        half, base = axis.slot / 2, frame.spot(0.0, metric.baseline)[1]
        yield element("path", {"d": f"M{x - half:.1f} {base:.1f}H{x + half:.1f}", "stroke": "var(--soft)"})
    if metric.low is not None and metric.high is not None:
        ends = frame.spot(0.0, metric.low)[1], frame.spot(0.0, metric.high)[1]
        dashes = "3 2" if metric.is_estimated else ""
        bar = {"d": f"M{x:.1f} {ends[0]:.1f}V{ends[1]:.1f}", "stroke": tone, "stroke-width": "1.5", "stroke-dasharray": dashes}
        yield element("path", bar)
    paint = {"fill": "var(--paper)", "stroke": tone} if metric.is_estimated else {"fill": tone}
    yield element("circle", {"cx": x, "cy": y, "r": 3.0 if axis.slot > 4 else 2.0, **paint})
    yield "</g>"
