"""Limits: by the interval, by an end of it, or by the value."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.config import Config
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.evaluation.paired_rows import gather, pair
from mlgit.evaluation.results import MetricEvidence
from mlgit.gate.rule_verdicts import judge
from mlgit.rules import GateRule, parse
from mlgit.statistics.comparison import Comparison


def judged(text, seen):
    declared = parse_yaml(f"rules: [{{id: a, kind: bound, metric: f1, {text}}}]", name="mlgit.yaml")
    return judge(parse(declared).rules[0], seen)


def seen(low, high, *, value=0.85, n=500):
    return MetricEvidence(current=value, interval=(low, high), n=n)


def changed(low, high):
    found = Comparison("f1", 0.8, 0.8 + (low + high) / 2, (low + high) / 2, low, high, 0.9, None, 0.5, 500, 60, "made")
    return MetricEvidence(comparison=found, baseline=0.8, current=found.current, interval=(0.0, 1.0), n=500)


@pytest.mark.parametrize(
    ("text", "evidence", "outcome"),
    [
        ("min: 0.8", seen(0.81, 0.9), "pass"),
        ("min: 0.8", seen(0.8, 0.9), "pass"),
        ("min: 0.8", seen(0.79, 0.9), "inconclusive"),
        ("min: 0.8", seen(0.7, 0.8, value=0.75), "inconclusive"),
        ("min: 0.8", seen(0.7, 0.79, value=0.75), "fail"),
        ("max: 0.8", seen(0.7, 0.8, value=0.75), "pass"),
        ("max: 0.8", seen(0.7, 0.81, value=0.75), "inconclusive"),
        ("max: 0.8", seen(0.81, 0.9), "fail"),
        ("min: 0.7, max: 0.8", seen(0.75, 0.85, value=0.79), "inconclusive"),
        ("min: 0.9, max: 0.95", seen(0.81, 0.89), "fail"),
        ("min: 0.8, use: point", seen(0.7, 0.9, value=0.8), "pass"),
        ("min: 0.8, use: lower", seen(0.79, 0.9), "fail"),
        ("max_change: 0.1", changed(-0.1, 0.05), "pass"),
        ("max_change: 0.1", changed(-0.11, 0.05), "inconclusive"),
        ("max_change: 0.1", changed(-0.3, -0.11), "fail"),
        ("max_change: 0.1, use: point", changed(-0.3, 0.2), "pass"),
    ],
)
def test_the_whole_interval_decides(text, evidence, outcome):
    assert judged(text, evidence).outcome == outcome


@pytest.mark.parametrize(
    ("text", "outcome"), [("max: 2", "inconclusive"), ("max: 2, use: point", "pass"), ("max: 0.5", "fail")]
)
def test_floor_that_few_rows_decide_is_kept_by_none(text, outcome):
    found = judged(text, MetricEvidence(current=0.85, interval=(0.6, 1.5), n=400, doubt="2 of 400 rows decide this"))
    assert found.outcome == outcome
    assert ("2 of 400 rows decide this" in found.reason) == (outcome == "inconclusive")


def test_open_limit_counts_as_the_rule_says_and_names_the_rows():
    found = judged("min: 0.8", seen(0.79, 0.91))
    assert (found.effect, found.reason) == ("warn", "f1 is 0.850 (90 % interval 0.790 to 0.910)")
    assert found.settle == "about 1646 rows would show it with 80 % probability, if f1 stayed the same; there are 500"
    assert judged("min: 0.8, if_inconclusive: fail", seen(0.79, 0.91)).effect == "fail"
    assert "a better model is needed" in judged("min: 0.8", seen(0.7, 0.85, value=0.79)).settle


def test_value_without_rows_decides_and_is_said_to_have_no_interval():
    known = MetricEvidence(current=0.85, no_interval="there are no predictions", n_test=500)
    for text, outcome in (("min: 0.8", "pass"), ("min: 0.9", "fail")):
        found = judged(text, known)
        assert (found.outcome, found.is_recorded) == (outcome, True)
        assert found.reason == "f1 is 0.85 (recorded value, no interval: there are no predictions)"
    size = judged("max: 100", MetricEvidence(current=99.0, is_exact=True))
    assert (size.outcome, size.reason, size.is_recorded) == ("pass", "f1 is 99", False)


def test_rows_without_an_interval_do_not_decide():
    found = judged("min: 0.8", MetricEvidence(current=0.85, no_interval="too few rows: 3", n=3))
    assert (found.outcome, found.reason) == ("inconclusive", "f1 is 0.85, without an interval: too few rows: 3")


def test_broken_outweighs_open_and_open_a_first_result():
    assert judged("min: 0.8, max_change: 0.1", seen(0.7, 0.9)).outcome == "inconclusive"
    assert judged("min: 0.8, max_change: 0.1", seen(0.81, 0.9)).outcome == "first"
    assert judged("min: 0.95, max_change: 0.1", seen(0.81, 0.9)).outcome == "fail"


@pytest.mark.parametrize(
    ("metric", "rows", "outcome"), [("f1", 200, "pass"), ("roc_auc", 200, "pass"), ("roc_auc", 12, "inconclusive")]
)
def test_perfect_model_passes_its_floor_where_there_are_rows_enough(metric, rows, outcome):
    label = np.arange(rows) % 2
    table = {"label": label, "prediction": label, "score": label + np.arange(rows) / 1e6}
    declared = GateRule("a", "bound", metric, minimum=0.9)
    settings = ComparisonSettings(resamples=199)
    evidence = gather(declared, pair(Config().model("m"), None, table), better="higher", settings=settings)
    assert judge(declared, evidence).outcome == outcome
