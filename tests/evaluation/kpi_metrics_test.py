"""KPIs as metrics: in rules and comparisons of two models, and with their interval beside what a metrics file records."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from mlgit.config import parse
from mlgit.errors import MlgitError
from mlgit.evaluation import model_metrics
from mlgit.evaluation.model_results import ModelResults, RevisionResults, asked, columns
from mlgit.gate import rule_changes
from mlgit.gate.judge import ReviewInput, review
from mlgit.rules import Stats
from tests.kit import FULL

TODAY = datetime.date(2026, 6, 1)
COST = "mean(amount * (label == 1) * (prediction == 0))"
KPIS = {"cost": {"expression": COST, "direction": "lower"}}


def config(*rules, kpis=None, model=None, **gates):
    return parse(
        {
            "mlgit": 1,
            "metrics": {"accuracy": {"direction": "higher"}},
            "models": {"m": {"predictions": "p.csv", "id": "id", "metrics": "m.json", **(model or {})}},
            "monitoring": {"m": {"kpis": KPIS if kpis is None else kpis}},
            "gates": {"rules": list(rules), "stats": {"resamples": 999}, **gates},
        }
    )


def table(missed, *, rows=600, seed=0, **more):
    """Rows of which a share of the positive ones is missed; what is missed hangs on amounts that both sides share."""
    generator = np.random.default_rng(seed)
    key, label = np.arange(rows), np.arange(rows) % 2
    amount = np.random.default_rng(99).exponential(100, rows)
    prediction = np.where((label == 1) & (generator.random(rows) < missed), 0, label)
    return {"id": key, "label": label, "prediction": prediction, "amount": amount, **more}


def cost(rows):
    return float((rows["amount"] * (rows["label"] == 1) * (rows["prediction"] == 0)).mean())


def judged(before, now, *rules, recorded=None, **more):
    deciding = config(*rules, **more)
    model = deciding.models["m"]
    sides = [RevisionResults("x", {"m": ModelResults(model, recorded or {}, each)}) for each in (before, now)]
    return review(ReviewInput(deciding, deciding, "main", sides[1], sides[0]), today=TODAY)


NO_WORSE = {"id": "cost", "kind": "no_worse", "metric": "kpi.cost", "margin": "50%"}


@pytest.mark.parametrize(("missed", "outcome"), [(0.2, "pass"), (0.31, "inconclusive"), (0.9, "fail")])
def test_rule_about_a_kpi_is_decided_by_rows(missed, outcome):
    before, now = table(0.2), table(missed, seed=0 if missed == 0.2 else 1)
    (rule,) = judged(before, now, NO_WORSE).judged
    assert rule.outcome == outcome
    assert (rule.baseline, rule.current) == pytest.approx((cost(before), cost(now)))


def test_less_cost_is_better_and_is_shown_without_a_rule():
    found = judged(table(0.6), table(0.1, seed=1))
    (row,) = [each for each in found.metrics if each.metric == "kpi.cost"]
    assert (row.standing, row.better, row.is_gated, row.method) == ("better", "lower", False, "bootstrap-t")
    assert row.low < row.delta < row.high < 0


@pytest.mark.parametrize(("most", "outcome"), [(5.0, "fail"), (100.0, "pass")])
def test_bound_of_a_kpi_is_decided_by_its_interval(most, outcome):
    (rule,) = judged(table(0.4), table(0.4), {"id": "b", "kind": "bound", "metric": "kpi.cost", "max": most}).judged
    assert rule.outcome == outcome
    assert rule.low < cost(table(0.4)) < rule.high


def test_better_and_slices_are_judged_too():
    region = {"region": np.where(np.arange(600) % 4 < 2, "EU", "US")}
    before, now = table(0.6, **region), table(0.1, seed=1, **region)
    rules = [
        {"id": "better", "kind": "better", "metric": "kpi.cost"},
        {"id": "slices", "kind": "no_harm", "metric": "kpi.cost", "margin": 1, "slices": {"by": ["region"]}},
    ]
    assert [each.outcome for each in judged(before, now, *rules).judged] == ["pass", "pass"]


def test_same_predictions_cost_the_same():
    (rule,) = judged(table(0.3), table(0.3), NO_WORSE).judged
    assert (rule.outcome, rule.reason) == ("pass", "same predictions")


def test_change_that_makes_its_rows_cheap_is_no_comparison():
    cheap = table(0.2) | {"amount": np.ones(600)}
    (rule,) = judged(table(0.2), cheap, NO_WORSE).judged
    assert rule.outcome == "invalid"
    assert "amount is not the same on both sides" in rule.reason


def test_columns_that_predictions_do_not_have_are_told_in_a_rule_and_nowhere_else():
    bare = [{name: each for name, each in table(0.2).items() if name != "amount"} for _ in range(2)]
    found = judged(*bare, NO_WORSE)
    assert found.judged[0].outcome == "invalid"
    assert "kpi.cost: there is no column 'amount'" in found.judged[0].reason
    assert not [each for each in judged(*bare).metrics if each.metric == "kpi.cost"]


def test_value_that_the_metrics_file_contradicts_is_invalid():
    rows = table(0.2)
    assert judged(rows, rows, NO_WORSE, recorded={"kpi.cost": cost(rows)}).judged[0].outcome == "pass"
    (rule,) = judged(rows, rows, NO_WORSE, recorded={"kpi.cost": cost(rows) + 0.01}).judged
    assert rule.outcome == "invalid"
    assert "the metrics file has" in rule.reason


def test_kpi_may_be_called_as_a_metric_is():
    kpis = {"f1": {"expression": "share(prediction == label)", "direction": "higher"}}
    found = judged(table(0.5), table(0.1), {"id": "b", "kind": "bound", "metric": "kpi.f1", "min": 0.6}, kpis=kpis)
    assert found.judged[0].current == pytest.approx(float((table(0.1)["prediction"] == table(0.1)["label"]).mean()))


def test_quantiles_groups_and_series_have_intervals_of_their_own():
    kpis = {"tail": {"expression": "p90(amount * (prediction == 0))", "direction": "lower"}}
    rule = {"id": "t", "kind": "no_worse", "metric": "kpi.tail", "margin": "90%"}
    more = {"day": np.arange(600), "patient": np.arange(600) // 3}
    for model in ({}, {"cluster": "patient"}, {"order": "day"}):
        found = judged(table(0.3, **more), table(0.35, seed=1, **more), rule, kpis=kpis, model=model)
        assert found.judged[0].outcome in ("pass", "inconclusive"), found.judged[0].reason
        assert found.judged[0].low is not None


def test_card_shows_a_kpi_with_its_interval():
    model, rows = config().models["m"], table(0.3)
    found = model_metrics.evaluate(ModelResults(model, {"accuracy": 0.85}, rows), stats=Stats(resamples=999))
    kpi = found.metrics[-1]
    assert (kpi.name, kpi.value, kpi.method) == ("kpi.cost", pytest.approx(cost(rows)), "bootstrap-t")
    assert kpi.low < kpi.value < kpi.high
    bare = {name: each for name, each in rows.items() if name != "amount"}
    assert [each.name for each in model_metrics.evaluate(ModelResults(model, {}, bare), stats=Stats()).metrics] == ["accuracy"]


def test_columns_of_kpis_are_read_with_the_predictions():
    wanted, names = columns(config().models["m"], rules=(), cluster="")
    assert "amount" in wanted
    assert "amount" not in names, "it is no name"


def test_change_cannot_say_what_its_kpi_is():
    deciding, own = config(), config(kpis={"cost": {"expression": "mean(0 * amount)", "direction": "lower"}})
    assert asked(deciding, own)["m"].kpis == deciding.models["m"].kpis
    (change,) = rule_changes.changes(deciding, own)
    assert (change.id, change.before) == ("kpi.cost of m", COST)


def test_one_name_that_is_better_both_ways_is_refused():
    declared = {
        "mlgit": 1,
        "monitoring": {
            "a": {"kpis": {"cost": {"expression": "count()", "direction": "lower"}}},
            "b": {"kpis": {"cost": {"expression": "count()", "direction": "higher"}}},
        },
    }
    with pytest.raises(MlgitError, match=r"monitoring\.b\.kpis\.cost\.direction: higher, and lower elsewhere"):
        parse(declared)


@pytest.mark.slow
def test_rule_passes_a_model_that_is_as_bad_as_its_margin_as_seldom_as_it_says():
    times, passed = 2000 if FULL else 150, 0
    for seed in range(times):
        generator = np.random.default_rng(seed)
        amount = {"amount": generator.exponential(100, 600)}
        before, now = (table(share, seed=[seed, place], **amount) for place, share in enumerate((0.2, 0.3)))
        # the margin is what the second costs more in truth: a tenth of half of the rows, of 100 each
        (rule,) = judged(before, now, NO_WORSE | {"margin": 5.0}).judged
        passed += rule.outcome == "pass"
    assert passed / times <= 0.05 + (0.012 if FULL else 0.045)
