"""When a model is to be trained anew, and what holds that back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mlgit.monitoring.chain import Acceptance, JudgedWindow
from mlgit.monitoring.retrain_marker import RetrainMarker
from mlgit.monitoring.triggers import ClosedRetrain, RetrainFacts, RowGrowth, decide
from mlgit.monitoring.verdict import ColumnDrift, MonitoredMetric, MonitorVerdict, WindowName
from mlgit.monitoring_settings import Triggers

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
MODEL = "md5:1"


def window(day, word="quiet", *, severity="", accepted=False, contract="pass", metrics=(), **found):
    name = WindowName(f"2026-05-{day:02}", f"sha256:{day}", 500, f"2026-05-{day:02}T00:00", f"2026-05-{day:02}T23:59")
    severity = severity or ("feature drift" if word in ("watch", "page") else "")
    verdict = MonitorVerdict("tumor", "prod", "v1", MODEL, name, word, severity, contract=contract, metrics=metrics, **found)
    return JudgedWindow(verdict, Acceptance(name.digest, MODEL, name.name, "a new office") if accepted else None)


def facts(*windows, **more):
    return RetrainFacts(**{"digest": MODEL, "registered": NOW - timedelta(days=30), "now": NOW, "windows": windows} | more)


def kinds(settings, found):
    return [each.kind for each in decide(settings, found).fired]


QUIET = window(19)
DRIFT = Triggers(drift="watch")
CERTAIN = Triggers(drift="page")


@pytest.mark.parametrize(
    ("word", "on_watch", "on_page"), [("quiet", False, False), ("watch", True, False), ("page", True, True)]
)
def test_drift_fires_from_the_declared_alarm_on(word, on_watch, on_page):
    found = facts(window(18), window(19, word))
    assert (decide(DRIFT, found).is_due, decide(CERTAIN, found).is_due) == (on_watch, on_page)


def test_reason_names_the_window_and_what_moved():
    moved = (ColumnDrift("income", 9.0, effect="mean +0.31 sd"), ColumnDrift("age", 3.0))
    (fired,) = decide(DRIFT, facts(window(19, "watch", pvalue=0.0012, columns=moved))).fired
    assert fired.reason == "2026-05-19: watch; p = 0.0012; most moved: income (mean +0.31 sd), age"


def test_alarm_of_an_earlier_day_counts_for_as_long_as_the_cool_down():
    assert decide(DRIFT, facts(window(8, "watch"), QUIET)).is_due
    assert decide(DRIFT, facts(window(3, "watch"), QUIET)).is_due is False


def timeless(*windows):
    names = [WindowName(f"rows {place}", f"sha256:{place}", 9) for place, _ in enumerate(windows)]
    return [replace(each, verdict=replace(each.verdict, window=name)) for each, name in zip(windows, names, strict=True)]


def test_of_windows_without_a_time_those_count_that_came_since_one_was_quiet():
    assert decide(DRIFT, facts(*timeless(window(8, "watch"), window(19)))).is_due is False
    assert decide(DRIFT, facts(*timeless(window(19), window(8, "watch")))).is_due
    assert decide(CERTAIN, facts(*timeless(window(7, "page"), window(8, "watch")))).is_due
    assert decide(CERTAIN, facts(*timeless(window(6, "page"), window(7), window(8, "watch")))).is_due is False
    assert (
        decide(CERTAIN, facts(*timeless(window(6, "page"), window(7, "watch", accepted=True), window(8, "watch")))).is_due
        is False
    )


def test_accepted_window_asks_for_nothing():
    assert decide(DRIFT, facts(window(19, "watch", accepted=True))).is_due is False


def test_broken_data_are_mended_first():
    found = decide(DRIFT, facts(window(19, "page", severity="contract", contract="fail")))
    assert (found.fired, found.is_due) == ((), None)
    assert "contract" in found.unknown[0]


def test_drift_beneath_a_broken_metric_is_seen():
    beneath = window(19, "page", severity="metric", pvalue=0.001, alpha=0.01, martingale=3.0)
    assert kinds(DRIFT, facts(beneath)) == ["drift"]
    assert kinds(CERTAIN, facts(beneath)) == []
    assert kinds(CERTAIN, facts(window(19, "page", severity="metric", martingale=120.0))) == ["drift"]
    assert kinds(DRIFT, facts(window(19, "page", severity="metric", pvalue=0.4, alpha=0.01))) == []


@pytest.mark.parametrize("windows", [(), (window(19, "cannot_tell", reason="12 reference batches, 20 needed"),)])
def test_what_was_not_judged_cannot_be_told(windows):
    found = decide(DRIFT, facts(*windows))
    assert (found.is_due, len(found.unknown)) == (None, 1)


def test_something_that_fired_needs_nothing_more():
    assert decide(Triggers(drift="watch", age=10), facts()).is_due


def metric(name="f1", *, broken=True, kind="metric", estimated=False):
    return MonitoredMetric(name, 0.7, 0.66, 0.74, baseline=0.81, kind=kind, is_broken=broken, is_estimated=estimated)


MEASURED = Triggers(metric="floor")


def test_broken_metric_fires_with_its_interval_and_its_value_at_release():
    (fired,) = decide(MEASURED, facts(window(19, "watch", severity="metric", metrics=(metric(),)), metric="f1")).fired
    assert (fired.kind, fired.reason) == ("metric", "floor: f1 0.7 (0.66 to 0.74), at release 0.81 in 2026-05-19")


def test_last_measurement_counts_and_windows_without_labels_are_passed_over():
    found = facts(window(10, metrics=(metric(),)), window(18), QUIET, metric="f1")
    assert kinds(MEASURED, found) == ["metric"]
    mended = facts(window(10, metrics=(metric(),)), window(18, metrics=(metric(broken=False),)), metric="f1")
    assert decide(MEASURED, mended).is_due is False


def test_estimate_is_told_and_triggers_nothing_alone():
    found = decide(MEASURED, facts(window(19, metrics=(metric(estimated=True),)), metric="f1"))
    assert (found.is_due, found.fired) == (None, ())
    assert "estimated" in found.notes[0]


def test_kpi_is_no_metric_of_the_same_name():
    found = facts(window(19, metrics=(metric("loss"),)), metric="f1")
    assert decide(Triggers(kpi="loss"), found).is_due is None
    assert kinds(Triggers(kpi="loss"), facts(window(19, metrics=(metric("loss", kind="kpi"),)))) == ["kpi"]


@pytest.mark.parametrize(("days", "is_due"), [(29, True), (30, True), (31, False)])
def test_age_is_that_of_the_version(days, is_due):
    assert decide(Triggers(age=days), facts()).is_due is is_due


@pytest.mark.parametrize(
    ("now", "wanted", "is_share", "is_due"),
    [
        (1199, 0.2, True, False),
        (1200, 0.2, True, True),
        (1099, 100, False, False),
        (1100, 100, False, True),
        (900, 0.0, True, False),
    ],
)
def test_new_rows_are_counted_against_those_it_was_trained_with(now, wanted, is_share, is_due):
    settings = Triggers(new_rows=wanted, is_share=is_share)
    assert decide(settings, facts(growth=RowGrowth(now, 1000))).is_due is is_due


def test_rows_that_cannot_be_counted_are_told():
    found = decide(Triggers(new_rows=0.2, is_share=True), facts(growth=RowGrowth(None, 5, "data/raw.csv: not in the cache")))
    assert (found.is_due, found.unknown) == (None, ("new_rows: data/raw.csv: not in the cache",))


def test_the_worst_comes_first():
    settings = Triggers(drift="watch", metric="floor", kpi="loss", age=1, new_rows=1)
    rows = (metric(), metric("loss", kind="kpi"))
    found = facts(window(19, "watch", metrics=rows), metric="f1", growth=RowGrowth(9, 5), manual="asked")
    assert kinds(settings, found) == ["metric", "kpi", "drift", "new_rows", "age", "manual"]


AGED = Triggers(age=1)


def closed(days, *, merged=False, digest=MODEL, by_mlgit=False):
    return ClosedRetrain(12, NOW - timedelta(days=days), merged, RetrainMarker("tumor", "v1", digest, ("age",), by_mlgit))


def test_what_people_closed_holds_until_the_cool_down_is_over():
    held = decide(AGED, facts(closed=[closed(3)]))
    assert (held.is_due, len(held.fired)) == (False, 1)
    assert held.held == "#12 was closed on 2026-05-17: quiet until 2026-05-31, or until another version is in production"
    assert decide(AGED, facts(closed=[closed(14)])).is_due
    assert decide(AGED, facts(closed=[closed(3, merged=True)])).is_due is False


def test_another_version_ends_the_silence():
    assert decide(AGED, facts(closed=[closed(3, digest="md5:0")])).is_due


def test_what_mlgit_closed_holds_nothing_back():
    assert decide(AGED, facts(closed=[closed(3, by_mlgit=True)])).is_due
    assert decide(AGED, facts(closed=[closed(2, by_mlgit=True), closed(3)])).is_due is False


def test_closed_one_whose_mark_is_gone_counts_for_the_version_of_today():
    assert decide(AGED, facts(closed=[replace(closed(3), marker=None)])).is_due is False


def test_open_one_is_brought_up_to_date():
    assert decide(AGED, facts(open_pull=13, closed=[closed(3)])).is_due


def test_persons_reason_breaks_the_cool_down_but_opens_no_second():
    assert decide(Triggers(), facts(closed=[closed(3)], manual="new sensor")).is_due
    held = decide(AGED, facts(open_pull=13, manual="new sensor"))
    assert (held.is_due, held.held) == (False, "#13 is open")


def test_nothing_that_fired_is_not_held():
    assert decide(Triggers(age=90), facts(closed=[closed(3)])).held == ""


def test_document_has_every_answer():
    found = decide(AGED, facts()).document()
    assert found["due"] is True
    assert found["triggers"] == [{"kind": "age", "reason": "registered 30 days ago, on 2026-04-20"}]
