"""`mlgit monitor run` with labels that come later: estimates, what was measured last, a KPI, and when errors began."""

from __future__ import annotations

import json
import random

import pytest

from mlgit.commands import monitor_run
from tests.kit import commit, write_tree
from tests.kit.forked import mlgit
from tests.registry.projects import made

pytestmark = pytest.mark.slow  # a version is released and watched

DAYS, ROWS = 8, 200
SETTINGS = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  churn:
    metrics: reports/metrics.json
    predictions: reports/predictions.csv
    id: id
    train: [data/train.csv]
    test: [data/test.csv]
environments: [{name: prod}]
gates: {rules: [{id: floor, kind: bound, metric: accuracy, min: 0.5}]}
monitoring:
  churn:
    windows: {path: "data/today/*.csv", by: day(ts), min_rows: 10}
    labels: {path: data/labels.csv, id: id, lag: 2d}
    kpis: {missed: {expression: "sum(10 * (label == 1) * (prediction == 0))", direction: lower, limit: 900}}
    triggers: {metric: floor, kpi: missed}
"""
PREPARE = "cp data/raw.csv data/train.csv\n(head -1 data/raw.csv; tail -300 data/raw.csv) > data/test.csv\n"
EVALUATE = """\
mkdir -p reports
echo '{"accuracy": 0.9}' > reports/metrics.json
awk -F, 'NR == 1 { print "id,label,prediction,score" }
  NR > 1 { said = ($3 > 0); print $1 "," $4 "," said "," (said ? 0.9 : 0.1) }' data/test.csv > reports/predictions.csv
"""


def day(number, *, rate, with_answers):
    """Rows of a day: x tells the label but for a share of rows."""
    rng = random.Random(number)
    rows, truth = [], []
    for row in range(ROWS):
        x, name = rng.gauss(0, 1), f"{number}-{row}"
        label = int((x > 0) != (rng.random() < rate))
        at = f"2026-{1 + number // 28:02d}-{1 + number % 28:02d}T{row % 24:02d}:{row % 60:02d}:00Z"
        rows.append(f"{name},{at},{x:.3f},{f'{int(x > 0)},{0.9 if x > 0 else 0.1}' if with_answers else label}")
        truth.append(f"{name},{label}")
    return rows, truth


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A released model, eight days of answers of which the last four are bad, and labels of all of them."""
    past = [row for number in range(24) for row in day(number, rate=0.1, with_answers=False)[0]]
    files = {
        "mlgit.yaml": SETTINGS,
        "src/prepare.sh": PREPARE,
        "src/evaluate.sh": EVALUATE,
        "data/raw.csv": "id,ts,x,label\n" + "\n".join(past) + "\n",
    }
    root = made(tmp_path_factory.mktemp("watched") / "project", mlgit, files)
    known = []
    for number in range(DAYS):
        rows, truth = day(30 + number, rate=0.1 if number < 4 else 0.6, with_answers=True)
        write_tree(root, {f"data/today/{number}.csv": "id,ts,x,prediction,score\n" + "\n".join(rows) + "\n"})
        known += truth
    write_tree(root, {"data/labels.csv": "id,label\n" + "\n".join(known) + "\n"})
    commit(root)
    for words in (("register", "churn", "--version", "v1.0.0"), ("promote", "churn@v1.0.0", "prod")):
        done = mlgit(root, "model", *words)
        assert done.code == 0, done.said
    return root


@pytest.fixture
def found(root, monkeypatch):
    monkeypatch.chdir(root)
    return monitor_run.run("churn", record=False).models[0]


def metrics(verdict, name):
    return [each for each in verdict.metrics if each.name == name]


def test_old_windows_are_measured_and_new_ones_estimated(found):
    first, last = found.verdicts[0], found.verdicts[-1]
    (accuracy,) = metrics(first, "accuracy")
    assert (accuracy.is_estimated, accuracy.n, accuracy.is_broken) == (False, ROWS, False)
    assert accuracy.value == pytest.approx(0.9, abs=0.07)
    estimate, measured = metrics(last, "accuracy")
    assert estimate.is_estimated
    assert estimate.value == pytest.approx(0.9, abs=0.07), "blind to what changed"
    assert measured.note.startswith("measured last, of 2026-02-0")


def test_what_labels_show_outranks_drift(found):
    broken = [each for each in found.verdicts if each.severity == "metric"]
    assert broken
    assert broken[0].window.name >= "2026-02-07"
    (accuracy,) = [each for each in metrics(broken[0], "accuracy") if not each.is_estimated]
    assert accuracy.is_broken
    assert accuracy.value < 0.5


def test_kpi_of_labels_is_part_of_the_verdict(found):
    (missed,) = metrics(found.verdicts[0], "missed")
    assert (missed.kind, missed.n, missed.is_broken) == ("kpi", ROWS, False)
    assert missed.low < missed.value < missed.high
    assert missed.baseline == pytest.approx(missed.value, rel=0.8), "as at release, for as many rows"


def test_run_tells_when_the_model_began_to_err(found):
    (told,) = [each for each in found.notes if each.startswith("error rate changed near ")]
    assert told.startswith(("error rate changed near 2026-02-06", "error rate changed near 2026-02-07"))


def test_verdicts_are_the_same_in_the_next_run_and_hold_as_json(root, found, monkeypatch):
    monkeypatch.chdir(root)
    again = monitor_run.run("churn", record=False).models[0]
    assert [each.document() for each in again.verdicts] == [each.document() for each in found.verdicts]
    json.dumps(again.document(), allow_nan=False)
