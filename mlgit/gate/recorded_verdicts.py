"""Rules that compare, judged on recorded numbers alone: they show nothing, so nothing passes, and what is beyond the margin
fails unless the rule says otherwise."""

from __future__ import annotations

import math
from dataclasses import replace

from mlgit.evaluation.results import MetricEvidence
from mlgit.gate.rule_result import Outcome, RuleResult, broken
from mlgit.gate_tables import Effect
from mlgit.render.text import number
from mlgit.rules import GateRule
from mlgit.statistics import metrics, power

# The share of rows that two models are taken to differ on, as in the tables of docs/review.md.
_DIFFERING = 0.06


def judge(rule: GateRule, seen: MetricEvidence) -> RuleResult:
    """no_worse, better and same from the value of each side, measured on the same test data."""
    assert seen.current is not None
    assert seen.baseline is not None
    margin = rule.margin.of(seen.baseline) if rule.margin else rule.by
    gain = seen.current - seen.baseline if seen.better == "higher" else seen.baseline - seen.current
    if seen.is_exact:
        return _exact(rule, seen, gain=gain, margin=margin)
    told = f"recorded numbers only: {rule.metric} {number(seen.baseline)} → {number(seen.current)}"
    settle = "; ".join(filter(None, [seen.settle, "keep predictions to judge by rows"]))
    found = replace(_result(rule, seen, "inconclusive", told), settle=settle, is_recorded=True)
    if rule.kind != "no_worse":
        return replace(found, effect=rule.if_inconclusive, reason=f"{told}, which cannot show that it is {_asked(rule)}")
    is_beyond = is_above(-gain, margin)
    told += f", {'beyond' if is_beyond else 'within'} the margin of {number(margin)}; {_by_chance(rule, seen, margin)}"
    outcome: Outcome = "warn"
    effect: Effect = "warn"
    if is_beyond and rule.if_recorded == "fail":
        outcome = effect = broken(rule)
    elif is_beyond and rule.if_recorded == "invalid":
        outcome, effect = "invalid", rule.if_invalid
    return replace(found, outcome=outcome, effect=effect, reason=told, needs=f"worse by at most {number(margin)}")


def _asked(rule: GateRule) -> str:
    return "better" if rule.kind == "better" else "the same"


def _exact(rule: GateRule, seen: MetricEvidence, *, gain: float, margin: float) -> RuleResult:
    """What is counted and not estimated, such as bytes, needs no rows."""
    needs, is_kept = {
        "no_worse": (f"worse by at most {number(margin)}", not is_above(-gain, margin)),
        "better": (f"better by more than {number(margin)}", is_above(gain, margin)),
        "same": (f"different by at most {number(margin)}", not is_above(abs(gain), margin)),
    }[rule.kind]
    outcome: Effect = "pass" if is_kept else broken(rule)
    told = f"{rule.metric} {number(seen.baseline or 0)} → {number(seen.current or 0)}"
    return replace(_result(rule, seen, outcome, told), needs=needs, effect=outcome)


def is_above(value: float, limit: float) -> bool:
    """Whether a number is above a limit by more than rounding: 0.9 - 0.89 is a little more than 0.01."""
    return value > limit and not math.isclose(value, limit, rel_tol=1e-9, abs_tol=1e-12)


def _result(rule: GateRule, seen: MetricEvidence, outcome: Outcome, reason: str) -> RuleResult:
    delta = None if seen.current is None or seen.baseline is None else seen.current - seen.baseline
    return RuleResult(
        rule.id,
        rule.kind,
        rule.metric,
        outcome,
        "warn",
        reason=reason,
        baseline=seen.baseline,
        current=seen.current,
        delta=delta,
    )


def _by_chance(rule: GateRule, seen: MetricEvidence, margin: float) -> str:
    """How often the number of an unchanged model would fall by more than the margin."""
    if not seen.n_test:
        return "how often an unchanged model would be beyond it depends on the number of test rows, which is not known"
    if not _is_share(rule, seen):
        return f"how far the {rule.metric} of an unchanged model moves by chance is not known"
    assert seen.baseline is not None
    differing = min(_DIFFERING, max(2 * seen.baseline * (1 - seen.baseline), 1 / seen.n_test))
    chance = 100 * power.chance_of_drop(margin, rows=seen.n_test, differing=differing)
    told = "less than 1" if chance < 0.5 else f"about {chance:.0f}"
    return (
        f"an unchanged model of {seen.n_test} rows is beyond this margin in {told} of 100 reviews, "
        f"if it differs on {number(round(100 * differing, 1))} % of them"
    )


def _is_share(rule: GateRule, seen: MetricEvidence) -> bool:
    """Whether a number can be taken for a mean over rows of something between 0 and 1."""
    known = metrics.METRICS.get(rule.metric.rpartition(".")[2])
    is_fitting = known.kind in ("confusion", "ranking") if known else seen.better == "higher"
    return is_fitting and all(value is not None and 0 <= value <= 1 for value in (seen.baseline, seen.current))
