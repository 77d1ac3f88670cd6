"""What became of windows one after the other: verdicts, how unlikely each is, and the evidence that gathers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from mlgit.monitoring import verdict_words
from mlgit.monitoring.chain import JudgedWindow
from mlgit.monitoring.verdict import MonitorVerdict
from mlgit.render.svg import Frame, element
from mlgit.render.text import count, number
from mlgit.report.window_axis import LEFT, RIGHT, TONES, WIDTH, WindowAxis, figure, label

_STRIP = 44
_HEIGHT = 190
_TOP, _BOTTOM = 22, 26
# Colour is never all: what is worse stands higher.
_TALL = {"quiet": 0.35, "watch": 0.7, "page": 1.0, "cannot_tell": 0.35}
_LEAST, _MOST = -12.0, 12.0  # powers of ten that are drawn
_MOST_TICKS = 6
PAGES_AT = 100.0


def verdicts(axis: WindowAxis) -> str:
    """A bar for each window: the higher, the worse; hollow where it could not be told; a dot below where it was accepted."""
    bottom = _TOP + _STRIP
    body = [*axis.versions(top=_TOP, bottom=bottom), *axis.names(bottom + 28)]
    for place, each in enumerate(axis.windows):
        body += _bar(axis, place, each, bottom)
    caption = "low: quiet, middle: watch, high: page, hollow: cannot tell; a dot below: accepted by a person"
    description = ", ".join(f"{each.verdict.window.name} {each.verdict.verdict}" for each in axis.windows[-20:])
    return figure(axis, body, height=bottom + 36, title="Verdicts", description=description, caption=caption)


def _bar(axis: WindowAxis, place: int, judged: JudgedWindow, bottom: float) -> Iterator[str]:
    verdict = judged.verdict
    height = _STRIP * _TALL[verdict.verdict]
    gap = min(1.0, axis.slot * 0.15)
    tone = f"var(--{TONES[verdict.verdict]})"
    paint = {"fill": "none", "stroke": tone} if verdict.verdict == "cannot_tell" else {"fill": tone}
    box = {"x": axis.start(place) + gap / 2, "y": bottom - height, "width": max(0.5, axis.slot - gap), "height": height}
    yield "<g>"
    accepted = f", accepted: {judged.acceptance.reason}" if judged.acceptance else ""
    yield element("title", {}, f"{verdict.window.name}: {verdict.verdict.replace('_', ' ')}{accepted}")
    yield element("rect", {**box, **paint})
    if judged.acceptance:
        yield element("circle", {"cx": axis.middle(place), "cy": bottom + 8.0, "r": 3.5, "fill": "var(--ink)"})
    yield "</g>"


def pvalues(axis: WindowAxis) -> str:
    """How unlikely each window would be if nothing had changed, on a scale of powers of ten, with the line where it alarms."""
    found = [_power(each.verdict.pvalue) for each in axis.windows]
    alphas = [_power(each.verdict.alpha) for each in axis.windows]
    known = [each for each in (*found, *alphas) if each is not None]
    if not any(each is not None for each in found):
        return ""
    frame = _frame(min([*known, -2.0]) - 0.15, 0.0, upside_down=True)
    body = [*_grid(frame, _plain_power), *axis.versions(top=frame.top, bottom=frame.bottom)]
    body += _steps(axis, frame, alphas)
    for place, (power, each) in enumerate(zip(found, axis.windows, strict=True)):
        if power is not None:
            body += _dot(axis, frame, place, power, each.verdict)
    body += axis.names(frame.bottom + 18)
    alarms = sum(each.verdict.verdict in ("watch", "page") for each in axis.windows)
    caption = "how often a quiet window is as far away: the higher, the rarer. Red line: alarms beyond it; hollow: extrapolated"
    return figure(
        axis, body, height=_HEIGHT, title="p-value", description=f"{count(alarms, 'window')} beyond the line", caption=caption
    )


def martingale(axis: WindowAxis) -> str:
    """The evidence that has gathered against nothing having changed, on a scale of powers of ten, and where it pages."""
    found = [_power(each.verdict.martingale) for each in axis.windows]
    known = [each for each in found if each is not None]
    if not known:
        return ""
    frame = _frame(min([*known, -1.0]), max([*known, 2.5]))
    body = [*_grid(frame, _plain_power), *axis.versions(top=frame.top, bottom=frame.bottom)]
    y = frame.spot(0.0, math.log10(PAGES_AT))[1]
    body.append(_line(f"M{frame.left} {y:.1f}H{frame.right}", "var(--bad)", dashed=True))
    body.append(label("pages at 100", frame.right - 4, y - 5, anchor="end", fill="var(--bad)"))
    body += [_line(path, "var(--a)") for path in _paths(axis, frame, found)]
    for place, power in enumerate(found):
        if power is not None:
            spot: dict[str, str | float] = {
                "cx": axis.middle(place),
                "cy": frame.spot(0.0, power)[1],
                "r": 2.5,
                "fill": "var(--a)",
            }
            body.append(element("circle", spot))
    body += axis.names(frame.bottom + 18)
    caption = "over all windows; an alarm starts it anew"
    said = f"the last is {number(10 ** known[-1])}"
    return figure(axis, body, height=_HEIGHT, title="Evidence (martingale)", description=said, caption=caption)


def _power(value: float | None) -> float | None:
    """The power of ten of a number, within what is drawn."""
    if value is None:
        return None
    return max(_LEAST, min(_MOST, math.log10(value))) if value > 0 else _LEAST


def _frame(low: float, high: float, *, upside_down: bool = False) -> Frame:
    up = (high, low) if upside_down else (low, high)
    return Frame(LEFT, _TOP, WIDTH - LEFT - RIGHT, _HEIGHT - _TOP - _BOTTOM, (0.0, 1.0), up)


def _grid(frame: Frame, words: Callable[[int], str]) -> Iterator[str]:
    low, high = sorted(frame.up)
    powers = range(math.ceil(low), math.floor(high) + 1)
    step = max(1, math.ceil(len(powers) / _MOST_TICKS))
    for power in powers:
        if power % step == 0:
            y = frame.spot(0.0, power)[1]
            yield _line(f"M{frame.left} {y:.1f}H{frame.right}", "var(--line)")
            yield label(words(power), frame.left - 8, y + 4, anchor="end")


def _plain_power(power: int) -> str:
    return number(10.0**power) if -5 <= power <= 5 else f"1e{power}"


def _steps(axis: WindowAxis, frame: Frame, alphas: Sequence[float | None]) -> Iterator[str]:
    """The line where windows alarm: a step where the declared number of false alarms changed."""
    parts, last = [], None
    for place, alpha in enumerate(alphas):
        if alpha is not None:
            y = frame.spot(0.0, alpha)[1]
            start = "" if last is not None else f"M{axis.start(place):.1f} {y:.1f}"
            parts.append(f"{start}V{y:.1f}H{axis.start(place) + axis.slot:.1f}")
        last = alpha
    if parts:
        yield _line("".join(parts), "var(--bad)", dashed=True)


def _dot(axis: WindowAxis, frame: Frame, place: int, power: float, verdict: MonitorVerdict) -> list[str]:
    tone = f"var(--{TONES[verdict.verdict]})"
    radius = 3.0 if axis.slot > 4 else 2.0
    place_of = {"cx": axis.middle(place), "cy": frame.spot(0.0, power)[1], "r": radius}
    paint = {"fill": "var(--paper)", "stroke": tone} if verdict_words.is_extrapolated(verdict) else {"fill": tone}
    title = element("title", {}, f"{verdict.window.name}: p {number(verdict.pvalue or 0.0)}")
    return ["<g>", title, element("circle", {**place_of, **paint}), "</g>"]


def _paths(axis: WindowAxis, frame: Frame, powers: Sequence[float | None]) -> Iterator[str]:
    """Lines through the values, broken where there is none."""
    points: list[str] = []
    for place, power in enumerate([*powers, None]):
        if power is not None:
            points.append(f"{axis.middle(place):.1f} {frame.spot(0.0, power)[1]:.1f}")
            continue
        if len(points) > 1:
            yield "M" + "L".join(points)
        points = []


def _line(path: str, stroke: str, *, dashed: bool = False) -> str:
    found = {"d": path, "fill": "none", "stroke": stroke, "stroke-width": "1.5"}
    return element("path", found | ({"stroke-dasharray": "5 3"} if dashed else {}))
