"""What a rule about slices saw of each of them, the hurt ones first."""

from __future__ import annotations

from collections.abc import Iterable

from mlgit.evaluation.results import MetricEvidence
from mlgit.gate.rule_result import SliceResult, SliceStanding
from mlgit.gate.slice_verdicts import named
from mlgit.rules import GateRule

MOST = 200
_ORDER: tuple[SliceStanding, ...] = (
    "harmed",
    "apart",
    "gone",
    "waived",
    "no harm shown",
    "not apart",
    "no value",
    "too few rows",
)


def slices(rule: GateRule, seen: MetricEvidence) -> tuple[SliceResult, ...]:
    """Each slice with its numbers and how it stands; at most MOST, none for other rules."""
    if rule.kind == "no_harm":
        found = list(_harm(rule, seen))
    elif rule.kind == "gap" and seen.gaps:
        far = {part for pair in seen.gaps.pairs if _is_apart(rule, pair.least) for part in (pair.high, pair.low)}
        values = seen.gaps.values.items()
        found = [SliceResult(named(part), "apart" if part in far else "not apart", current=value) for part, value in values]
        found += [SliceResult(named(part), "no value") for part in seen.gaps.without]
    else:
        return ()
    found += [SliceResult(named(part), "gone") for part in seen.missing]
    found += [SliceResult(named(part), "too few rows") for part in seen.small]
    return tuple(sorted(found, key=lambda each: _ORDER.index(each.standing))[:MOST])


def _is_apart(rule: GateRule, least: float | None) -> bool:
    return least is not None and rule.maximum is not None and least > rule.maximum


def _harm(rule: GateRule, seen: MetricEvidence) -> Iterable[SliceResult]:
    least, chances = rule.slices.min_n if rule.slices else 0, seen.harm or {}
    for part, each in (seen.parts or {}).items():
        chance = chances.get(part)
        standing: SliceStanding = "no harm shown"
        if each.n < least:
            standing = "too few rows"
        elif chance is None:
            standing = "no value"
        elif chance <= seen.alpha:
            standing = "waived" if part in seen.set_aside else "harmed"
        yield SliceResult(
            named(part), standing, each.n, each.baseline, each.current, each.delta, each.low, each.high, pvalue=chance
        )
