"""What Prometheus is told about verdicts that stand in a repository, and the files with alerts and a dashboard."""

from __future__ import annotations

import json
import threading

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from mlgit.commands.monitor_export import export
from mlgit.errors import EXIT_CANNOT_ANSWER, EXIT_YES, MlgitError
from mlgit.monitoring import chain, last_run, verdict_refs
from mlgit.monitoring.chain import Acceptance, ChainEntry
from tests.kit import git, repository
from tests.monitoring.pushgateway_test import Gateway
from tests.monitoring.verdicts import window_of

CONFIG = """\
mlgit: 1
models: {churn: {predictions: predictions.csv}}
monitoring: {churn: {environment: prod, windows: {path: data.csv, by: day(ts)}}}
environments: [{name: staging}, {name: prod}]
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    root = repository(tmp_path / "project", {"mlgit.yaml": CONFIG, "dvc.yaml": "stages: {}\n"})
    monkeypatch.chdir(root)
    return root


def judge(root, *verdicts):
    """Write verdicts to the chains that they belong to."""
    for each in verdicts:
        ref = chain.ref_of(each.model, each.environment)
        verdict_refs.append(root, verdict_refs.load(root, ref), chain.of_verdict(each))


def told(text, name):
    """Values of a metric by model and environment."""
    return {
        (each.labels["model"], each.labels["environment"]): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
        if each.name == name
    }


def test_last_window_of_every_model_is_told(root):
    judge(
        root, window_of(3, rows=30), window_of(5, rows=50), window_of(4, rows=40), window_of(1, environment="staging", rows=1)
    )
    found = export()
    assert found.models == ("churn#prod", "churn#staging")
    assert told(found.text, "mlgit_monitor_window_rows") == {("churn", "prod"): 50, ("churn", "staging"): 1}
    assert found.exit_code == EXIT_YES
    assert found.files == ()


def test_one_model_or_environment_can_be_asked_for(root):
    judge(root, window_of(3), window_of(3, environment="staging"), window_of(3, model="other"))
    assert export("churn").models == ("churn#prod", "churn#staging")
    assert export("churn#staging").models == ("churn#staging",)


def test_time_that_a_window_covers_is_the_declared_one(root):
    judge(root, window_of(3), window_of(3, model="other"))
    periods = told(export().text, "mlgit_monitor_window_period_seconds")
    assert periods == {("churn", "prod"): pytest.approx(86_400, rel=1e-4)}


def test_last_run_in_this_clone_is_told_and_that_there_was_none_noted(root):
    judge(root, window_of(3))
    assert "has not been in this clone" in export().notes[0]
    last_run.record(root, model="churn", environment="prod", clock=lambda: 1_777_860_000.0)
    found = export()
    assert told(found.text, "mlgit_monitor_last_run_timestamp_seconds") == {("churn", "prod"): 1_777_860_000}
    assert found.notes == ()


def test_accepted_window_is_told(root):
    judge(root, found := window_of(3, "page"))
    ref = chain.ref_of("churn", "prod")
    word = Acceptance(found.window.digest, found.model_digest, found.window.name, "a campaign")
    assert told(export().text, "mlgit_monitor_window_accepted") == {("churn", "prod"): 0}
    verdict_refs.append(root, verdict_refs.load(root, ref), ChainEntry("accept", acceptance=word))
    assert told(export().text, "mlgit_monitor_window_accepted") == {("churn", "prod"): 1}


def test_page_stands_though_the_evidence_began_anew(root):
    judge(root, window_of(3, "page"), window_of(4, "watch"))
    assert 'mlgit_drift_alarm{model="churn",environment="prod",verdict="page"} 1' in export().text
    judge(root, window_of(5))
    assert 'mlgit_drift_alarm{model="churn",environment="prod",verdict="page"} 0' in export().text


def test_files_are_written_and_read_by_whom_they_are_for(root):
    judge(root, window_of(3))
    found = export(prometheus="mlgit.prom", alerts="alerts.yml", dashboard="dashboard.json", labels=["team=growth"])
    assert found.files == ("mlgit.prom", "alerts.yml", "dashboard.json")
    assert (root / "mlgit.prom").read_text() == found.text
    assert 'team="growth"' in found.text
    assert yaml.safe_load((root / "alerts.yml").read_text())["groups"]
    assert json.loads((root / "dashboard.json").read_text())["panels"]
    assert [each.name for each in root.glob(".*tmp*")] == []


def test_alerts_and_dashboard_need_no_verdict_and_no_repository(root, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert export(alerts="alerts.yml", dashboard="dashboard.json").models == ()
    assert {each.name for each in tmp_path.iterdir()} == {"alerts.yml", "dashboard.json", "project"}


def test_file_that_node_exporter_would_pass_over_is_noted(root):
    judge(root, window_of(3))
    assert "whose names end in .prom" in export(prometheus="mlgit.txt").notes[0]


def test_each_model_is_pushed_as_a_group_of_its_own(root):
    judge(root, window_of(3), window_of(3, environment="staging"))
    with Gateway() as gateway:
        thread = threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            assert export(push_gateway=gateway.url, labels=["team=growth"]).pushed == 2
        finally:
            gateway.shutdown()
            thread.join()
    paths = [f"/metrics/job/mlgit_monitor/model/churn/environment/{each}/team/growth" for each in ("prod", "staging")]
    assert sorted(gateway.kept) == paths
    assert told(gateway.kept[paths[0]], "mlgit_monitor_info") == {("churn", "prod"): 1}


def test_chain_that_somebody_broke_hides_no_other(root):
    judge(root, window_of(3))
    git(root, "update-ref", "refs/mlgit/monitor/other@prod", "HEAD")
    found = export()
    assert found.models == ("churn#prod",)
    assert "refs/mlgit/monitor/other@prod" in found.problems[0]
    assert found.exit_code == EXIT_CANNOT_ANSWER
    with pytest.raises(MlgitError, match="other@prod"):
        export("other")


def test_environment_that_is_empty_now_is_left_out_unless_it_is_named(root):
    judge(root, window_of(3), window_of(3, environment="staging"))
    for tag in ("churn@v1.2.0", "churn#prod#1", "churn#staging#2", "churn#staging!#3"):
        git(root, "tag", "--annotate", "--message", tag, tag)
    found = export()
    assert (found.models, found.notes[0]) == (("churn#prod",), "churn#staging: left out, for nothing is in it")
    assert export("churn#staging").models == ("churn#staging",)


def test_mirror_repository_tells_the_same(root, tmp_path, monkeypatch):
    judge(root, window_of(3))
    here = told(export().text, "mlgit_monitor_window_rows")
    git(tmp_path, "clone", "--quiet", "--mirror", str(root), "mirror.git")
    monkeypatch.chdir(tmp_path / "mirror.git")
    assert told(export().text, "mlgit_monitor_window_rows") == here


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "no window of any model was judged"),
        ({"word": "churn"}, "no window of churn was judged"),
        ({"word": "churn@v1.0.0"}, "an environment's version"),
        ({"labels": ["model=x"]}, "is there already"),
        ({"alerts": "a.yml", "dashboard": "./a.yml"}, "name the same file"),
        ({"alerts": "missing/a.yml"}, "cannot be written"),
    ],
)
def test_what_cannot_be_told_is_refused(root, options, said):
    with pytest.raises(MlgitError, match=said):
        export(**options)
