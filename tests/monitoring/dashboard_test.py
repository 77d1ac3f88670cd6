from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess

import pytest

from mlgit.monitoring import alert_rules
from mlgit.monitoring.dashboard import dashboard
from mlgit.monitoring.exposition import METRICS

PANELS = {"stat", "state-timeline", "timeseries"}


def found():
    return json.loads(dashboard())


def queries():
    shown = found()
    asked = [target["expr"] for panel in shown["panels"] for target in panel["targets"]]
    return [*asked, *(each["expr"] for each in shown["annotations"]["list"])]


def metrics_in(text):
    return set(re.findall(r"\bmlgit_\w+", text))


def test_every_query_asks_for_what_is_exported():
    variables = [each["definition"] for each in found()["templating"]["list"] if each["type"] == "query"]
    for query in [*queries(), *variables]:
        assert metrics_in(query), query
        assert metrics_in(query) <= METRICS.keys(), query


def test_every_alert_asks_for_what_is_exported():
    assert metrics_in(alert_rules.rules()) <= METRICS.keys()


def test_what_is_exported_is_shown_or_alarms():
    # what only a query by hand needs
    left = {"contract", "window_accepted", "window_start_timestamp_seconds", "window_period_seconds", "reference_batches"}
    unused = {f"mlgit_monitor_{each}" for each in left} | {"mlgit_monitored_metric_rows", "mlgit_monitored_metric_broken"}
    unused |= {"mlgit_drift_extrapolated", "mlgit_drift_column_pvalue"}
    assert metrics_in(" ".join(queries())) == METRICS.keys() - unused


def test_queries_are_about_the_chosen_model():
    assert [each for each in queries() if 'model="$model",environment="$environment"' not in each] == []


def test_panels_fill_rows_without_lying_on_each_other():
    places = [each["gridPos"] for each in found()["panels"]]
    assert all(each["x"] + each["w"] <= 24 for each in places)
    for one, other in itertools.combinations(places, 2):
        is_beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        is_below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert is_beside or is_below, (one, other)


def test_panels_have_what_grafana_asks_for():
    shown = found()
    assert shown["schemaVersion"] >= 36
    assert len({each["id"] for each in shown["panels"]}) == len(shown["panels"])
    for panel in shown["panels"]:
        assert panel["type"] in PANELS
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert {"defaults", "overrides"} == panel["fieldConfig"].keys()
        assert len({each["refId"] for each in panel["targets"]}) == len(panel["targets"])


def test_dashboard_is_the_same_every_time():
    assert dashboard() == dashboard()


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool of Prometheus is not installed")
def test_prometheus_understands_every_query(tmp_path):
    rules = [{"record": f"asked:{place}", "expr": query} for place, query in enumerate(queries())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
    done = subprocess.run(["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
