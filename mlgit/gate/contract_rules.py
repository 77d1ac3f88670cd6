"""Gate rules about a data contract: what became of it, and whether the data keeps it. No pass where one of both is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mlgit.gate.rule_result import RuleResult, invalid
from mlgit.gate_tables import Effect
from mlgit.render.text import count, few
from mlgit.rules import GateRule

if TYPE_CHECKING:
    # most reviews have no rule about a contract
    from mlgit.validation.evolution import Evolution
    from mlgit.validation.finding import ContractOutcome

_MOST = 3


@dataclass(frozen=True, slots=True)
class HeldData:
    """The current data held against the contract that `name` calls; `told` is what is broken, or why nobody can say."""

    name: str
    outcome: ContractOutcome
    told: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ContractEvidence:
    """What a rule about the contract of a file of data rests on.

    `evolution` is None where no side has a contract; `held` are the contracts that the current data was held against.
    """

    evolution: Evolution | None
    held: tuple[HeldData, ...] = ()


def judge(rule: GateRule, seen: ContractEvidence | None) -> RuleResult:
    """The outcome of a rule of kind contract."""
    if seen is None:
        return invalid(rule, f"{rule.path} was not looked at: its commit is not in this clone")
    found = seen.evolution
    if found is None:
        told = f"{rule.path} has no contract"
        return invalid(rule, told, f"name it in mlgit.yaml: data: {{{rule.path}: schemas/NAME.odcs.yaml}}")
    if found.state == "unreadable":
        return invalid(rule, found.trouble, found.hint)
    broken = [each for each in seen.held if each.outcome == "fail"]
    faults = [*_breaking(rule, found), *(f"the data breaks {each.name}: {each.told}" for each in broken)]
    if faults:
        settle = next((each.hint for each in broken), "")
        return replace(_result(rule, rule.severity, "; ".join(faults)), settle=settle)
    if found.state == "removed":
        return invalid(rule, f"{rule.path} has no contract any more", "name one under `data:`, or take the rule out")
    return _kept(rule, found, seen)


def _breaking(rule: GateRule, found: Evolution) -> list[str]:
    """The changes that the rule does not allow; a contract that is new breaks nobody who had one."""
    if rule.allow == "any" or found.state == "added":
        return []
    breaking = [each.sentence for each in found.breaking(rule.view)]
    return [f"the contract breaks {rule.view}s: {few(breaking, most=_MOST)}"] if breaking else []


def _kept(rule: GateRule, found: Evolution, seen: ContractEvidence) -> RuleResult:
    """Where nothing is broken: whether the data was looked at, and keeps what it was held against."""
    unknown = next((each for each in seen.held if each.outcome == "invalid"), None)
    if unknown:
        return invalid(rule, f"the data cannot be held against {unknown.name}: {unknown.told}", unknown.hint)
    if not seen.held:
        return invalid(rule, f"{rule.path} was not looked at")
    warned = [f"warning: the data breaks {each.name}: {each.told}" for each in seen.held if each.outcome == "warn"]
    if found.state == "added":
        told = "; ".join([f"{rule.path} had no contract before; the data keeps {found.contract}", *warned])
        return RuleResult(rule.id, rule.kind, "", "first", "warn", reason=told)
    reason = "; ".join([*_changed(rule, found), "the data keeps it", *warned])
    return _result(rule, "warn" if warned else "pass", reason)


def _changed(rule: GateRule, found: Evolution) -> list[str]:
    changed = [each for each in found.changes if each.direction != "untested"]
    number = count(len(changed), "change")
    told = f"the contract has {number}, nothing that breaks {rule.view}s" if changed else "the contract asks the same"
    if changed and rule.allow == "any":
        told = f"the contract has {number}, and any is allowed"
    version = found.version_told(rule.view)
    return [told, version] if version else [told]


def _result(rule: GateRule, outcome: Effect, reason: str) -> RuleResult:
    needs = "data that keeps its contract" + (f", nothing that breaks {rule.view}s" if rule.allow == "compatible" else "")
    return RuleResult(rule.id, rule.kind, "", outcome, outcome, needs, reason)
