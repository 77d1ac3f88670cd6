"""The range that a rule allows, in the unit in which its interval is: what a picture of the interval is drawn against."""

from __future__ import annotations

from typing import Literal

from mlgit.gate.rule_result import RuleResult
from mlgit.rules import GateRule

Range = tuple[float | None, float | None]


def allowed(rule: GateRule, found: RuleResult, *, better: Literal["higher", "lower"] | None) -> Range:
    """The least and the greatest value allowed, None for an open end.

    Of the difference for rules that compare, of the value itself for a bound; none for rules about slices and data.
    """
    if rule.kind == "bound":
        return rule.minimum, rule.maximum
    if rule.kind not in ("no_worse", "better", "same") or better is None or found.baseline is None:
        return None, None
    margin = rule.margin.of(found.baseline) if rule.margin else rule.by
    if rule.kind == "same":
        return -margin, margin
    nearest = -margin if rule.kind == "no_worse" else margin
    return (nearest, None) if better == "higher" else (None, -nearest)
