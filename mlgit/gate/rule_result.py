"""What a rule comes to, and the words that every kind of rule uses for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mlgit.gate_tables import Effect
from mlgit.render.text import number
from mlgit.rules import Amount, GateRule

Outcome = Literal["pass", "warn", "fail", "inconclusive", "invalid", "first", "waived"]
Verdict = Literal["pass", "warn", "fail", "invalid"]


SliceStanding = Literal["harmed", "no harm shown", "apart", "not apart", "too few rows", "no value", "gone", "waived"]


@dataclass(frozen=True, slots=True)
class SliceResult:
    """A slice of a rule: its numbers, and how it stands. `pvalue` is that of harm, adjusted for all slices looked at."""

    name: str
    standing: SliceStanding
    n: int = 0
    baseline: float | None = None
    current: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    pvalue: float | None = None


@dataclass(frozen=True, slots=True)
class RuleResult:
    """A rule's outcome: the numbers, what was needed, why, and what would settle or mend it.

    `effect` is what the outcome counts as in the verdict; `model` whose metric was judged, `path` what a rule about data
    is about. `is_recorded`: recorded numbers alone were judged, without rows.
    `least` and `most` are the ends of what is allowed, in the unit of `low` and `high`. `slices` are what a rule
    about slices looked at.
    """

    id: str
    kind: str
    metric: str
    outcome: Outcome
    effect: Effect
    needs: str = ""
    reason: str = ""
    settle: str = ""
    baseline: float | None = None
    current: float | None = None
    delta: float | None = None
    low: float | None = None
    high: float | None = None
    model: str = ""
    least: float | None = None
    most: float | None = None
    path: str = ""
    is_recorded: bool = False
    slices: tuple[SliceResult, ...] = ()


def broken(rule: GateRule) -> Literal["fail", "warn"]:
    """What a rule counts as when it does not hold."""
    return rule.severity


def invalid(rule: GateRule, reason: str, settle: str = "") -> RuleResult:
    """That nothing could be judged, why, and what would mend it."""
    return RuleResult(rule.id, rule.kind, rule.metric, "invalid", rule.if_invalid, reason=reason, settle=settle)


def shown(amount: Amount | None) -> str:
    """A margin as it is written in mlgit.yaml."""
    assert amount
    return f"{number(amount.value * 100)} %" if amount.is_relative else number(amount.value)
