"""What is measured of a window: metrics where labels count, KPIs, and what breaks them."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit import monitoring_settings
from mlgit.errors import MlgitError
from mlgit.evaluation import metric_values
from mlgit.evaluation.comparison_settings import ComparisonSettings
from mlgit.monitoring import estimated, watched_metrics
from mlgit.monitoring.performance import of_window
from mlgit.monitoring.sketch import Batches, Sketch
from tests.kit.late import Late
from tests.monitoring.windows import answered, declared, labels

sklearn = Late("sklearn.metrics")
METRICS = {"accuracy": {"direction": "higher"}, "roc_auc": {"direction": "higher"}}
COST = "sum(amount * (label == 1) * (prediction == 0))"


def settings(**monitoring):
    return monitoring_settings.parse("churn", monitoring, where="x", rules=["floor"])


def sketch(*, seed=99, **recorded):
    window, truth = answered(rows=2000, seed=seed)
    table = {"label": truth, "prediction": window.predictions, "score": window.scores}
    calibration = estimated.calibration_of(declared().model("churn"), table)
    return Sketch("churn", Batches(), (), metrics=recorded, calibration=calibration)


def found(window, known, *, monitoring=None, reference=None, beside=(), **sections):
    config = declared(**{"metrics": METRICS, **sections})
    asked = settings(**(monitoring or {}))
    return of_window(window, sketch=reference, settings=asked, config=config, labels=known, beside=beside)


def by_name(performance_):
    return {each.name: each for each in performance_.metrics}


def test_metrics_of_labelled_rows_are_those_of_scikit_learn_with_the_interval_of_the_gate():
    window, truth = answered()
    measured = by_name(found(window, labels(truth), reference=sketch(accuracy=0.8)))
    accuracy = measured["accuracy"]
    assert accuracy.value == pytest.approx(sklearn.accuracy_score(truth, window.predictions))
    assert measured["roc_auc"].value == pytest.approx(sklearn.roc_auc_score(truth, window.scores))
    table = {"label": truth, "prediction": window.predictions, "score": window.scores}
    model, asked = declared().model("churn"), ComparisonSettings(alpha=0.025)
    gate = metric_values.interval("accuracy", model, table, asked)
    assert (accuracy.low, accuracy.high) == (gate.low, gate.high)
    assert (accuracy.baseline, accuracy.n, accuracy.is_estimated, accuracy.confidence_level) == (0.8, 400, False, 0.95)


def test_rows_without_a_label_are_told_and_left_out():
    window, truth = answered()
    measured = found(window, labels(truth[:388], ids=[f"r{each}" for each in range(388)]))
    assert measured.labelled == 388
    assert by_name(measured)["accuracy"].n == 388
    assert "12 of 400 rows old enough for a label have none" in measured.notes


def test_too_young_rows_are_estimated_until_their_labels_count():
    window, truth = answered()
    young = labels(truth, lag=30, newest="2026-05-10T00:00:00Z")
    measured = found(window, young, reference=sketch(accuracy=0.8))
    accuracy = by_name(measured)["accuracy"]
    assert (accuracy.is_estimated, accuracy.baseline) == (True, 0.8)
    assert accuracy.note == "until labels are old enough; estimated, blind to concept drift"
    old = found(window, labels(truth, lag=30, newest="2026-06-10T00:00:00Z"), reference=sketch())
    assert [each.is_estimated for each in old.metrics] == [False, False]


def test_without_labels_everything_is_estimated():
    window, _ = answered()
    measured = found(window, None, reference=sketch())
    assert {(each.name, each.is_estimated) for each in measured.metrics} == {("accuracy", True), ("roc_auc", True)}
    assert not measured.notes


def test_few_labels_show_the_measured_value_and_the_estimate_beside_it():
    window, truth = answered()
    measured = found(window, labels(truth[:9], ids=[f"r{each}" for each in range(9)]), reference=sketch())
    assert [(each.name, each.is_estimated) for each in measured.metrics if each.name == "roc_auc"] == [
        ("roc_auc", False),
        ("roc_auc", True),
    ]


RULES = {"rules": [{"id": "floor", "kind": "bound", "metric": "accuracy", "min": 0.9}]}


def test_rule_that_a_trigger_names_is_broken_for_sure_or_not():
    window, truth = answered()
    watched = {"triggers": {"metric": "floor"}}
    measured = by_name(found(window, labels(truth), monitoring=watched, gates=RULES))
    assert measured["accuracy"].is_broken
    assert measured["accuracy"].note == "at least 0.9 is asked"
    assert not measured["roc_auc"].is_broken
    assert not by_name(found(window, labels(truth), gates=RULES))["accuracy"].is_broken, "no trigger asks for it"


def test_estimate_that_is_beyond_a_rule_says_so():
    window, _ = answered()
    watched = {"triggers": {"metric": "floor"}}
    accuracy = by_name(found(window, None, monitoring=watched, gates=RULES, reference=sketch()))["accuracy"]
    assert (accuracy.is_broken, accuracy.is_estimated) == (True, True)
    assert accuracy.note == "at least 0.9 is asked; estimated, blind to concept drift"
    low = {"rules": [RULES["rules"][0] | {"min": 0.7}]}
    assert not by_name(found(window, None, monitoring=watched, gates=low, reference=sketch()))["accuracy"].is_broken


def test_rule_is_judged_at_the_declared_rate_of_false_alarms():
    """An interval at 1/365 is wider than that of the gate at 5 %, so a value just below its limit breaks nothing."""
    window, truth = answered(rows=400)
    share = float((truth == window.predictions).mean())
    rules = {"rules": [{"id": "floor", "kind": "bound", "metric": "accuracy", "min": share + 0.04}]}
    watched = {"triggers": {"metric": "floor"}}
    daily = {**watched, "windows": {"path": "logs", "by": "day(ts)"}}
    assert by_name(found(window, labels(truth), monitoring=watched, gates=rules))["accuracy"].is_broken
    assert not by_name(found(window, labels(truth), monitoring=daily, gates=rules))["accuracy"].is_broken


def test_rule_that_compares_slices_is_told_to_be_blind():
    window, truth = answered()
    rule = {"id": "floor", "kind": "gap", "metric": "accuracy", "max": 0.1, "slices": {"by": ["country"]}}
    measured = found(window, labels(truth), monitoring={"triggers": {"metric": "floor"}}, gates={"rules": [rule]})
    assert "the rule floor compares two models on the same rows, which no window can do" in measured.notes


def test_groups_of_the_gate_that_the_log_does_not_have_are_told():
    window, truth = answered()
    measured = found(window, labels(truth), gates={"stats": {"cluster": "patient"}})
    assert "rows have no column 'patient', so they count as independent" in measured.notes


def test_declared_metric_is_measured_where_rows_have_its_columns():
    window, truth = answered()
    made = {"amount": {"direction": "lower", "column": "amount"}, "tokens": {"direction": "lower", "column": "tokens"}}
    rule = {"id": "floor", "kind": "bound", "metric": "amount", "max": 1}
    other = {"id": "abroad", "kind": "bound", "metric": "accuracy", "min": 0.99, "on": "abroad"}
    watched = {"triggers": {"metric": "floor"}}
    measured = found(window, labels(truth), monitoring=watched, metrics={**METRICS, **made}, gates={"rules": [rule, other]})
    amount = by_name(measured)["amount"]
    assert amount.value == pytest.approx(window.columns["amount"].mean())
    assert amount.low < amount.value < amount.high
    assert (amount.is_broken, by_name(measured)["accuracy"].is_broken) == (True, False)
    assert "tokens is not measured: rows have no column 'tokens'" in measured.notes


def test_kpi_is_a_sum_over_log_and_labels_with_its_interval():
    window, truth = answered()
    kpis = {"loss": {"expression": COST, "direction": "lower", "limit": 100_000}}
    loss = by_name(found(window, labels(truth), monitoring={"kpis": kpis}))["loss"]
    expected = (window.columns["amount"] * (truth == 1) * (window.predictions == 0)).sum()
    assert loss.value == pytest.approx(expected)
    assert loss.low < loss.value < loss.high
    assert (loss.kind, loss.is_broken, loss.n) == ("kpi", False, 400)


@pytest.mark.parametrize(("share", "expected"), [(0.3, True), (0.9, False)])
def test_kpi_is_broken_when_its_interval_is_beyond_the_limit(share, expected):
    window, truth = answered()
    value = float((window.columns["amount"] * (truth == 1) * (window.predictions == 0)).sum())
    kpis = {"loss": {"expression": COST, "direction": "lower", "limit": share * value}}
    assert by_name(found(window, labels(truth), monitoring={"kpis": kpis}))["loss"].is_broken is expected


def test_kpi_is_judged_at_the_declared_rate_of_false_alarms():
    window, truth = answered()
    kpis = {"loss": {"expression": COST, "direction": "lower"}}
    shown = by_name(found(window, labels(truth), monitoring={"kpis": kpis}))["loss"]
    close = {"loss": kpis["loss"] | {"limit": shown.low - 1}}
    daily = {"windows": {"path": "logs", "by": "day(ts)"}}
    assert by_name(found(window, labels(truth), monitoring={"kpis": close}))["loss"].is_broken
    assert not by_name(found(window, labels(truth), monitoring={"kpis": close, **daily}))["loss"].is_broken


def test_kpi_of_the_log_alone_needs_no_label():
    window, _ = answered()
    kpis = {"approved": {"expression": "share(prediction == 0)", "direction": "higher"}}
    measured = found(window, None, monitoring={"kpis": kpis})
    assert by_name(measured)["approved"].value == pytest.approx((window.predictions == 0).mean())


def test_kpi_may_ask_for_a_further_column_of_the_labels():
    window, truth = answered()
    kpis = {"paid": {"expression": "mean(refund)", "direction": "lower"}}
    known = labels(truth, refund=np.arange(400.0))
    assert by_name(found(window, known, monitoring={"kpis": kpis}))["paid"].value == pytest.approx(199.5)
    assert watched_metrics.columns_of_labels(settings(kpis=kpis), declared().model("churn")) == {"refund"}


def test_count_has_no_interval_and_goes_by_its_value():
    window, _ = answered()
    kpis = {"requests": {"expression": "count()", "direction": "higher", "limit": 500}}
    requests = by_name(found(window, None, monitoring={"kpis": kpis}))["requests"]
    assert (requests.value, requests.low, requests.is_broken) == (400, None, True)


@pytest.mark.parametrize(
    ("expression", "more", "said"),
    [
        ("sum(amuont)", {}, "kpi loss: there is no column 'amuont', did you mean 'amount'?"),
        (COST, {}, "kpi loss: there is no column 'label'"),
        ("sum(amount)", {"hashed": frozenset({"amount"})}, "kpi loss: the log has hashes only of amount"),
        ("sum(amount) / count(amount < 0)", {}, "kpi loss: it has no value for these rows"),
    ],
)
def test_kpi_that_cannot_be_had_is_told(expression, more, said):
    window, _ = answered(**more)
    measured = found(window, None, monitoring={"kpis": {"loss": {"expression": expression, "direction": "lower"}}})
    assert "loss" not in by_name(measured)
    assert any(each.startswith(said) for each in measured.notes)


def test_expression_that_is_none_is_an_error_of_the_configuration():
    window, _ = answered()
    kpis = {"loss": {"expression": "sum(amount", "direction": "lower"}}
    with pytest.raises(MlgitError, match=r"monitoring\.churn\.kpis\.loss"):
        found(window, None, monitoring={"kpis": kpis})


def test_kpi_at_release_stands_beside_it_for_as_many_rows():
    window, truth = answered()
    table = {"label": truth, "prediction": window.predictions, "amount": window.columns["amount"]}
    kpis = {"loss": {"expression": COST, "direction": "lower"}, "rate": {"expression": "mean(amount)", "direction": "lower"}}
    recorded = watched_metrics.at_release(table, settings=settings(kpis=kpis))
    assert set(recorded) == {"kpi.loss/row", "kpi.rate"}
    half, _ = answered(rows=200)
    measured = by_name(found(half, labels(truth[:200]), monitoring={"kpis": kpis}, reference=sketch(**recorded)))
    assert measured["loss"].baseline == pytest.approx((table["amount"] * (truth == 1) * (window.predictions == 0)).sum() / 2)
    assert measured["rate"].baseline == pytest.approx(table["amount"].mean())


def test_metric_whose_columns_are_not_there_is_told():
    window, truth = answered(scores=None)
    measured = found(window, labels(truth))
    assert list(by_name(measured)) == ["accuracy"]
    # of the window, not of the file of predictions, which has the column
    assert "roc_auc is not measured: rows have no column 'score'" in measured.notes


def test_recorded_name_of_a_metric_is_kept():
    window, truth = answered()
    directions = {"accuracy": {"direction": "higher"}, "test.accuracy": {"direction": "higher"}, "own": {"direction": "lower"}}
    measured = found(window, labels(truth), metrics=directions, reference=sketch(**{"test.accuracy": 0.8}))
    assert [(each.name, each.baseline) for each in measured.metrics] == [("test.accuracy", 0.8)]


def test_name_in_a_rule_is_kept_though_another_was_recorded():
    """A trigger looks for the metric of its rule by this name."""
    window, truth = answered()
    measured = found(window, labels(truth), gates=RULES, reference=sketch(**{"test.accuracy": 0.8}))
    assert [(each.name, each.baseline) for each in measured.metrics if each.name != "roc_auc"] == [("accuracy", 0.8)]


def test_rows_without_ids_have_no_labels():
    window, truth = answered(ids=None)
    assert "rows have no id, so no label belongs to them" in found(window, labels(truth)).notes


def windows_and_labels(*, seen=(), lag=30, newest="2026-06-02T23:59:00Z", **more):
    """Three days, of which the first is old enough for its labels to count."""
    found, truths = [], []
    for day, version in zip((1, 2, 3), seen or ("v1", "v1", "v1"), strict=True):
        ids = np.array([f"{day}/{row}" for row in range(400)], dtype=object)
        until = f"2026-05-0{day}T23:59:00Z" if day == 1 else f"2026-05-2{day}T23:59:00Z"
        window, truth = answered(seed=day, ids=ids, name=f"day {day}", until=until, versions=(version,), **more)
        found.append(window)
        truths += truth.tolist()
    return found, labels(truths, ids=[name for each in found for name in each.ids.tolist()], lag=lag, newest=newest)


def test_what_was_measured_last_stands_beside_the_estimates():
    windows, known = windows_and_labels()
    alone = by_name(found(windows[0], known))
    measured = found(windows[2], known, reference=sketch(), beside=windows)
    estimate, last = [each for each in measured.metrics if each.name == "accuracy"]
    assert (estimate.is_estimated, last.is_estimated) == (True, False)
    assert (last.value, last.n, last.note) == (alone["accuracy"].value, 400, "measured last, of day 1")
    assert measured.labelled == 0


def test_what_was_measured_last_may_break_a_rule():
    windows, known = windows_and_labels()
    watched = {"triggers": {"metric": "floor"}}
    measured = found(windows[2], known, monitoring=watched, gates=RULES, beside=windows)
    assert [(each.is_broken, each.is_estimated) for each in measured.metrics if each.name == "accuracy"] == [(True, False)]


def test_kpi_of_labels_is_shown_as_it_was_last():
    windows, known = windows_and_labels()
    kpis = {"loss": {"expression": COST, "direction": "lower"}}
    (loss,) = [
        each for each in found(windows[2], known, monitoring={"kpis": kpis}, beside=windows).metrics if each.kind == "kpi"
    ]
    assert loss.note.startswith("measured last, of day 1")


def test_windows_of_another_version_and_later_ones_tell_nothing():
    windows, known = windows_and_labels(seen=("v0", "v1", "v1"))
    assert not found(windows[2], known, beside=windows).metrics
    windows, known = windows_and_labels()
    assert not found(windows[1], known, beside=windows[1:]).metrics


def test_window_with_labels_of_its_own_needs_no_other():
    windows, known = windows_and_labels(lag=1)
    measured = found(windows[1], known, beside=windows)
    assert {each.note for each in measured.metrics} == {""}


def test_rows_that_were_not_asked_for_an_answer_are_left_out_and_told():
    window, truth = answered()
    given = window.predictions.astype(object)
    given[:5] = None
    measured = found(answered(predictions=given)[0], labels(truth))
    accuracy = by_name(measured)["accuracy"]
    assert accuracy.n == 395
    assert accuracy.value == pytest.approx(sklearn.accuracy_score(truth[5:], window.predictions[5:]))
    assert by_name(measured)["roc_auc"].n == 400
    assert "5 of 400 labelled rows have no prediction" in measured.notes


def test_log_without_any_answer_measures_nothing():
    _, truth = answered()
    measured = found(answered(predictions=np.full(400, None))[0], labels(truth))
    assert "accuracy is not measured: no row has a prediction" in measured.notes
