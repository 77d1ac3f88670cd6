"""The order of a report: the verdict, what moved, who is hurt, why; at most three tables open."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mlgit.gate.rule_result import RuleResult, SliceResult
from mlgit.report import content
from mlgit.report.document import PickedTrial
from mlgit.report.page import PageTable
from tests.report.samples import FULL, LOADED_RULES, STATES


def tables(report, *, folded=False):
    sections = content.page(report).sections
    blocks = [block for each in sections if bool(each.title) == folded for block in each.blocks]
    return {block.caption: block for block in blocks if isinstance(block, PageTable)}


def cells(table, column=0):
    return ["".join(span.text for span in row[column]) for row in table.rows]


@pytest.mark.parametrize("state", [*STATES, "everything"])
def test_at_most_three_tables_are_open(state):
    report = STATES.get(state) or replace(FULL, **LOADED_RULES)
    assert len(tables(report)) <= 3


def test_order_is_verdict_what_moved_who_is_hurt_and_why():
    assert list(tables(FULL)) == ["Gates", "Metrics", "Slices that are hurt"]
    names = [each.name for each in content.page(FULL).sections]
    assert names.index("hurt slices") < names.index("changed") < names.index("other metrics")


def test_gated_metrics_are_open_and_the_others_folded():
    assert cells(tables(FULL)["Metrics"]) == ["f1 ↑", "roc_auc ↑"]
    assert cells(tables(FULL, folded=True)["Other metrics"]) == ["latency_p95_ms ↓"]


def test_other_metric_that_is_worse_is_named_in_the_open():
    worse = replace(FULL.metrics[0], standing="worse")
    shown = content.page(replace(FULL, metrics=(worse, *FULL.metrics[1:])))
    (section,) = [each for each in shown.sections if each.name == "metrics"]
    assert "".join(span.text for span in section.blocks[1].words) == "Without a gate: latency_p95_ms ▼ worse"


def test_without_any_gate_every_metric_that_differs_is_open():
    report = replace(FULL, rules=(), metrics=tuple(replace(row, is_gated=False) for row in FULL.metrics))
    assert len(tables(report)["Metrics"].rows) == 3
    assert "Other metrics" not in tables(report, folded=True)


def test_hurt_slices_have_a_table_and_all_are_in_a_fold():
    assert cells(tables(FULL)["Slices that are hurt"]) == ["region=EU"]
    assert cells(tables(FULL, folded=True)["Slices"]) == ["region=EU", "region=US", "region=ASIA"]
    (section,) = [each for each in content.page(FULL).sections if each.name == "slices"]
    assert section.title == "Slices: 3 slices, 1 hurt"


def test_slices_of_several_gates_are_told_apart_and_long_lists_are_cut():
    many = tuple(SliceResult(f"id={at}", "harmed", 100, 0.9, 0.8, -0.1, -0.2, -0.05, 0.01) for at in range(30))
    rules = (*FULL.rules, RuleResult("fair", "gap", "f1", "fail", "fail", slices=many))
    table = tables(replace(FULL, rules=rules))["Slices that are hurt"]
    assert table.header[:2] == ("Gate", "Slice")
    assert (len(table.rows), table.left_out) == (20, 11)


@pytest.mark.parametrize(
    ("n_trials", "told", "said"),
    [
        (12, ("Trial a, the best of 12.", "No gain."), "Picked from 12 trials: Trial a, the best of 12. No gain."),
        (1, (), "From a trial: a"),
    ],
)
def test_trial_that_a_change_is_stands_above_the_tables(n_trials, told, said):
    shown = content.page(replace(FULL, trials=(PickedTrial("a", n_trials, told=told),)))
    (top,) = [each for each in shown.sections if each.name == "top"]
    notices = ["".join(span.text for span in block.words) for block in top.blocks if getattr(block, "is_notice", False)]
    assert said in notices
