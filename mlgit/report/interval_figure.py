"""The interval of a gated metric against what its rule allows: where it lies, and how far the rows leave that open."""

from __future__ import annotations

import math
from collections.abc import Iterable

from mlgit.gate.rule_result import RuleResult
from mlgit.render import svg
from mlgit.render.svg import Frame, element, safe
from mlgit.render.text import decimals
from mlgit.report.figures import OUTCOME_TONES, SIGNS, got
from mlgit.report.numbers import signed, value

_WIDTH, _HEIGHT = 480, 92
_LEFT, _RIGHT, _TOP, _BOTTOM = 16, 16, 26, 30
_MOST = 24
_PART = 0.06  # of the width that stays free at both ends
_NEAR = 0.2  # of the width, within which two labels would run into each other


def figures(rules: Iterable[RuleResult]) -> list[str]:
    """One figure for each rule whose interval and limit are known, in the order of the rules, the first of them."""
    return [_figure(rule) for rule in rules if _is_drawable(rule)][:_MOST]


def _is_drawable(rule: RuleResult) -> bool:
    ends = (rule.low, rule.high, _middle(rule))
    limits = [limit for limit in (rule.least, rule.most) if limit is not None]
    return bool(limits) and all(each is not None and math.isfinite(each) for each in (*ends, *limits))


def _middle(rule: RuleResult) -> float | None:
    return rule.current if rule.kind == "bound" else rule.delta


def _figure(rule: RuleResult) -> str:
    assert rule.low is not None
    assert rule.high is not None
    frame = _frame(rule)
    digits = decimals(rule.low, rule.high)
    tone = OUTCOME_TONES.get(rule.outcome, "") or "plain"
    y = frame.top + frame.height / 2
    start, end = frame.spot(rule.low, 0)[0], frame.spot(rule.high, 0)[0]
    body = [*_refused(rule, frame), *_scale(rule, frame, digits)]
    bar = f"M{start:.1f} {y:.1f}H{end:.1f}M{start:.1f} {y - 7:.1f}v14M{end:.1f} {y - 7:.1f}v14"
    body.append(element("path", {"d": bar, "fill": "none", "stroke": f"var(--{tone})", "stroke-width": 3}))
    body.append(element("circle", {"cx": frame.spot(_middle(rule) or 0.0, 0)[0], "cy": y, "r": 5.5, "fill": f"var(--{tone})"}))
    about = f"{rule.metric}{f' of {rule.model}' if rule.model else ''}"
    ends = f"from {signed(rule.low, digits)} to {signed(rule.high, digits)}" if rule.kind != "bound" else ""
    ends = ends or f"from {value(rule.low, digits)} to {value(rule.high, digits)}"
    said = f"{got(rule)}; the interval reaches {ends}; needed: {rule.needs or 'see the gate'}"
    title = f"{SIGNS[rule.outcome]} {rule.id}"
    drawing = svg.inside_page(body, width=_WIDTH, height=_HEIGHT, title=f"{rule.id}: {about}", description=said)
    caption = f"<strong>{safe(title)}</strong> {safe(about)}: {safe(got(rule))}"
    return f"<figure>\n<figcaption>{caption}</figcaption>\n{drawing}\n</figure>"


def _frame(rule: RuleResult) -> Frame:
    known = [each for each in (rule.low, rule.high, _middle(rule), rule.least, rule.most) if each is not None]
    known += [] if rule.kind == "bound" else [0.0]
    low, high = min(known), max(known)
    room = (high / 2 - low / 2) * 2 * _PART
    if not room or not math.isfinite(room) or not (high + room) / 2 > (low - room) / 2:
        room = abs(high) / 2 or 1.0
    return Frame(_LEFT, _TOP, _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM, (low - room, high + room), (0.0, 1.0))


def _refused(rule: RuleResult, frame: Frame) -> list[str]:
    """What the rule does not allow, as a field with the limit at its edge."""
    found = []
    for limit, is_below in ((rule.least, True), (rule.most, False)):
        if limit is None:
            continue
        x = frame.spot(limit, 0)[0]
        left, right = (float(frame.left), x) if is_below else (x, float(frame.right))
        place = {"x": left, "y": frame.top, "width": max(0.0, right - left), "height": frame.height}
        found.append(element("rect", {**place, "fill": "var(--refused)"}))
        edge = {"d": f"M{x:.1f} {frame.top}V{frame.bottom}", "stroke": "var(--bad)", "stroke-dasharray": "5 3"}
        found.append(element("path", {**edge, "stroke-width": "1.5"}))
        anchor = _anchor(x, frame)
        found.append(_label(x, frame.top - 8, f"limit {_told(rule, limit, None)}", anchor))
    return found


def _scale(rule: RuleResult, frame: Frame, digits: int | None) -> list[str]:
    found = [element("path", {"d": f"M{frame.left} {frame.bottom}H{frame.right}", "stroke": "var(--soft)"})]
    low, high = frame.across
    below = frame.bottom + 18
    found.append(_label(frame.left, below, _told(rule, low, digits), "start"))
    found.append(_label(frame.right, below, _told(rule, high, digits), "end"))
    if rule.kind != "bound":
        zero = frame.spot(0.0, 0)[0]
        line = {"d": f"M{zero:.1f} {frame.top}V{frame.bottom}", "stroke": "var(--soft)", "stroke-width": "1"}
        found.append(element("path", line))
        share = (zero - frame.left) / frame.width
        if _NEAR < share < 1 - _NEAR:
            found.append(_label(zero, below, "no change", "middle"))
    return found


def _told(rule: RuleResult, number: float, digits: int | None) -> str:
    return value(number, digits) if rule.kind == "bound" else signed(number, digits)


def _anchor(x: float, frame: Frame) -> str:
    share = (x - frame.left) / frame.width
    return "start" if share < _NEAR else "end" if share > 1 - _NEAR else "middle"


def _label(x: float, y: float, words: str, anchor: str) -> str:
    return svg.text(words, {"x": float(x), "y": float(y), "font-size": 13, "fill": "var(--ink)"}, anchor=anchor)
