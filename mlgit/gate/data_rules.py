"""Gate rules about a file of data: its columns, its number of rows, how far its values have moved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlgit.gate.rule_result import RuleResult
from mlgit.gate_tables import Effect
from mlgit.render.text import number
from mlgit.rules import GateRule

if TYPE_CHECKING:
    from mlgit.tables.drift import Profile


def judge(
    rule: GateRule, baseline: Profile | None, current: Profile | None, *, stability: Mapping[str, float] | None = None
) -> RuleResult:
    """The outcome of a data rule; `stability` is the population stability index of each column, asked for by `psi`."""
    if current is None:
        return RuleResult(rule.id, rule.kind, "", "invalid", rule.if_invalid, reason=f"{rule.path} cannot be read as a table")
    if baseline is None:
        return RuleResult(rule.id, rule.kind, "", "first", "warn", reason=f"{rule.path} has nothing to be compared with")
    if rule.psi is not None and not stability:
        return RuleResult(
            rule.id, rule.kind, "", "invalid", rule.if_invalid, reason=f"{rule.path}: its values cannot be compared"
        )
    faults = _schema(rule, baseline, current) + _rows(rule, baseline, current) + _moved(rule, stability or {})
    outcome: Effect = rule.severity if faults else "pass"
    reason = "; ".join(faults) or f"{baseline.rows} rows before, {current.rows} now, {len(current.columns)} columns"
    return RuleResult(rule.id, rule.kind, "", outcome, outcome, _needs(rule), reason)


def _needs(rule: GateRule) -> str:
    asked = [f"columns {'the same' if rule.schema == 'same' else 'compatible'}"] if rule.schema else []
    asked += [f"rows changed by {_share(rule.rows[0])} to {_share(rule.rows[1])}"] if rule.rows else []
    asked += [f"stability index at most {number(rule.psi)}"] if rule.psi is not None else []
    return ", ".join(asked)


def _schema(rule: GateRule, baseline: Profile, current: Profile) -> list[str]:
    if not rule.schema:
        return []
    lost = [f"column {name} is gone" for name in baseline.columns if name not in current.columns]
    retyped = [
        f"column {name} was {kind} and is {current.columns[name]}"
        for name, kind in baseline.columns.items()
        if current.columns.get(name, kind) != kind
    ]
    added = [f"column {name} is new" for name in current.columns if name not in baseline.columns]
    return lost + retyped + (added if rule.schema == "same" else [])


def _rows(rule: GateRule, baseline: Profile, current: Profile) -> list[str]:
    if rule.rows is None:
        return []
    if not baseline.rows:
        return [] if not current.rows else [f"{current.rows} rows where there were none"]
    change = current.rows / baseline.rows - 1
    return [] if rule.rows[0] <= change <= rule.rows[1] else [f"{baseline.rows} rows became {current.rows} ({_share(change)})"]


def _moved(rule: GateRule, stability: Mapping[str, float]) -> list[str]:
    if rule.psi is None:
        return []
    # not `value > limit`: an index that is no number has not been shown to be small
    return [f"{name} moved (index {number(value)})" for name, value in stability.items() if not value <= rule.psi]


def _share(value: float) -> str:
    return f"{value:+.1%}"
