"""Rules about slices: harm shown in any of them, and how far apart they are.

Any slice can raise the alarm, so chance has as many tries as there are slices, in all such rules together: Holm's correction
heeds that. A pass needs no correction, for every slice has to allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mlgit.evaluation.results import MetricEvidence, Part, SliceGap, SliceGaps
from mlgit.gate.rule_result import Outcome, RuleResult, broken, invalid, shown
from mlgit.gate_tables import Effect
from mlgit.render.text import count, few, number
from mlgit.rules import GateRule
from mlgit.statistics import multiple, power

if TYPE_CHECKING:
    from mlgit.statistics.comparison import Comparison


def together(seen: Iterable[tuple[GateRule, str, MetricEvidence]]) -> dict[tuple[str, str], MetricEvidence]:
    """Rules about harm with their evidence by rule and model, p-values adjusted for all slices of all."""
    found = {(rule.id, name): (rule, each) for rule, name, each in seen}
    chances = {key: _chances(rule, each) for key, (rule, each) in found.items() if _is_corrected(rule)}
    alarms = [(key, part) for key, parts in chances.items() for part in parts]
    adjusted = dict(zip(alarms, multiple.holm([chances[key][part] for key, part in alarms]), strict=True))
    return {
        key: replace(each, harm={part: adjusted[key, part] for part in chances[key]}, tests=len(alarms))
        if key in chances
        else replace(each, harm=_chances(rule, each), tests=1)
        for key, (rule, each) in found.items()
    }


def no_harm(rule: GateRule, seen: MetricEvidence) -> RuleResult:
    """Fails only on harm that is shown in a slice, heeding how many slices are looked at."""
    assert rule.slices
    if seen.harm is None:
        seen = together([(rule, "", seen)])[rule.id, ""]
    parts, adjusted = seen.parts or {}, seen.harm or {}
    judged = _judged(rule, seen)
    harmed = {part: chance for part, chance in adjusted.items() if chance <= seen.alpha}
    needs = f"no slice shown to be worse by more than {shown(rule.margin)}"
    draws = min((each.draws for each in judged.values() if each.draws), default=0)
    if draws and draws < (needed := multiple.draws_needed(seen.tests, alpha=seen.alpha)):
        return _too_few_draws(rule, draws, needed, f"harm in any of {count(seen.tests, 'slice')}")
    if harmed:
        outcome: Outcome = broken(rule) if harmed.keys() - seen.set_aside else "waived"
        effect: Effect = "warn" if outcome == "waived" else broken(rule)
        told = [f"{named(part)} {number(judged[part].delta or 0)} (adj. p {number(each)})" for part, each in harmed.items()]
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
    """Whether all slices are near each other: shown for every pair, shown not to be so for one, or neither."""
    assert rule.slices
    assert rule.maximum is not None
    gaps = seen.gaps or SliceGaps({}, ())
    if not gaps.pairs:
        return invalid(rule, f"a gap needs two slices of {rule.slices.min_n} rows, and there are {len(gaps.values)}")
    tests = len(gaps.pairs) if rule.slices.correct == "holm" else 1
    if gaps.draws and gaps.draws < (needed := multiple.draws_needed(tests, alpha=seen.alpha)):
        return _too_few_draws(rule, gaps.draws, needed, f"a gap in any of {count(tests, 'pair')} of slices")
    widest = max(gaps.pairs, key=lambda pair: pair.width)
    apart = [pair for pair in gaps.pairs if pair.least is not None and pair.least > rule.maximum]
    found = RuleResult(
        rule.id,
        rule.kind,
        rule.metric,
        "pass",
        "pass",
        f"at most {number(rule.maximum)} apart",
        current=widest.width,
        low=widest.lower,
        high=widest.upper,
    )
    others = _unjudged(seen.small, gaps.without)
    if apart:
        worst = max(apart, key=lambda pair: pair.width)
        told = f"shown to be more than {number(rule.maximum)} apart: {_told(worst, gaps.values)}"
        more = [f"and {count(len(apart) - 1, 'other pair')}"] if len(apart) > 1 else []
        least = f"at least {number(worst.least or 0)}" + (f", heeding that {tests} pairs are looked at" if tests > 1 else "")
        reason = "; ".join([f"{told} ({least})", *more, *others])
        return replace(found, outcome=broken(rule), effect=broken(rule), reason=reason)
    if seen.missing and rule.slices.if_missing != "pass":
        return _without_rows(rule, seen, rule.slices.if_missing, found.needs)
    reason = "; ".join([_told(widest, gaps.values), *others])
    open_ = [pair for pair in gaps.pairs if pair.upper is None or max(pair.upper, -(pair.lower or 0)) > rule.maximum]
    if not open_ and not gaps.without and not gaps.few:
        return replace(found, reason=reason)
    if gaps.few:
        reason = f"too few rows decide the value of {few([named(each) for each in gaps.few])}; {reason}"
    if open_:
        reason = f"the rows do not decide about {count(len(open_), 'pair')} of slices; {reason}"
    settle = _settling(rule, seen, open_, len(gaps.pairs))
    return replace(found, outcome="inconclusive", effect=rule.if_inconclusive, reason=reason, settle=settle)


def _settling(rule: GateRule, seen: MetricEvidence, open_: Sequence[SliceGap], pairs: int) -> str:
    """How many rows a slice would be enough, if the slices were equal."""
    assert rule.maximum is not None
    known = [pair for pair in open_ if pair.lower is not None and pair.upper is not None]
    if not known or rule.maximum <= 0:
        return "more rows in every slice"
    if max(pair.width for pair in known) > rule.maximum:
        return f"the values themselves are more than {number(rule.maximum)} apart: more rows can only show it"
    rows = max(_rows_of(pair, rule.maximum, alpha=seen.alpha, pairs=pairs) for pair in known)
    return f"about {rows} rows in every slice would decide with 80 % probability, if all slices are equally good"


def _rows_of(pair: SliceGap, most: float, *, alpha: float, pairs: int) -> int:
    """The rows for one pair, where every one of so many has to be shown, and either of the two may be ahead."""
    assert pair.lower is not None
    assert pair.upper is not None
    variance = power.variance_of_row(pair.lower, pair.upper, pair.rows, confidence=1 - 2 * alpha)
    return max(power.rows_needed(most, variance=variance, alpha=alpha, power=1 - 0.2 / (2 * pairs)), pair.rows + 1)


def named(part: Part) -> str:
    """A slice as its columns and values."""
    return " and ".join(f"{column}={value}" for column, value in part)


def _is_corrected(rule: GateRule) -> bool:
    return rule.slices is not None and rule.slices.correct == "holm"


def _judged(rule: GateRule, seen: MetricEvidence) -> dict[Part, Comparison]:
    least = rule.slices.min_n if rule.slices else 0
    return {part: each for part, each in (seen.parts or {}).items() if each.pvalue_harm is not None and each.n >= least}


def _chances(rule: GateRule, seen: MetricEvidence) -> dict[Part, float]:
    return {part: each.pvalue_harm or 0.0 for part, each in _judged(rule, seen).items()}


def _told(pair: SliceGap, values: Mapping[Part, float]) -> str:
    told = f"{named(pair.high)} {number(values[pair.high])}, {named(pair.low)} {number(values[pair.low])}"
    ends = "" if pair.lower is None or pair.upper is None else f" ({number(pair.lower)} to {number(pair.upper)})"
    return f"{told}: {number(pair.width)} apart{ends}"


def _too_few_draws(rule: GateRule, draws: int, needed: int, what: str) -> RuleResult:
    told = f"{draws} draws of a bootstrap can never show {what}: at least {needed} are needed"
    return invalid(rule, told, f"set gates: {{stats: {{resamples: {needed}}}}} in mlgit.yaml, or more")


def _without_rows(rule: GateRule, seen: MetricEvidence, effect: Effect, needs: str) -> RuleResult:
    told = "; ".join(f"no rows of {named(part)}" for part in seen.missing)
    return RuleResult(rule.id, rule.kind, rule.metric, effect, effect, needs, told)


def _unjudged(small: Sequence[Part], without: Sequence[Part]) -> list[str]:
    """What a rule about slices did not look at, so that a pass never hides it."""
    told = [f"{len(small)} too small to judge"] if small else []
    return told + ([f"no value for {few([named(each) for each in without])}"] if without else [])
