"""Gate rules judged on evidence: shown, shown to be otherwise, or inconclusive. Never a pass where nothing was compared.

Ends of intervals decide: a rule passes only when the worst value the interval leaves open still passes, and fails only when
the best one does not. Rules that must all pass need no correction for their number; slices, where any alarm counts, do.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlgit.evaluation.results import MetricEvidence, Part
from mlgit.gate import bound_verdicts, recorded_verdicts, slice_verdicts
from mlgit.gate.rule_result import RuleResult, Verdict, broken, invalid
from mlgit.gate_tables import Effect
from mlgit.render.text import number, signed, span
from mlgit.rules import GateRule, Gates, Waiver
from mlgit.statistics import power

if TYPE_CHECKING:
    from mlgit.statistics.comparison import Comparison


def judge(rule: GateRule, seen: MetricEvidence) -> RuleResult:
    """The outcome of one rule of a kind that is about a metric; those about data: `data_rules.judge`."""
    if seen.trouble:
        return invalid(rule, seen.trouble, seen.settle)
    if rule.kind == "bound":
        return bound_verdicts.judge(rule, seen)
    if rule.kind == "gap":
        return slice_verdicts.gap(rule, seen)
    if seen.is_first:
        return RuleResult(
            rule.id, rule.kind, rule.metric, "first", "warn", reason=f"first results for {rule.metric}", current=seen.current
        )
    if seen.better is None:
        return invalid(
            rule,
            f"which way {rule.metric} is better is not declared",
            f"add to mlgit.yaml: metrics: {{{rule.metric}: {{direction: higher}}}} (or lower)",
        )
    if seen.same:
        return _same(rule, seen)
    if rule.kind == "no_harm":
        return slice_verdicts.no_harm(rule, seen)
    if seen.comparison is None:
        return recorded_verdicts.judge(rule, seen)
    return _of_rows(rule, seen.comparison, seen.better)


def verdict(judged: Iterable[RuleResult]) -> Verdict:
    """All rules together. A rule that fails outweighs one that could not be judged; without any rule nothing was judged."""
    found = list(judged)
    failed = [each for each in found if each.effect == "fail"]
    if any(each.outcome != "invalid" for each in failed):
        return "fail"
    if failed or not found:
        return "invalid"
    return "warn" if any(each.effect == "warn" for each in found) else "pass"


def applicable(gates: Gates, *, labels: Collection[str]) -> tuple[GateRule, ...]:
    """The rules that ask for no label, or for one of these."""
    return tuple(each for each in gates.rules if not each.label or each.label in labels)


def set_aside(rule: GateRule, waivers: Iterable[Waiver], *, today: datetime.date) -> frozenset[Part]:
    """The slices of a rule for which a waiver holds today."""
    return frozenset(each.slice for each in waivers if each.rule == rule.id and each.slice and today <= each.until)


def waive(judged: Sequence[RuleResult], waivers: Iterable[Waiver], *, today: datetime.date) -> tuple[RuleResult, ...]:
    """Rules that fail and are set aside as a whole become waived; a waiver past its last day is itself a failure."""
    found, given = list(judged), list(waivers)
    found += [_expired(each) for each in given if today > each.until]
    holding = {each.rule: each for each in given if today <= each.until and not each.slice}
    return tuple(_waived(each, holding[each.id]) if each.id in holding else each for each in found)


def _waived(judged: RuleResult, waiver: Waiver) -> RuleResult:
    if judged.outcome not in ("fail", "warn", "inconclusive"):
        return judged
    reason = f"{judged.reason}; waived until {waiver.until} by {waiver.by}: {waiver.reason}"
    return replace(judged, outcome="waived", effect="warn", reason=reason)


def _expired(waiver: Waiver) -> RuleResult:
    return RuleResult(
        f"{waiver.rule}.waiver",
        "waiver",
        "",
        "invalid",
        "fail",
        reason=f"the waiver of {waiver.rule} by {waiver.by} ended on {waiver.until}",
        settle="take it out of mlgit.yaml, or set a new day and say why",
    )


def _same(rule: GateRule, seen: MetricEvidence) -> RuleResult:
    """Nothing changed that the metric could see, so there is nothing that rows would have to show."""
    found = RuleResult(rule.id, rule.kind, rule.metric, "pass", "pass", reason=seen.same)
    return replace(found, baseline=seen.baseline, current=seen.current, delta=0.0)


def _of_rows(rule: GateRule, found: Comparison, better: str) -> RuleResult:
    """no_worse, better and same, from the interval of the gain (the difference, turned so that more is better)."""
    if found.baseline is None or found.current is None:
        told = f"{rule.metric} has no value on these rows: {found.reason or 'it is undefined'}"
        return invalid(rule, told, "rows of every class, with a label and a prediction")
    if found.low is None or found.high is None:
        return _inconclusive(rule, found, found.reason or "there is no interval", "more rows in the test set")
    margin = rule.margin.of(found.baseline) if rule.margin else rule.by
    least, most = (found.low, found.high) if better == "higher" else (-found.high, -found.low)
    size = number(margin)
    needs, is_shown, is_refuted, opposite = {
        "no_worse": (f"worse by less than {size}", least > -margin, most < -margin, f"worse by more than {size}"),
        "better": (f"better by more than {size}", least > margin, most <= margin, f"better by at most {size}"),
        "same": (
            f"different by less than {size}",
            -margin < least and most < margin,
            most < -margin or least > margin,
            f"different by more than {size}",
        ),
    }[rule.kind]
    if is_shown and not found.may_pass:
        settle = "more seeds, or more rows: both decide" if found.is_of_recipes else "more rows in the test set"
        return replace(_inconclusive(rule, found, found.note, settle), needs=needs)
    if is_shown:
        return _result(rule, found, "pass", needs, f"shown to be {needs}")
    if is_refuted:
        return _result(rule, found, broken(rule), needs, f"shown to be {opposite}")
    low, high = span(found.low, found.high)
    verb = "does" if found.units == 1 else "do"
    reason = f"the {found.told(found.units)} {verb} not decide: the interval reaches from {low} to {high}"
    gain = (found.delta or 0) if better == "higher" else -(found.delta or 0)
    return replace(_inconclusive(rule, found, reason, _settling(rule, found, gain, margin)), needs=needs)


def _settling(rule: GateRule, found: Comparison, gain: float, margin: float) -> str:
    """How many rows would be enough, from the variance that the interval shows; or that the estimate is beyond."""
    assert found.low is not None
    assert found.high is not None
    beyond = {"no_worse": gain <= -margin, "better": gain <= margin, "same": abs(gain) >= margin}[rule.kind]
    if beyond:
        limit = "not better" if rule.kind == "better" and not margin else "beyond the margin"
        return f"the estimate itself ({signed(found.delta or 0)}) is {limit}, so more rows would rather show that"
    if found.is_of_recipes:
        return f"more {'folds' if found.counted == 'fold' else 'seeds'}, or more rows: both decide"
    room = gain - margin if rule.kind == "better" else margin
    units = found.units
    variance = power.variance_of_row(found.low, found.high, units, confidence=found.confidence_level)
    rows = power.rows_needed(room, variance=variance, alpha=(1 - found.confidence_level) / 2)
    given = "if the difference stayed the same" if rule.kind == "better" else "if nothing changed"
    return f"about {found.told(max(rows, units + 1))} would decide with 80 % probability, {given}"


def _inconclusive(rule: GateRule, found: Comparison, reason: str, settle: str) -> RuleResult:
    return replace(_result(rule, found, "pass", "", reason), outcome="inconclusive", effect=rule.if_inconclusive, settle=settle)


def _result(rule: GateRule, found: Comparison, outcome: Effect, needs: str, reason: str) -> RuleResult:
    return RuleResult(
        rule.id,
        rule.kind,
        rule.metric,
        outcome,
        outcome,
        needs,
        reason,
        baseline=found.baseline,
        current=found.current,
        delta=found.delta,
        low=found.low,
        high=found.high,
    )
