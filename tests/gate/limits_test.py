"""What a rule allows, as the ends of a range."""

from __future__ import annotations

import pytest

from mlgit.gate.limits import allowed
from mlgit.gate.rule_result import RuleResult
from mlgit.rules import Amount, GateRule

FOUND = RuleResult("f1.rule", "", "f1", "pass", "pass", baseline=0.5)


@pytest.mark.parametrize(
    ("kind", "better", "expected"),
    [
        ("no_worse", "higher", (-0.05, None)),
        ("no_worse", "lower", (None, 0.05)),
        ("better", "higher", (0.05, None)),
        ("better", "lower", (None, -0.05)),
        ("same", "lower", (-0.05, 0.05)),
        ("no_harm", "higher", (None, None)),
        ("no_worse", None, (None, None)),
    ],
)
def test_rule_that_compares_allows_differences(kind, better, expected):
    assert allowed(GateRule("f1.rule", kind, "f1", margin=Amount(0.1, is_relative=True)), FOUND, better=better) == expected


def test_bound_allows_values():
    assert allowed(GateRule("f1.rule", "bound", "f1", minimum=0.8), FOUND, better=None) == (0.8, None)
