"""Gate rules against what two versions scored: passes, fails, or is invalid, where nothing could be compared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from mlgit.config import NAME, Config
from mlgit.registry.facts import DataFile
from mlgit.render.text import number
from mlgit.rules import GateRule

Outcome = Literal["pass", "fail", "invalid"]
Standing = Literal["pass", "warn", "fail", "inconclusive", "invalid", "first", "waived", "unverified"]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What a version scored: metrics by dotted name, and the md5s of the test data they were measured on, sorted."""

    version: str
    metrics: Mapping[str, float] = field(default_factory=dict)
    test: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule and its outcome: the values of both sides, current minus baseline, why, and what to do about it.

    `outcome` is what it counts as for a promotion, `standing` what was found, in the words of `mlgit gate`, and one more:
    unverified, where only the recorded numbers were compared. `low` and `high` are the ends of the interval of the difference.
    """

    rule: GateRule
    outcome: Outcome
    current: float | None = None
    baseline: float | None = None
    reason: str = ""
    hint: str = ""
    standing: Standing = "invalid"
    low: float | None = None
    high: float | None = None

    @property
    def delta(self) -> float | None:
        return None if self.current is None or self.baseline is None else self.current - self.baseline


def digests(data: Iterable[DataFile]) -> tuple[str, ...]:
    """What test data is compared by: the sorted md5s of its files; empty when one is not known."""
    found = sorted(each.md5 for each in data if each.role == "test")
    return tuple(found) if all(found) else ()


def judge(config: Config, *, candidate: Evaluation, baseline: Evaluation | None) -> tuple[Judged, ...]:
    """Every gate rule of a configuration, applied to a version and the one that is in the environment now (or None).

    Rules for pull requests with a label are none of promotion's.
    """
    applied = [rule for rule in config.gates.rules if not rule.label]
    return tuple(by_numbers(rule, config, candidate=candidate, baseline=baseline) for rule in applied)


def by_numbers(rule: GateRule, config: Config, *, candidate: Evaluation, baseline: Evaluation | None) -> Judged:
    """One rule, applied to what is recorded of two versions; a comparison of single numbers is unverified."""
    if _asks_for_rows(rule):
        return _incomparable(rule, f"{rule.id} asks for more than the recorded numbers tell", "`mlgit gate` judges it")
    current = candidate.metrics.get(rule.metric)
    before = baseline.metrics.get(rule.metric) if baseline else None
    if current is None or not math.isfinite(current):
        return _incomparable(rule, _absent(rule, candidate, current), _where_metrics_come_from(rule))
    if rule.kind == "bound":
        return _bound(rule, current)
    if baseline is None:
        return first(rule, config, candidate)
    if before is None or not math.isfinite(before):
        return _incomparable(rule, _absent(rule, baseline, before), _judge_again(candidate, baseline), current)
    if not candidate.test or candidate.test != baseline.test:
        return _on_other_data(rule, candidate, baseline, current, before)
    return _no_worse(rule, config, current, before)


def _asks_for_rows(rule: GateRule) -> bool:
    return rule.kind not in ("bound", "no_worse") or rule.max_change is not None or rule.use != "point"


def _bound(rule: GateRule, current: float) -> Judged:
    if rule.minimum is not None and current < rule.minimum:
        return Judged(
            rule,
            "fail",
            current,
            reason=f"{rule.metric} is {number(current)}, at least {number(rule.minimum)} is asked",
            standing="fail",
        )
    if rule.maximum is not None and current > rule.maximum:
        return Judged(
            rule,
            "fail",
            current,
            reason=f"{rule.metric} is {number(current)}, at most {number(rule.maximum)} is asked",
            standing="fail",
        )
    return Judged(rule, "pass", current, reason=f"{rule.metric} is {number(current)}", standing="pass")


def first(rule: GateRule, config: Config, candidate: Evaluation) -> Judged:
    """No version to compare with: a first version is held to thresholds, never waved through."""
    current = candidate.metrics.get(rule.metric)
    if any(each.kind == "bound" and not each.label for each in config.gates.rules):
        return Judged(rule, "pass", current, reason="no version to compare with; the bounds decide", standing="first")
    least = "max" if config.direction(rule.metric) == "lower" else "min"
    return Judged(
        rule,
        "fail",
        current,
        reason=f"no version to compare {rule.metric} with, and no rule says what is good enough for a first one",
        hint=f"add to {NAME}, gates.rules: `- {{id: {rule.id}-bound, kind: bound, metric: {rule.metric}, {least}: VALUE}}`",
        standing="first",
    )


def _on_other_data(rule: GateRule, candidate: Evaluation, baseline: Evaluation, current: float, before: float) -> Judged:
    if not candidate.test or not baseline.test:
        blind = candidate if not candidate.test else baseline
        reason, hint = (
            f"it is not known on which test data {blind.version} was measured",
            f"name it in {NAME}: `models: NAME: test: [PATH]`",
        )
    else:
        reason = f"{candidate.version} and {baseline.version} were measured on different test data"
        hint = _judge_again(candidate, baseline)
    return Judged(rule, "invalid", current, before, reason, hint)


def _no_worse(rule: GateRule, config: Config, current: float, before: float) -> Judged:
    direction = config.direction(rule.metric)
    if direction is None:
        return Judged(
            rule,
            "invalid",
            current,
            before,
            f"whether more or less of {rule.metric} is better is not declared",
            f"add to {NAME}, metrics: `{rule.metric}: {{direction: higher}}` (or lower)",
        )
    assert rule.margin is not None
    loss = before - current if direction == "higher" else current - before
    margin = rule.margin.of(before)
    told = f"unverified, by recorded numbers only: {rule.metric} {number(before)} → {number(current)}, margin {number(margin)}"
    # 0.9 - 0.89 is a little more than 0.01
    is_worse = loss > margin and not math.isclose(loss, margin, rel_tol=1e-9, abs_tol=1e-12)
    return Judged(rule, "fail" if is_worse else "pass", current, before, told, standing="unverified")


def _incomparable(rule: GateRule, reason: str, hint: str, current: float | None = None) -> Judged:
    return Judged(rule, "invalid", current, reason=reason, hint=hint)


def _absent(rule: GateRule, side: Evaluation, value: float | None) -> str:
    return (
        f"{side.version} has no metric {rule.metric}" if value is None else f"{rule.metric} of {side.version} is not a number"
    )


def _where_metrics_come_from(rule: GateRule) -> str:
    return f"write {rule.metric} into the file that {NAME} names as `models: NAME: metrics:`; `dvc pull` brings a cached one"


def _judge_again(candidate: Evaluation, baseline: Evaluation) -> str:
    return (
        f"evaluate {baseline.version} on the test data of {candidate.version}, commit that and register it as a version, "
        "or promote with `--override REASON`"
    )
