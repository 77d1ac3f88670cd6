"""Whether a model was judged on rows that it may have learned from: what was counted, in words and as the result of a rule."""

from __future__ import annotations

from collections.abc import Iterable

from mlgit.evaluation.results import Leakage
from mlgit.gate.rule_result import RuleResult
from mlgit.render.text import count
from mlgit.rules import LeakageRule

KIND = "leakage"


def judge(rule: LeakageRule, found: Leakage, *, is_old: bool) -> RuleResult | None:
    """What leakage counts as; None where it counts for nothing.

    Where nobody declared a limit, rows that were there before (`is_old`: nothing that made the results changed) are told only,
    and so is that nobody could look for them.
    """
    needs = f"at most {count(rule.max_rows, 'test row')} in the training data"
    if found.leaked is None:
        result = RuleResult(
            KIND, KIND, "", "inconclusive", "warn", needs, found.told, "declare train and test, as tables", model=found.model
        )
        return result if rule.is_declared else None
    if found.leaked > rule.max_rows:
        if is_old and not rule.is_declared:
            return None
        settle = "take them out of the training data, or out of the test data"
        return RuleResult(KIND, KIND, "", rule.severity, rule.severity, needs, found.told, settle, model=found.model)
    return RuleResult(KIND, KIND, "", "pass", "pass", needs, found.told, model=found.model) if rule.is_declared else None


def worth_telling(found: Iterable[Leakage]) -> list[tuple[str, str]]:
    """Model and sentence, where rows leaked or could not be counted."""
    return [(each.model, each.told) for each in found if each.leaked != 0]
