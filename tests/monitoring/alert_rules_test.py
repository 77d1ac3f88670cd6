from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mlgit.monitoring import alert_rules, exposition
from tests.monitoring.verdicts import BROKEN, ESTIMATED, QUIET, watched

pytestmark = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool of Prometheus is not installed")

DAY = 86_400
# Times count from the begin of a test of promtool.
SEEN = replace(QUIET, window=replace(QUIET.window, since="1970-01-01T00:00:00Z", until="1970-01-01T00:01:00Z"))


def series(text, *, times, ends=None):
    """What is exported, as it is scraped so many times, or only the first `ends`."""
    found = []
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            labels = ",".join(f'{key}="{value}"' for key, value in each.labels.items())
            last = times if ends is None else ends
            found.append({"series": f"{each.name}{{{labels}}}", "values": f"{each.value:g}x{last}"})
    return found


def firing(folder, model, *, at=0, expected=(), ends=None, labels=None):
    """Whether promtool sees exactly these alerts at this second, of all that there are."""
    step = 60 if at < DAY else 1800  # seconds from scrape to scrape
    text = exposition.render([replace(model, verdict=replace(model.verdict, window=SEEN.window))], labels=labels)
    names = [rule["alert"] for rule in yaml.safe_load(alert_rules.rules())["groups"][0]["rules"]]
    given = series(text, times=at // step + 1, ends=ends)
    # how often it fires, whatever its labels: an expression of promtool needs no word of the alert's text
    counted = [
        {"expr": f'count(ALERTS{{alertname="{name}"}}) or vector(0)', "eval_time": f"{at}s", "exp_samples": [{"value": count}]}
        for name in names
        for count in [expected.count(name)]
    ]
    for each in counted:
        each["exp_samples"][0]["labels"] = "{}"
    document = {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": f"{step}s",
        "tests": [{"interval": f"{step}s", "input_series": given, "promql_expr_test": counted}],
    }
    (folder / "alerts.yml").write_text(alert_rules.rules())
    (folder / "test.yml").write_text(yaml.safe_dump(document))
    done = subprocess.run(["promtool", "test", "rules", "test.yml"], cwd=folder, capture_output=True, text=True)
    return done.returncode == 0, done.stdout + done.stderr


def assert_fires(folder, model, *expected, at=60, ends=None, labels=None):
    is_so, said = firing(folder, model, at=at, expected=expected, ends=ends, labels=labels)
    assert is_so, said


def now(word, **changes):
    return watched(word, last_run=0.0, **changes)


def test_quiet_window_alarms_nobody(tmp_path):
    assert_fires(tmp_path, now("quiet"))


def test_check_notices_an_alert_that_does_not_fire(tmp_path):
    is_so, _ = firing(tmp_path, now("quiet"), at=60, expected=("MlgitDriftPage",))
    assert not is_so


@pytest.mark.parametrize(
    ("word", "changes", "expected"),
    [
        ("page", {}, ["MlgitDriftPage"]),
        ("watch", {}, ["MlgitDriftWatch"]),
        ("cannot_tell", {}, ["MlgitMonitorCannotTell"]),
        ("page", {"contract": "fail", "severity": "contract"}, ["MlgitContractBroken"]),
        ("quiet", {"contract": "warn"}, []),
        ("page", {"metrics": (BROKEN,), "severity": "metric"}, ["MlgitMetricBroken"]),
        ("watch", {"metrics": (BROKEN,), "severity": "metric"}, ["MlgitMetricBroken"]),
        ("watch", {"metrics": (ESTIMATED,), "severity": "estimated metric"}, ["MlgitEstimatedMetricBroken"]),
        ("watch", {"metrics": (ESTIMATED,), "severity": "feature drift"}, ["MlgitEstimatedMetricBroken"]),
        ("page", {"metrics": (ESTIMATED,)}, ["MlgitEstimatedMetricBroken", "MlgitDriftPage"]),
        ("watch", {"metrics": (BROKEN, replace(BROKEN, name="f1"))}, ["MlgitMetricBroken", "MlgitMetricBroken"]),
    ],
)
def test_one_cause_has_one_alert(tmp_path, word, changes, expected):
    assert_fires(tmp_path, now(word, **changes), *expected)


def test_alert_stays_apart_from_another_repository(tmp_path):
    assert_fires(tmp_path, now("page", metrics=(BROKEN,)), "MlgitMetricBroken", labels={"project": "one"})


@pytest.mark.parametrize("word", ["watch", "page", "cannot_tell"])
def test_accepted_window_alarms_nobody_any_more(tmp_path, word):
    model = replace(now(word, contract="fail", metrics=(BROKEN, ESTIMATED)), is_accepted=True)
    assert_fires(tmp_path, model)


def test_monitor_that_does_not_look_for_two_days_is_silent(tmp_path):
    model = replace(now("quiet"), period=None)
    assert_fires(tmp_path, model, at=2 * DAY)
    assert_fires(tmp_path, model, "MlgitMonitorSilent", at=2 * DAY + 1800)


def test_monitor_whose_figures_are_gone_is_silent_too(tmp_path):
    assert_fires(tmp_path, replace(now("quiet"), period=None), "MlgitMonitorSilent", at=2 * DAY + 3600, ends=20)


def test_windows_that_stop_are_noticed_by_the_time_they_cover(tmp_path):
    hourly = replace(watched("quiet", last_run=4.0 * 3600), period=3600.0)
    assert_fires(tmp_path, hourly, at=3 * 3600)
    assert_fires(tmp_path, hourly, "MlgitMonitorNoNewWindow", at=3 * 3600 + 120)


def test_every_alert_says_whom_it_wakes_and_what_to_type():
    for rule in yaml.safe_load(alert_rules.rules())["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in ("page", "ticket", "info")
        assert "$labels.model" in rule["annotations"]["summary"]
