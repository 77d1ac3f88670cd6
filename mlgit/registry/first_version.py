"""What a promotion asks beyond the verdict of a review: that a first version is held to thresholds, and that recorded numbers
are of test data that is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from mlgit.config import NAME, Config
from mlgit.gate.rule_result import RuleResult
from mlgit.rules import GateRule


def held(config: Config, found: Iterable[RuleResult]) -> tuple[RuleResult, ...]:
    """The results of a review of a version where none was before.

    A rule that compares counts as what the bounds say, and without a bound it is broken. A bound that the rows do not decide
    does not let a first version in: nothing else would have been shown of it.
    """
    rules = {rule.id: rule for rule in config.gates.rules}
    return tuple(_held(config, rules[each.id], each) if each.id in rules else each for each in found)


def _held(config: Config, rule: GateRule, found: RuleResult) -> RuleResult:
    if _has_limit(rule):
        is_open = found.outcome == "inconclusive"
        told = f"{found.reason}; a first version comes in only where it is shown"
        return replace(found, effect=rule.severity, reason=told) if is_open else found
    if found.outcome != "first":
        return found
    if any(_has_limit(each) and not each.label for each in config.gates.rules):
        return replace(found, effect="pass", reason="no version to compare with; the bounds decide", settle="")
    about = rule.metric or next(iter(config.directions), "METRIC")
    least = "max" if config.direction(about) == "lower" else "min"
    return replace(
        found,
        effect=rule.severity,
        reason=f"no version to compare {rule.metric or rule.path} with, and no rule says what is good enough for a first one",
        settle=f"add to {NAME}, gates.rules: `- {{id: {rule.id}-bound, kind: bound, metric: {about}, {least}: VALUE}}`",
    )


def _has_limit(rule: GateRule) -> bool:
    return rule.kind == "bound" and (rule.minimum is not None or rule.maximum is not None)


def of_known_test_data(config: Config, found: Iterable[RuleResult], *, blind: Mapping[str, str]) -> tuple[RuleResult, ...]:
    """The same, but that numbers which were measured on nobody knows what compare nothing; `blind` has the version that does
    not name its test data, by the test set.
    """
    sets = {rule.id: rule.on for rule in config.gates.rules}
    return tuple(_known(each, sets.get(each.id, ""), blind) for each in found)


def _known(each: RuleResult, test_set: str, blind: Mapping[str, str]) -> RuleResult:
    if test_set not in blind or not each.is_recorded or each.kind == "bound":
        return each
    told = f"it is not known on which test data {blind[test_set]} was measured"
    place = f"tests: {test_set}: test" if test_set else "test"
    hint = f"name it in {NAME}: `models: NAME: {place}: [PATH]`"
    return replace(each, outcome="invalid", effect="fail", reason=told, settle=hint)
