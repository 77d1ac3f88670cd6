"""The verdict of a review as a promotion counts it: what is proven or may stand comes in, the rest does not.

A rule that passes or warns is kept, one that fails is not, and one that could not be judged cannot be told. Two things are
a promotion's own: a first version is held to thresholds, and where there are no rows on one of the sides the recorded numbers
are compared, on the same test data only, and called unverified.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from mlgit.config import Config
from mlgit.gate.rule_result import RuleResult
from mlgit.registry import rules
from mlgit.registry.rules import Evaluation, Judged, Outcome
from mlgit.rules import GateRule


def settle(
    config: Config,
    found: Iterable[RuleResult],
    *,
    candidate: Evaluation,
    baseline: Evaluation | None,
    by_rows: Collection[str],
) -> tuple[Judged, ...]:
    """What was judged, as it counts for a promotion; `by_rows` are the rules that rows of both sides can settle.

    `candidate` and `baseline` (None for the first version in an environment) are what is recorded of the versions.
    """
    declared = {rule.id: rule for rule in config.gates.rules}
    return tuple(_settled(declared, config, each, candidate=candidate, baseline=baseline, by_rows=by_rows) for each in found)


def _settled(
    declared: dict[str, GateRule],
    config: Config,
    found: RuleResult,
    *,
    candidate: Evaluation,
    baseline: Evaluation | None,
    by_rows: Collection[str],
) -> Judged:
    rule = declared[found.id.removesuffix(".waiver")]
    if found.kind == "waiver":
        return _counted(rule._replace(id=found.id), found)
    if found.outcome in ("first", "invalid") and baseline is None and rule.kind in ("no_worse", "better", "same", "no_harm"):
        return rules.first(rule, config, candidate)
    if found.outcome in ("inconclusive", "invalid") and rule.id not in by_rows and rule.kind in ("no_worse", "bound"):
        return rules.by_numbers(rule, config, candidate=candidate, baseline=baseline)
    return _counted(rule, found)


def _counted(rule: GateRule, found: RuleResult) -> Judged:
    outcome: Outcome = "pass" if found.effect != "fail" else "invalid" if found.outcome == "invalid" else "fail"
    reason = f"{found.outcome}: {found.reason}" if found.outcome not in ("pass", "fail") else found.reason
    told = f"{reason} (needs {found.needs})" if found.needs and found.needs not in reason else reason
    return Judged(
        rule,
        outcome,
        found.current,
        found.baseline,
        told,
        found.settle,
        standing=found.outcome,
        low=found.low,
        high=found.high,
    )
