from __future__ import annotations

import math
import shutil
import subprocess
from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mlgit.errors import MlgitError
from mlgit.monitoring import exposition
from mlgit.monitoring.exposition import METRICS, MOST_COLUMNS
from mlgit.monitoring.verdict import ColumnDrift
from tests.monitoring.verdicts import BROKEN, ESTIMATED, QUIET, judged, verdict, watched

OF = {"model": "churn", "environment": "prod"}


def samples(text):
    """Every sample by name and labels, as the client library of Prometheus reads them."""
    listed = [each for family in text_string_to_metric_families(text) for each in family.samples]
    found = {(each.name, frozenset(each.labels.items())): each.value for each in listed}
    assert len(found) == len(listed), "a series stands there twice"
    return found


def value(text, name, **labels):
    return samples(text).get((name, frozenset((OF | labels).items())))


def test_verdict_is_told_with_everything_that_it_knows():
    text = exposition.render([watched(metrics=(BROKEN,))])
    assert {each.name for family in text_string_to_metric_families(text) for each in family.samples} == METRICS.keys()
    assert value(text, "mlgit_monitor_info", version="v1.2.0", digest="sha256:0f") == 1
    assert value(text, "mlgit_drift_pvalue") == 0.4
    assert value(text, "mlgit_drift_score_ratio", column="amount") == 1.5
    assert value(text, "mlgit_monitor_window_end_timestamp_seconds") == 1_777_852_740
    assert value(text, "mlgit_monitored_metric_low", metric="roc_auc", kind="metric", estimated="false") == 0.58


def test_each_state_has_a_series_and_one_of_them_is_true():
    found = samples(exposition.render([watched("watch")]))
    states = {dict(labels)["verdict"]: told for (name, labels), told in found.items() if name == "mlgit_monitor_verdict"}
    assert states == {"quiet": 0, "watch": 1, "page": 0, "cannot_tell": 0}


def test_what_is_not_known_is_not_told():
    nothing = replace(QUIET, pvalue=None, martingale=None, window=replace(QUIET.window, since="", until="yesterday"))
    text = exposition.render([replace(watched(), verdict=nothing, last_run=None, period=None)])
    for name in ("drift_pvalue", "monitor_martingale", "monitor_last_run_timestamp_seconds", "monitor_window_period_seconds"):
        assert f"mlgit_{name}" not in text
    assert "window_start" not in text
    assert "window_end" not in text


def test_same_metric_measured_and_estimated_are_two_series():
    text = exposition.render([watched(metrics=(BROKEN, ESTIMATED, BROKEN))])
    told = [name for name, _ in samples(text)]
    assert told.count("mlgit_monitored_metric_broken") == 2


@pytest.mark.parametrize("name", ['a"b', "a\\", "line\nend", "{x}", "é # HELP", "\ud800", "\x00\x1b[31m"])
def test_name_of_a_column_stays_inside_its_label(name):
    text = exposition.render([watched(columns=(ColumnDrift(name, 2.0),))])
    shown = name.replace("\ud800", "?")
    assert value(text, "mlgit_drift_score_ratio", column=shown) == 2


def test_numbers_are_read_back_as_they_were():
    for number in (0.1, 1e300, -3.5e-9, math.inf, -math.inf, 2.0**60, 12345678.0):
        assert value(exposition.render([watched(martingale=number)]), "mlgit_monitor_martingale") == number
    assert math.isnan(value(exposition.render([watched(martingale=math.nan)]), "mlgit_monitor_martingale"))


@pytest.mark.parametrize("number", ["many", [1], {"a": 1}])
def test_what_is_no_number_in_a_verdict_of_somebody_else_is_left_out(number):
    text = exposition.render([watched(martingale=number, columns=(ColumnDrift("a", number), ColumnDrift("b", 10**400)))])
    assert value(text, "mlgit_monitor_martingale") is None
    assert value(text, "mlgit_drift_score_ratio", column="b") == math.inf


def test_columns_that_moved_least_are_left_out_of_very_many():
    many = tuple(ColumnDrift(f"c{place}", float(place)) for place in range(MOST_COLUMNS + 5))
    found = samples(exposition.render([watched(columns=many)]))
    told = {dict(labels)["column"] for name, labels in found if name == "mlgit_drift_score_ratio"}
    assert len(told) == MOST_COLUMNS
    assert "c4" not in told


def test_labels_of_the_user_stand_in_every_sample():
    found = samples(exposition.render([watched()], labels=exposition.check_labels(["team=growth", 'of=a="b"'])))
    assert all(dict(labels)["team"] == "growth" and dict(labels)["of"] == 'a="b"' for _, labels in found)


@pytest.mark.parametrize("given", ["team", "1a=b", "__a=b", "model=x", "job=x", "a=", "=b", "a-b=c", "ä=c", "a\n=c"])
def test_label_that_prometheus_has_no_place_for_is_refused(given):
    with pytest.raises(MlgitError, match="label"):
        exposition.check_labels([given])


def test_label_twice_is_refused():
    with pytest.raises(MlgitError, match="is there already"):
        exposition.check_labels(["a=b", "a=c"])


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool of Prometheus is not installed")
def test_promtool_has_nothing_to_say_against_it():
    odd = replace(QUIET, model="dir:a/b", environment="", columns=(ColumnDrift('a"\\\n', 1.0),), metrics=(BROKEN, ESTIMATED))
    text = exposition.render([watched(), replace(watched(), verdict=odd)], labels={"team": "growth"})
    done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("words", "stands"),
    [
        ("", ""),
        ("quiet", ""),
        ("watch", "watch"),
        ("page watch", "page"),  # the evidence began anew
        ("page watch cannot_tell", "page"),
        ("page quiet watch", "watch"),
        ("page quiet", ""),
        ("page accepted", ""),
        ("page accepted watch", "watch"),
        ("other:page watch", "watch"),  # another version paged
        ("contract:page", ""),
        ("contract:page watch", "watch"),
        ("metric:watch", ""),
        ("metric:page watch", "page"),
    ],
)
def test_alarm_about_drift_stands_until_a_window_is_quiet_or_accepted(words, stands):
    timeline = []
    for word in words.split():
        about, _, found = word.rpartition(":")
        severity = about if about in ("contract", "metric") else "feature drift"
        digest = "sha256:other" if about == "other" else QUIET.model_digest
        is_accepted = found == "accepted"
        judgement = verdict("watch" if is_accepted else found, severity=severity, model_digest=digest)
        timeline.append(judged(judgement, is_accepted=is_accepted))
    assert exposition.standing(timeline) == stands
