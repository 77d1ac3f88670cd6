"""Numbers and verdicts as a reviewer reads them: no more digits than the interval supports, and never colour alone."""

from __future__ import annotations

from collections.abc import Iterable

from mlgit.evaluation.results import MetricResult
from mlgit.gate.rule_result import RuleResult
from mlgit.render.text import decimals, level_of
from mlgit.report.numbers import signed, value
from mlgit.report.page import Tone

SIGNS = {"pass": "✅", "warn": "⚠️", "fail": "⛔", "inconclusive": "❔", "invalid": "🚫", "first": "🆕", "waived": "🟡"}
STANDINGS = {
    "better": "▲ better",
    "worse": "▼ worse",
    "not shown (after adjustment)": "? not shown (after adjustment)",
    "no worse": "≈ no worse",
    "same": "= the same",
    "inconclusive": "? inconclusive",
    "unverified": "· recorded only",
    "first": "first result",
    "invalid": "🚫 invalid",
    "changed": "· changed",
}
# What colour tells besides the words.
OUTCOME_TONES: dict[str, Tone] = {
    "pass": "good",
    "warn": "warn",
    "fail": "bad",
    "inconclusive": "warn",
    "invalid": "bad",
    "waived": "warn",
}
STANDING_TONES: dict[str, Tone] = {"better": "good", "worse": "bad", "inconclusive": "warn", "invalid": "bad"}
ARROWS = {"higher": " ↑", "lower": " ↓", None: ""}


def difference(row: MetricResult) -> str:
    """The difference with its interval."""
    digits = decimals(row.low, row.high)
    if row.delta is None:
        return "–"
    ends = "" if row.low is None or row.high is None else f" ({signed(row.low, digits)}, {signed(row.high, digits)})"
    return signed(row.delta, digits) + ends


def side(row: MetricResult, number: float | None) -> str:
    """The value of one side, with the digits its difference has."""
    return value(number, decimals(row.low, row.high))


def got(rule: RuleResult) -> str:
    """What a gate rule found: the numbers it looked at, or why there are none."""
    digits = decimals(rule.low, rule.high)
    if rule.kind in ("no_worse", "better", "same") and rule.delta is not None:
        ends = "" if rule.low is None or rule.high is None else f" ({signed(rule.low, digits)}, {signed(rule.high, digits)})"
        return f"{signed(rule.delta, digits)}{ends}"
    if rule.kind == "bound" and rule.current is not None:
        ends = "" if rule.low is None or rule.high is None else f" ({value(rule.low, digits)}, {value(rule.high, digits)})"
        return f"{value(rule.current, digits)}{ends}"
    return rule.reason


def share(number: float) -> str:
    """A share as signed percent."""
    return f"{signed(100 * number, 1)} %"


def level_head(rows: Iterable[MetricResult]) -> str:
    """The level of all intervals, as it stands in the header of a table; '' where there are several, or none."""
    levels = {row.confidence_level for row in rows if row.low is not None}
    return f" ({level_of(next(iter(levels)))})" if len(levels) == 1 else ""
