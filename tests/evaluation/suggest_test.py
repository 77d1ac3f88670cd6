"""Margins that a test set can support."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.simulation_confusion import LABEL, NEW, OLD
from mlgit.evaluation.results import MetricEvidence
from mlgit.evaluation.suggest import suggest
from mlgit.gate.rule_verdicts import judge
from mlgit.rules import Amount, GateRule
from mlgit.statistics.comparison import ComparisonOptions, compare
from mlgit.statistics.predictions import Predictions


def compared(number, *, discordant=0.06):
    """Equally many rows fixed and broken."""
    label = np.zeros(number, dtype=int)
    half = round(number * discordant / 2)
    baseline, current = label.copy(), label.copy()
    baseline[:half], current[half : 2 * half] = 1, 1
    question = ComparisonOptions(confidence_level=0.9)
    return compare("accuracy", Predictions(label, baseline), Predictions(label, current), question=question)


@pytest.mark.parametrize(("rows", "smallest"), [(200, 0.043), (1000, 0.019), (5000, 0.009)])
def test_smallest_margin_of_a_number_of_rows(rows, smallest):
    found = suggest(compared(rows))
    assert found.smallest == pytest.approx(smallest, rel=0.1)  # Tango's interval is a little wider than the normal one
    assert found.smallest <= found.margin < found.smallest * 1.11
    assert found.rows_for_half == pytest.approx(4 * rows, rel=0.25)


def test_rules_that_ask_for_more_than_the_rows_can_tell_are_named():
    rules = [
        GateRule("narrow", "no_worse", "accuracy", margin=Amount(0.01)),
        GateRule("wide", "no_worse", "accuracy", margin=Amount(0.05)),
        GateRule("other", "no_worse", "f1", margin=Amount(0.001)),
        GateRule("relative", "same", "accuracy", margin=Amount(0.01, True)),
        GateRule("bound", "bound", "accuracy", minimum=0.9),
    ]
    named = dict(suggest(compared(1000), rules=rules).too_narrow)
    assert list(named) == ["narrow", "relative"]
    assert named["narrow"] == pytest.approx(3710, rel=0.05)


def test_models_that_do_not_differ_suggest_nothing():
    label = [0, 1] * 10
    found = suggest(compare("f1", Predictions(label, label), Predictions(label, [1, 1] * 10)))
    assert (found.smallest, found.margin) == (None, None)
    assert "20 rows, at least 30 needed" in found.reason
    same = [0, 1] * 50
    found = suggest(compare("roc_auc", Predictions(same, score=same), Predictions(same, score=same)))
    assert "differ in no row" in found.reason


@given(st.integers(20, 5000), st.floats(0.02, 0.5))
def test_margin_has_two_digits_and_is_enough(number, discordant):
    found = suggest(compared(number, discordant=discordant))
    assert found.margin >= found.smallest * (1 - 1e-9)
    assert float(f"{found.margin:.2g}") == found.margin


@pytest.mark.parametrize(
    ("metric", "counted"), [("recall", "65 positive rows"), ("accuracy", "195 rows"), ("f1", "110 actual")]
)
@pytest.mark.parametrize("is_clustered", [False, True])
def test_gate_names_the_rows_that_the_suggestion_names(metric, counted, is_clustered):
    """Of recall the positive ones, with clusters those; a margin that is suggested passes where the models are alike."""
    label, old, new = (np.repeat(each, [50, 3, 3, 9, 35, 5, 5, 85]) for each in (LABEL, OLD, NEW))
    question = ComparisonOptions(confidence_level=0.9)
    clusters = np.random.default_rng(0).permutation(len(label)) // 2 if is_clustered else None
    found = compare(metric, Predictions(label, old), Predictions(label, new), question=question, clusters=clusters)
    told = suggest(found, rules=[GateRule("narrow", "no_worse", metric, margin=Amount(0.02))])

    def judged(margin):
        rule = GateRule("narrow", "no_worse", metric, margin=Amount(margin))
        return judge(rule, MetricEvidence(better="higher", comparison=found, baseline=found.baseline, current=found.current))

    ((_, needed),) = told.too_narrow
    assert f"about {found.told(needed)} would decide" in judged(0.02).settle
    assert judged(0.02).reason.startswith("the 98 clusters do not" if is_clustered else f"the {counted}")
    assert judged(told.margin).outcome == "pass"
