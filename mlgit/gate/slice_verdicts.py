"""Rules about slices: harm shown in any of them, and how far apart they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mlgit.evaluation.results import MetricEvidence, Part
from mlgit.gate.rule_result import Outcome, RuleResult, broken, invalid, shown
from mlgit.render.text import count, number
from mlgit.rules import Effect, GateRule
from mlgit.statistics import multiple


def no_harm(rule: GateRule, seen: MetricEvidence) -> RuleResult:
    """Fails only on harm that is proven in a slice, with Holm's correction for the number of slices."""
    assert rule.slices
    parts = seen.parts or {}
    judged = {part: each for part, each in parts.items() if each.pvalue is not None and each.n >= rule.slices.min_n}
    chances = [max(0.0, 1 - (each.pvalue or 0.0)) for each in judged.values()]
    adjusted = multiple.holm(chances) if rule.slices.correct == "holm" else chances
    rows = zip(judged, judged.values(), adjusted, strict=True)
    harmed = [(part, each, chance) for part, each, chance in rows if chance <= seen.alpha]
    needs = f"no slice shown to be worse by more than {shown(rule.margin)}"
    if harmed:
        outcome: Outcome = broken(rule) if {part for part, _, _ in harmed} - seen.set_aside else "waived"
        effect: Effect = "warn" if outcome == "waived" else broken(rule)
        told = [f"{_named(part)} {number(each.delta or 0)} (adj. p {number(chance)})" for part, each, chance in harmed]
        return RuleResult(rule.id, rule.kind, rule.metric, outcome, effect, needs, "; ".join(told))
    if seen.missing and rule.slices.if_missing != "pass":
        return _without_rows(rule, seen, rule.slices.if_missing, needs)
    if not judged:
        reason = f"none of {len(parts) + len(seen.small)} slices has {rule.slices.min_n} rows and a comparison"
        return RuleResult(
            rule.id, rule.kind, rule.metric, "inconclusive", rule.if_inconclusive, needs, reason, "more rows in the test set"
        )
    without = [part for part in parts if part not in judged]
    reason = "; ".join([f"{count(len(judged), 'slice')}, no harm shown", *_unjudged(seen.small, without)])
    return RuleResult(rule.id, rule.kind, rule.metric, "pass", "pass", needs, reason)


def gap(rule: GateRule, seen: MetricEvidence) -> RuleResult:
    """Whether the best and the worst slice are close enough to each other."""
    assert rule.slices
    assert rule.maximum is not None
    large = {part: each for part, each in (seen.parts or {}).items() if each.n >= rule.slices.min_n}
    values = {part: each.current for part, each in large.items() if each.current is not None and math.isfinite(each.current)}
    without = [part for part in large if part not in values]
    if len(values) < 2:
        return invalid(rule, f"a gap needs two slices of {rule.slices.min_n} rows, and there are {len(values)}")
    best, worst = max(values, key=lambda part: values[part]), min(values, key=lambda part: values[part])
    width, needs = values[best] - values[worst], f"at most {number(rule.maximum)} apart"
    told = f"{_named(best)} {number(values[best])}, {_named(worst)} {number(values[worst])}: {number(width)} apart"
    reason = "; ".join([told, *_unjudged(seen.small, without)])
    if width > rule.maximum:
        return RuleResult(rule.id, rule.kind, rule.metric, broken(rule), broken(rule), needs, reason, current=width)
    if seen.missing and rule.slices.if_missing != "pass":
        return _without_rows(rule, seen, rule.slices.if_missing, needs)
    outcome: Outcome = "inconclusive" if without else "pass"
    effect: Effect = rule.if_inconclusive if without else "pass"
    return RuleResult(rule.id, rule.kind, rule.metric, outcome, effect, needs, reason, current=width)


def _without_rows(rule: GateRule, seen: MetricEvidence, effect: Effect, needs: str) -> RuleResult:
    told = "; ".join(f"no rows of {_named(part)}" for part in seen.missing)
    return RuleResult(rule.id, rule.kind, rule.metric, effect, effect, needs, told)


def _unjudged(small: Sequence[Part], without: Sequence[Part]) -> list[str]:
    """What a rule about slices did not look at, so that a pass never hides it."""
    told = [f"{len(small)} too small to judge"] if small else []
    return told + ([f"no value for {', '.join(map(_named, without))}"] if without else [])


def _named(part: Part) -> str:
    return " and ".join(f"{column}={value}" for column, value in part)
