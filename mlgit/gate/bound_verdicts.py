"""Rules about limits: decided by the interval of the value where rows give one, else by the value, which is then said."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mlgit.evaluation.results import MetricEvidence
from mlgit.gate.rule_result import Outcome, RuleResult, broken, invalid, shown
from mlgit.gate_tables import Effect
from mlgit.render.text import number, span
from mlgit.rules import GateRule
from mlgit.statistics import power


@dataclass(frozen=True, slots=True)
class _Limit:
    """One limit of a rule: what it needs, whether that is kept, broken or open, what was found, and what would settle it."""

    needs: str
    state: Literal["kept", "broken", "open", "first"]
    found: str
    settle: str = ""


def judge(rule: GateRule, seen: MetricEvidence) -> RuleResult:
    """Whether the value is within `min` and `max`, and its change within `max_change`."""
    if seen.current is None:
        return invalid(rule, f"there is no {rule.metric}")
    if not math.isfinite(seen.current):  # nothing compares with NaN, so no limit would be broken
        return invalid(rule, f"{rule.metric} is {number(seen.current)}, which is not a finite number")
    if rule.max_change is not None and seen.baseline is not None and not math.isfinite(seen.baseline):
        return invalid(rule, f"{rule.metric} of the baseline is {number(seen.baseline)}, which is not a finite number")
    if rule.use in ("lower", "upper") and seen.interval is None:
        why = f"{rule.metric} has no confidence interval: {seen.no_interval or 'there are no predictions per row'}"
        return replace(invalid(rule, why), current=seen.current)
    limits = [*_of_value(rule, seen), *([_of_change(rule, seen)] if rule.max_change else [])]
    return _together(rule, seen, limits)


def _together(rule: GateRule, seen: MetricEvidence, limits: list[_Limit]) -> RuleResult:
    """The worst of the limits is the outcome, and tells why."""
    states = {each.state for each in limits}
    worst = next(state for state in ("broken", "open", "first", "kept") if state in states)
    telling = [each for each in limits if each.state == worst]
    outcomes: dict[str, tuple[Outcome, Effect]] = {
        "broken": (broken(rule), broken(rule)),
        "open": ("inconclusive", rule.if_inconclusive),
        "first": ("first", "warn"),
        "kept": ("pass", "pass"),
    }
    outcome, effect = outcomes[worst]
    interval = seen.interval or (None, None)
    return RuleResult(
        rule.id,
        rule.kind,
        rule.metric,
        outcome,
        effect,
        " and ".join(each.needs for each in limits),
        "; ".join(dict.fromkeys(each.found for each in telling)),
        "; ".join(dict.fromkeys(each.settle for each in telling if each.settle)),
        baseline=seen.baseline,
        current=seen.current,
        delta=None if seen.baseline is None or seen.current is None else seen.current - seen.baseline,
        low=interval[0],
        high=interval[1],
        is_recorded=_is_recorded(seen),
    )


def _is_recorded(seen: MetricEvidence) -> bool:
    return seen.interval is None and not seen.n and not seen.is_exact


def _of_value(rule: GateRule, seen: MetricEvidence) -> Iterator[_Limit]:
    """The limits of the value itself. What has no rows goes by its value."""
    value = seen.current
    assert value is not None
    ends, told = (value, value), f"{rule.metric} is {number(value)}"
    if rule.use in ("lower", "upper") and seen.interval:
        end = seen.interval[rule.use == "upper"]
        ends, told = (end, end), f"the {rule.use} end of {rule.metric} is {number(end)}"
    elif rule.use == "interval" and seen.interval:
        low, high, middle = span(*seen.interval, value)
        ends, told = seen.interval, f"{rule.metric} is {middle} ({_level(seen)} interval {low} to {high})"
    elif rule.use == "interval" and seen.n:
        ends, told = (-math.inf, math.inf), f"{told}, without an interval: {seen.no_interval}"
    elif _is_recorded(seen):
        told += f" (recorded value, no interval{f': {seen.no_interval}' if seen.no_interval else ''})"
    for limit, needs, least, most in (
        (rule.minimum, "at least", ends[0], ends[1]),
        (rule.maximum, "at most", -ends[1], -ends[0]),
    ):
        if limit is not None:
            wanted, room = (limit, value - limit) if needs == "at least" else (-limit, limit - value)
            state: Literal["kept", "broken", "open"] = "kept" if least >= wanted else "broken" if most < wanted else "open"
            settle = _settle(rule, seen, room) if state == "open" else ""
            if state == "kept" and seen.doubt and rule.use != "point":
                state, told, settle = "open", f"{told}; {seen.doubt}", "more rows in the test set"
            yield _Limit(f"{needs} {number(limit)}", state, told, settle)


def _of_change(rule: GateRule, seen: MetricEvidence) -> _Limit:
    """The limit of the change from the baseline, by the interval of the difference where there is one."""
    assert rule.max_change
    needs = f"changed by at most {shown(rule.max_change)}"
    if seen.baseline is None or seen.current is None:
        return _Limit(needs, "first", f"first results for {rule.metric}")
    change, limit = abs(seen.current - seen.baseline), rule.max_change.of(seen.baseline)
    told, found = f"it changed by {number(change)}", seen.comparison
    if rule.use != "interval" or found is None:
        return _Limit(needs, "broken" if change > limit else "kept", told)
    if found.low is None or found.high is None:
        return _Limit(needs, "open", f"{told}, without an interval: {found.reason}", "more rows in the test set")
    least = max(0.0, found.low, -found.high)
    most = max(-found.low, found.high)
    low, high = span(found.low, found.high)
    told += f" ({_level(seen)} interval of the difference {low} to {high})"
    state: Literal["kept", "broken", "open"] = "kept" if most <= limit else "broken" if least > limit else "open"
    if state == "kept" and not found.may_pass:
        state, told = "open", f"{told}; {found.note}"
    return _Limit(needs, state, told, "more rows in the test set" if state == "open" else "")


def _settle(rule: GateRule, seen: MetricEvidence, room: float) -> str:
    """How many rows would show a value that is `room` within its limit, from the width of its interval."""
    if room <= 0:
        return "the value itself is beyond the limit, so more rows would rather show that: a better model is needed"
    if seen.interval is None or not seen.n:
        return "more rows in the test set"
    variance = power.variance_of_row(*seen.interval, seen.n, confidence=1 - 2 * seen.alpha)
    rows = max(power.rows_needed(room, variance=variance, alpha=seen.alpha), seen.n + 1)
    return f"about {rows} rows would show it with 80 % probability, if {rule.metric} stayed the same; there are {seen.n}"


def _level(seen: MetricEvidence) -> str:
    return f"{number(100 * (1 - 2 * seen.alpha))} %"
