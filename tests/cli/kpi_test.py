"""A KPI of mlgit.yaml from end to end: in `mlgit diff`, `mlgit gate` and on the card."""

from __future__ import annotations

import json

import pytest

from tests.gate.reviews import MODELS, judged, ran, rows, sources, started

pytestmark = pytest.mark.slow  # every test runs a pipeline

KPI = """\
monitoring:
  churn:
    kpis: {missed: {expression: "mean(100 * (label == 1) * (prediction == 0))", direction: lower, limit: 20}}
gates:
  stats: {resamples: 499}
  rules:
  - {id: missed, kind: no_worse, metric: kpi.missed, margin: 8}
"""


@pytest.fixture
def project(tmp_path, cli):
    return started(tmp_path / "project", cli, config=MODELS + KPI)


def test_gate_and_diff_judge_a_kpi_by_rows(project, cli):
    ran(project, cli, sources(rows(wrong=range(300))))
    found = judged(project, cli)
    (rule,) = found["rules"]
    assert (found["verdict"], rule["outcome"], rule["metric"]) == ("fail", "fail", "kpi.missed")
    assert (rule["baseline"], rule["current"]) == pytest.approx((5.0, 37.5))
    shown = json.loads(cli(project, "diff", "--format", "json").out)
    assert "kpi.missed" in json.dumps(shown)


def test_card_has_the_kpi_with_its_interval(project, cli):
    done = cli(project, "card", "build")
    assert done.code == 0, done.said
    card = (project / "cards" / "churn.md").read_text()
    assert "kpi.missed" in card


def test_expression_that_is_none_names_its_line(project, cli):
    text = (project / "mlgit.yaml").read_text()
    (project / "mlgit.yaml").write_text(text.replace("mean(100", "mean(100 **"))
    done = cli(project, "card", "build")
    assert done.code == 2
    assert "mlgit.yaml: monitoring.churn.kpis.missed.expression" in done.said
    assert "Traceback" not in done.said
