"""Values of columns that a contract classifies: in nothing that a review or a diff tells of predictions."""

from __future__ import annotations

import re

import pytest

from mlgit.evaluation.results import MetricEvidence, SliceGap, SliceGaps
from mlgit.gate.hidden_slices import hidden
from tests.gate.reviews import MODELS, judged, ran, rows, sources, started

pytestmark = pytest.mark.slow  # real projects

RULES = """\
data: {data/test.csv: schemas/test.odcs.yaml}
gates:
  stats: {resamples: 499}
  rules:
  - {id: kept, kind: no_worse, metric: accuracy, margin: 0.05}
  - {id: harm, kind: no_harm, metric: accuracy, margin: 0.02, slices: {by: [region]}}
  - {id: gap, kind: gap, metric: accuracy, max: 0.2, slices: {by: [region]}}
"""
CONTRACT = """\
{apiVersion: v3.1.0, kind: DataContract, id: test, version: 1.0.0, schema: [{name: test, properties: [
  {name: id, classification: pii}, {name: Region, classification: restricted}]}]}
"""
SHOWN = re.compile(r"\br\d{1,3}\b|\bEU\b|\bUS\b")


@pytest.mark.parametrize("predictions", [rows(wrong=[key for key in range(200) if key % 4 < 2]), rows(390)])
def test_classified_columns_of_predictions_show_no_value(tmp_path, cli, predictions):
    project = started(tmp_path / "project", cli, config=MODELS + RULES)
    ran(project, cli, sources(predictions))
    says = ("gate", "gate --json", "diff main", "diff main --format json", "ci run -o out")
    assert all(SHOWN.search(cli(project, *each.split()).out) for each in says[:4])
    ran(project, cli, {"schemas/test.odcs.yaml": CONTRACT})
    for each in says:
        done = cli(project, *each.split())
        assert (done.code in (0, 1, 2), SHOWN.findall(done.said)) == (True, []), each
    assert not any(SHOWN.search(path.read_text()) for path in (project / "out").rglob("*") if path.is_file())
    assert {each["outcome"] for each in judged(project, cli)["rules"]} & {"fail", "invalid"}


def test_slices_by_a_hidden_column_stay_apart_from_each_other():
    eu, us = (("plan", "a"), ("region", "EU")), (("plan", "a"), ("region", "US"))
    gaps = SliceGaps({eu: 0.9, us: 0.5}, (SliceGap(eu, us, 0.4, 0.3, 0.5, 0.3, 50),))
    seen = hidden(MetricEvidence(missing=(us,), set_aside=frozenset([us]), gaps=gaps), private=frozenset(["region"]))
    one, other = (("plan", "a"), ("region", "hidden 1")), (("plan", "a"), ("region", "hidden 2"))
    assert (seen.missing, seen.set_aside) == ((other,), {other})
    assert seen.gaps == SliceGaps({one: 0.9, other: 0.5}, (SliceGap(one, other, 0.4, 0.3, 0.5, 0.3, 50),))
