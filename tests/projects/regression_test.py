"""How far a disease goes within a year: several visits of each patient, some of which count more, with quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit.late import Late
from tests.projects.kit import values_everywhere

pytestmark = pytest.mark.slow  # pipelines run
sklearn = Late("sklearn.metrics")

PREPARE = '''\
"""The diabetes data: every patient is seen three times, and how long until the next visit is what a visit counts."""
import os, random
from sklearn.datasets import load_diabetes
found, draw = load_diabetes(), random.Random(5)
os.makedirs("data", exist_ok=True)
for name, odd in (("train", 0), ("test", 1)):
    with open(f"data/{name}.csv", "w") as file:
        file.write("visit,patient,days,label," + ",".join(f"x{each}" for each in range(10)) + "\\n")
        for patient in range(odd, 442, 2):
            for visit in range(3):
                label = max(20.0, found.target[patient] + draw.gauss(0, 15))
                values = ",".join(f"{each * 20 + draw.gauss(0, 0.1):.5f}" for each in found.data[patient])
                file.write(f"{visit},p{patient},{draw.randrange(30, 120)},{label:.3f},{values}\\n")
'''
TRAIN = '''\
"""A ridge regression of some columns, and how far off it is usually."""
import json, os
import numpy as np
order = [int(each) for each in open("params.yaml").read().split('"')[1].split()]
rows = np.loadtxt("data/train.csv", delimiter=",", skiprows=1, usecols=range(3, 14))
inputs = np.column_stack([rows[:, 1:][:, order], np.ones(len(rows))])
weights = np.linalg.solve(inputs.T @ inputs + np.eye(len(order) + 1), inputs.T @ rows[:, 0])
off = np.quantile(rows[:, 0] - inputs @ weights, [0.1, 0.9])
os.makedirs("models", exist_ok=True)
json.dump({"order": order, "weights": weights.tolist(), "off": off.tolist()}, open("models/progress.json", "w"))
'''
PREDICT = '''\
"""What is expected of each visit, and within which limits four of five lie."""
import csv, json, os
model = json.load(open("models/progress.json"))
os.makedirs("reports", exist_ok=True)
sums, errors = 0.0, 0.0
with open("data/test.csv") as given, open("reports/visits.csv", "w") as file:
    file.write("patient,visit,days,label,prediction,low,high\\n")
    for row in csv.DictReader(given):
        values = [float(row[f"x{each}"]) for each in model["order"]] + [1.0]
        said = sum(value * weight for value, weight in zip(values, model["weights"]))
        low, high = (said + each for each in model["off"])
        days, label = float(row["days"]), float(row["label"])
        sums, errors = sums + days, errors + days * abs(said - label)
        file.write(f"{row['patient']},{row['visit']},{row['days']},{row['label']},{said:.5f},{low:.5f},{high:.5f}\\n")
json.dump({"mae": errors / sums}, open("reports/metrics.json", "w"))
'''
PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [src/prepare.py]
    outs: [data/train.csv, data/test.csv]
  train:
    cmd: python src/train.py
    deps: [src/train.py, data/train.csv]
    params: [train.columns]
    outs: [models/progress.json]
  predict:
    cmd: python src/predict.py
    deps: [src/predict.py, models/progress.json, data/test.csv]
    outs: [reports/visits.csv]
    metrics: [{reports/metrics.json: {cache: false}}]
artifacts:
  progress: {path: models/progress.json, type: model, desc: How far a disease goes}
"""
SETTINGS = """\
mlgit: 1
metrics:
  mae: {direction: lower}
  median_ae: {direction: lower}
  mape: {direction: lower}
  upper: {direction: lower, of: quantile_loss, level: 0.9}
  inside: {direction: higher, of: coverage, level: 0.8}
models:
  progress:
    metrics: reports/metrics.json
    predictions: reports/visits.csv
    id: [patient, visit]
    cluster: patient
    weight: days
    quantiles: {0.1: low, 0.9: high}
    train: [data/train.csv]
    test: [data/test.csv]
gates:
  rules:
  - {id: near, kind: no_worse, metric: mae, margin: 2}
  - {id: nearly, kind: no_worse, metric: mape, margin: 0.04}
  - {id: usually-near, kind: no_worse, metric: median_ae, margin: 6}
  - {id: not-above, kind: no_worse, metric: upper, margin: 1}
  - {id: honest, kind: bound, metric: inside, min: 0.7}
environments: [{name: prod, requires: {gates: pass}}]
"""
FILES = {
    "src/prepare.py": PREPARE,
    "src/train.py": TRAIN,
    "src/predict.py": PREDICT,
    "dvc.yaml": PIPELINE,
    "params.yaml": 'train:\n  columns: "8"\n',
    "mlgit.yaml": SETTINGS,
}
BETTER = {"params.yaml": ('"8"', '"8 2 3 4"')}
WORSE = {"params.yaml": ('"8"', '"1"')}
OTHER = {"params.yaml": ('"8"', '"2"')}


@pytest.fixture
def progress(play):
    """A regression whose rows hang together by patient."""
    return play("regression", FILES)


def by_scikit_learn(project):
    """The same metrics of the very file, each visit weighted."""
    table = project.table("reports/visits.csv")
    names = ("label", "prediction", "low", "high", "days")
    label, said, low, high, days = (np.array(table[name], dtype=float) for name in names)
    return {
        "mae": sklearn.mean_absolute_error(label, said, sample_weight=days),
        "median_ae": sklearn.median_absolute_error(label, said, sample_weight=days),
        "mape": sklearn.mean_absolute_percentage_error(label, said, sample_weight=days),
        "upper": sklearn.mean_pinball_loss(label, high, alpha=0.9, sample_weight=days),
        "inside": float(np.average((low <= label) & (label <= high), weights=days)),
    }


def test_better_regression_passes_with_the_weighted_numbers_of_scikit_learn(progress):
    progress.change(BETTER)
    judged, known = progress.gate(), by_scikit_learn(progress)
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    assert judged.values == pytest.approx(known)
    (tested,) = judged.document["tested"]
    assert (tested["n"], tested["cluster"], tested["clusters"], tested["key"]) == (663, "patient", 221, "patient + visit")
    told = values_everywhere(progress, "progress")
    assert told == {where: pytest.approx(known) for where in told}
    assert progress.card("progress") == pytest.approx(known, rel=1e-5)


def test_worse_regression_is_refused_and_another_is_not_decided(progress):
    judged = progress.judged(WORSE, branch="worse")
    assert (judged.code, judged.outcomes["near"]) == (1, "fail"), judged.said
    judged = progress.judged(OTHER, branch="other")
    assert (judged.code, judged.verdict, judged.outcomes["near"]) == (0, "warn", "inconclusive"), judged.said


PREDICTED, EVERY, WRITTEN = "src/predict.py", "        low, high =", "        file.write(f\"{row['patient']}"
# What a change may do to its predictions -> what the gate says of that
DOCTORED = {
    "days is not the same on both sides": {
        PREDICTED: (WRITTEN, f"        row['days'] = 1 + (abs(said - label) < 50)\n{WRITTEN}")
    },
    "67 rows of the baseline are missing": {PREDICTED: (WRITTEN, f"        if abs(said - label) > 100: continue\n{WRITTEN}")},
    "the labels differ in": {PREDICTED: (WRITTEN, f"        row['label'] = 0.5 * label + 0.5 * said\n{WRITTEN}")},
    "values are missing or not finite": {
        PREDICTED: (WRITTEN, f"        said = said if abs(said - label) < 100 else math.nan\n{WRITTEN}")
    },
    "641 rows are new (such as p1 + 0, p1 + 1": {PREDICTED: (WRITTEN, f"        row['patient'] += row['visit']\n{WRITTEN}")},
}
DECLARED = {
    "weight of progress: days -> visit": ("weight: days", "weight: visit"),
    "cluster of progress: patient -> ": ("    cluster: patient\n", ""),
    "definition of upper: of: quantile_loss, level: 0.9 -> of: quantile_loss, level: 0.1": ("level: 0.9", "level: 0.1"),
    "quantiles of progress: ": ("quantiles: {0.1: low, 0.9: high}", "quantiles: {0.1: low, 0.9: label}"),
    "id of progress: [patient, visit] -> patient": ("id: [patient, visit]", "id: patient"),
    "label of progress: label -> prediction": ("    cluster: patient\n", "    cluster: patient\n    label: prediction\n"),
}


def test_predictions_that_were_doctored_are_refused(progress):
    progress.change(OTHER)
    progress.edit({PREDICTED: ("import csv, json, os", "import csv, json, math, os")})
    assert progress.unrefused(DOCTORED) == {}


def test_declarations_of_a_change_do_not_judge_it(progress):
    progress.change(WORSE)
    assert progress.unheard(DECLARED) == {}


def test_better_regression_is_released_and_a_worse_one_after_it_is_not(progress):
    assert progress.release("progress", "v1.0.0").code == 0
    progress.merged(BETTER, branch="better")
    done = progress.release("progress", "v1.1.0")
    assert done.code == 0, done.said
    progress.merged({"params.yaml": ('"8 2 3 4"', '"1"')}, branch="worse")
    refused = progress.release("progress", "v1.2.0")
    assert (refused.code, "gate near: shown to be worse by more than 2" in refused.said) == (1, True), refused.said
