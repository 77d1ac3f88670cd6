"""Rules about slices: harm in any of them, and how far apart they are."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.evaluation.paired_rows import ComparisonSettings, gather, pair
from mlgit.evaluation.results import MetricEvidence, SliceGap, SliceGaps
from mlgit.gate.rule_verdicts import judge, set_aside
from mlgit.gate.slice_verdicts import together
from mlgit.model_settings import CardFiles, Model
from mlgit.rules import parse
from mlgit.statistics.comparison import Comparison
from tests.kit import FULL

EU, US, ASIA = ((("region", name),) for name in ("EU", "US", "ASIA"))
SLICED = "kind: no_harm, metric: f1, margin: 0.02, slices: {by: [region], min_n: 100}"
GAP = "kind: gap, metric: recall, max: 0.05, slices: {by: [region], min_n: 10}"
MODEL = Model("churn", CardFiles("", ""), predictions="predictions.csv", id="id")


def gates(*rules, waivers=""):
    return parse(parse_yaml(f"rules: [{', '.join(rules)}]\nwaivers: [{waivers}]", name="mlgit.yaml"))


def rule(text, name="a"):
    return gates(f"{{id: {name}, {text}}}").rules[0]


def compared(harm, *, rows=1000, draws=0):
    return Comparison("f1", 0.9, 0.88, -0.02, -0.04, 0.0, 0.9, 0.5, 0.5, rows, 60, "made", "", harm, draws)


def harmed(draws=0, **chances):
    parts = {(("region", name),): compared(each, draws=draws) for name, each in chances.items()}
    return MetricEvidence(better="higher", parts=parts)


def apart(least, lower, upper, *, width=0.02, draws=0, without=()):
    values = {EU: 0.9, US: 0.9 - width}
    return MetricEvidence(gaps=SliceGaps(values, (SliceGap(EU, US, width, lower, upper, least, 200),), without, draws))


def test_harm_in_a_slice_has_to_be_shown_after_correction():
    assert judge(rule(SLICED), harmed(EU=0.03, US=0.5)).outcome == "pass"  # 0.03 twice is 0.06
    sure = judge(rule(SLICED), harmed(EU=0.02, US=0.5))
    assert (sure.outcome, sure.effect, "EU" in sure.reason, "US" in sure.reason) == ("fail", "fail", True, False)
    assert judge(rule(SLICED.replace("100}", "100, correct: none}")), harmed(EU=0.03, US=0.5)).outcome == "fail"


def test_slices_of_all_rules_about_harm_are_one_family():
    one, other, alone = rule(SLICED), rule(SLICED, "b"), rule(SLICED.replace("100}", "100, correct: none}"), "c")
    found = together([(one, "m", harmed(EU=0.02, US=0.5)), (other, "m", harmed(EU=0.6)), (alone, "m", harmed(EU=0.04))])
    assert found["a", "m"].harm == {EU: pytest.approx(0.06), US: 1.0}
    assert (judge(one, found["a", "m"]).outcome, found["b", "m"].tests) == ("pass", 3)
    assert judge(alone, found["c", "m"]).outcome == "fail"


def test_slices_that_are_gone_or_small():
    gone = judge(rule(SLICED), replace(harmed(US=0.5), missing=(EU,)))
    assert (gone.outcome, gone.reason) == ("fail", "no rows of region=EU")
    small = MetricEvidence(better="higher", parts={EU: compared(0.0, rows=99)})
    assert judge(rule(SLICED), small).outcome == "inconclusive"
    assert judge(rule(SLICED), MetricEvidence(better="higher")).outcome == "inconclusive"


def test_waiver_of_a_slice_spares_only_that_slice():
    declared = gates("{id: a, " + SLICED + "}", waivers="{rule: a, slice: {region: EU}, until: 2026-05-31, reason: r, by: b}")
    chosen, last = declared.rules[0], datetime.date(2026, 5, 31)
    aside = set_aside(chosen, declared.waivers, today=last)
    assert aside == {EU}
    seen = replace(harmed(EU=0.001, US=0.5), set_aside=aside)
    assert (judge(chosen, seen).outcome, judge(chosen, seen).effect) == ("waived", "warn")
    assert judge(chosen, replace(harmed(EU=0.001, US=0.001), set_aside=aside)).outcome == "fail"
    assert set_aside(chosen, declared.waivers, today=last + datetime.timedelta(1)) == frozenset()


@pytest.mark.parametrize(
    ("least", "lower", "upper", "outcome"),
    [
        (0.051, 0.06, 0.1, "fail"),
        (0.049, 0.06, 0.1, "inconclusive"),
        (-0.03, -0.01, 0.05, "pass"),
        (-0.03, -0.01, 0.051, "inconclusive"),
        (-0.08, -0.06, 0.04, "inconclusive"),
        (None, None, None, "inconclusive"),
    ],
)
def test_gap_is_decided_by_its_interval(least, lower, upper, outcome):
    assert judge(rule(GAP), apart(least, lower, upper)).outcome == outcome


def test_gap_hides_no_slice_that_was_not_judged():
    near = apart(-0.02, -0.01, 0.04)
    gone = judge(rule(GAP), replace(near, missing=(ASIA,)))
    assert (gone.outcome, gone.reason) == ("fail", "no rows of region=ASIA")
    assert judge(rule(GAP.replace("10}", "10, if_missing: pass}")), replace(near, missing=(ASIA,))).outcome == "pass"
    open_ = judge(rule(GAP), apart(-0.02, -0.01, 0.04, without=(ASIA,)))
    assert (open_.outcome, open_.effect, "no value for region=ASIA" in open_.reason) == ("inconclusive", "warn", True)
    assert judge(rule(GAP), MetricEvidence()).outcome == "invalid"
    tails = judge(rule(GAP), replace(near, gaps=replace(near.gaps, few=(US,))))
    assert (tails.outcome, "too few rows decide the value of region=US" in tails.reason) == ("inconclusive", True)


@pytest.mark.parametrize(("text", "seen"), [(GAP, apart(-0.02, -0.01, 0.04)), (SLICED, harmed(EU=0.5))])
def test_small_slices_are_told(text, seen):
    found = judge(rule(text), replace(seen, small=(ASIA,)))
    assert (found.outcome, "1 too small to judge" in found.reason) == ("pass", True)


def test_too_few_draws_for_so_many_slices_are_invalid_and_the_number_is_named():
    parts = {f"r{number}": 0.001 for number in range(20)}
    few = judge(rule(SLICED), harmed(398, **parts))
    assert (few.outcome, "at least 399 are needed" in few.reason, "resamples: 399" in few.settle) == ("invalid", True, True)
    assert judge(rule(SLICED), harmed(399, **parts)).outcome == "fail"
    assert judge(rule(GAP), apart(0.06, 0.06, 0.1, draws=18)).outcome == "invalid"
    assert judge(rule(GAP), apart(0.06, 0.06, 0.1, draws=19)).outcome == "fail"


def rows(number, slices, *, seed, harm=0.0, share=0.9):
    """A model that is right in a share of the rows, by its own luck; in the first slice in fewer by `harm`."""
    draws, label = np.random.default_rng(seed), np.arange(number) % 2
    region = np.arange(number) // 2 % slices
    right = draws.random(number) < share - harm * (region == 0)
    prediction = np.where(right, label, 1 - label)
    score = np.clip(0.2 + 0.6 * prediction + draws.normal(0, 0.05, number), 0.01, 0.99)
    return {"id": np.arange(number), "label": label, "prediction": prediction, "score": score, "region": region}


def outcome(text, baseline, current, *, resamples=999):
    chosen = rule(text)
    better = "lower" if chosen.metric == "log_loss" else "higher"
    seen = gather(chosen, pair(MODEL, baseline, current), better=better, settings=ComparisonSettings(resamples=resamples))
    return judge(chosen, seen).outcome


@pytest.mark.parametrize("metric", ["accuracy", "recall", "f1", "mcc", "roc_auc", "average_precision", "log_loss"])
def test_identical_slices_show_no_harm_at_margin_nought(metric):
    same = rows(480, 4, seed=1)
    assert outcome(f"kind: no_harm, metric: {metric}, margin: 0, slices: {{by: [region]}}", same, same) == "pass"


@pytest.mark.parametrize("metric", ["accuracy", "f1"])
def test_harm_at_margin_nought_is_found(metric):
    text = f"kind: no_harm, metric: {metric}, margin: 0, slices: {{by: [region]}}"
    assert outcome(text, rows(1600, 4, seed=1), rows(1600, 4, seed=1, harm=0.2)) == "fail"


@pytest.mark.parametrize("metric", ["accuracy", "recall", "log_loss"] if FULL else ["accuracy"])
def test_slices_that_are_equally_good_are_seldom_called_unequal(metric):
    text = f"kind: gap, metric: {metric}, max: 0.05, slices: {{by: [region]}}"
    runs = 200 if FULL else 10
    alarms = sum(outcome(text, None, rows(1000, 20, seed=seed), resamples=9999) == "fail" for seed in range(runs))
    assert alarms <= (0.05 + 2.6 * np.sqrt(0.05 * 0.95 / runs)) * runs


def test_gap_that_is_there_is_found_and_one_that_is_not_is_ruled_out():
    text = "kind: gap, metric: accuracy, max: 0.1, slices: {by: [region]}"
    assert outcome(text, None, rows(2000, 4, seed=1, harm=0.25)) == "fail"
    assert outcome(text, None, rows(2000, 4, seed=1)) == "pass"
    assert outcome(text, None, rows(160, 4, seed=1)) == "inconclusive"
