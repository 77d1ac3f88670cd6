"""Handwritten digits: ten classes with a probability each, and metrics under the names of scikit-learn's report of classes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit.late import Late
from tests.projects.kit import values_everywhere

pytestmark = pytest.mark.slow  # pipelines run
sklearn = Late("sklearn.metrics")

PREPARE = '''\
"""A third of the digits to learn from, and the others to be judged on."""
import os
from sklearn.datasets import load_digits
digits = load_digits()
os.makedirs("data", exist_ok=True)
for name, start in (("train", 0), ("test", 1)):
    places = [place for place in range(len(digits.target)) if (place % 3 > 0) == bool(start)]
    with open(f"data/{name}.csv", "w") as file:
        file.write("id,label," + ",".join(f"x{each}" for each in range(64)) + "\\n")
        for place in places:
            pixels = ",".join(str(int(each)) for each in digits.data[place])
            file.write(f"{place},{digits.target[place]},{pixels}\\n")
'''
TRAIN = '''\
"""A softmax of pixels, by gradient descent; some pixels are covered by a sheet of paper."""
import json, os
import numpy as np
pixels, steps = (int(line.split()[-1]) for line in open("params.yaml").read().splitlines()[1:])
rows = np.loadtxt("data/train.csv", delimiter=",", skiprows=1)
label, seen = rows[:, 1].astype(int), np.random.default_rng(0).permutation(64) < pixels
inputs = np.column_stack([rows[:, 2:] * seen / 16, np.ones(len(rows))])
weights, wanted = np.zeros((65, 10)), np.eye(10)[label]
for _ in range(steps):
    raw = np.exp(inputs @ weights)
    weights -= 0.5 * inputs.T @ (raw / raw.sum(axis=1, keepdims=True) - wanted) / len(rows)
os.makedirs("models", exist_ok=True)
json.dump({"seen": seen.tolist(), "weights": weights.round(6).tolist()}, open("models/digits.json", "w"))
'''
EVALUATE = '''\
"""Probabilities of all digits for each test row, and scikit-learn's report of classes."""
import json, os
import numpy as np
from sklearn.metrics import classification_report, log_loss, top_k_accuracy_score
model = json.load(open("models/digits.json"))
rows = np.loadtxt("data/test.csv", delimiter=",", skiprows=1)
label, names = rows[:, 1].astype(int), rows[:, 0].astype(int)
raw = np.exp(np.column_stack([rows[:, 2:] * model["seen"] / 16, np.ones(len(rows))]) @ np.array(model["weights"]))
chances = raw / raw.sum(axis=1, keepdims=True)
prediction = chances.argmax(axis=1)
rows = [dict(id=int(name), label=int(label[place]), prediction=int(prediction[place]), p=chances[place].tolist())
        for place, name in enumerate(names)]
found = classification_report(label, prediction, output_dict=True)
found |= {"log_loss": log_loss(label, chances), "top3": top_k_accuracy_score(label, chances, k=3)}
os.makedirs("work", exist_ok=True)
json.dump({"rows": rows, "metrics": found}, open("work/evaluation.json", "w"))
'''
EXPORT = '''\
"""Tables for people."""
import json, os
found = json.load(open("work/evaluation.json"))
os.makedirs("reports", exist_ok=True)
with open("reports/predictions.csv", "w") as file:
    file.write("id,label,prediction," + ",".join(f"p_{each}" for each in range(10)) + "\\n")
    for row in found["rows"]:
        told = ",".join(map(repr, row["p"]))
        file.write(f"{row['id']},{row['label']},{row['prediction']},{told}\\n")
json.dump(found["metrics"], open("reports/metrics.json", "w"), indent=1)
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
    params: [train.pixels, train.steps]
    outs: [models/digits.json]
  evaluate:
    cmd: python src/evaluate.py
    deps: [src/evaluate.py, models/digits.json, data/test.csv]
    outs: [work/evaluation.json]
  export:
    cmd: python src/export.py
    deps: [src/export.py, work/evaluation.json]
    outs: [reports/predictions.csv]
    metrics: [{reports/metrics.json: {cache: false}}]
artifacts:
  digits: {path: models/digits.json, type: model, desc: Reads digits}
"""
SETTINGS = """\
mlgit: 1
metrics:
  log_loss: {direction: lower}
  roc_auc_macro: {direction: higher}
  top3: {direction: higher, of: top_k_accuracy, k: 3}
  eights: {direction: higher, of: recall, class: 8}
  eight_auc: {direction: higher, of: roc_auc, class: 8}
  accuracy: {direction: higher}
  macro avg.f1-score: {direction: higher}
  weighted avg.recall: {direction: higher}
  8.precision: {direction: higher}
  ece: {direction: lower}
models:
  digits:
    metrics: reports/metrics.json
    predictions: reports/predictions.csv
    id: id
    scores: "p_{class}"
    train: [data/train.csv]
    test: [data/test.csv]
gates:
  rules:
  - {id: sure, kind: no_worse, metric: log_loss, margin: 0.05}
  - {id: ranks, kind: no_worse, metric: roc_auc_macro, margin: 0.02}
  - {id: among-three, kind: bound, metric: top3, min: 0.9}
  - {id: reads-eights, kind: no_worse, metric: eights, margin: 0.04}
  - {id: f1, kind: no_worse, metric: macro avg.f1-score, margin: 0.03}
  - {id: honest, kind: bound, metric: ece, max: 0.2}
environments: [{name: prod, requires: {gates: pass}}]
"""
FILES = {
    "src/prepare.py": PREPARE,
    "src/train.py": TRAIN,
    "src/evaluate.py": EVALUATE,
    "src/export.py": EXPORT,
    "dvc.yaml": PIPELINE,
    "params.yaml": "train:\n  pixels: 40\n  steps: 300\n",
    "mlgit.yaml": SETTINGS,
}
BETTER = {"params.yaml": ("pixels: 40", "pixels: 64")}
WORSE = {"params.yaml": ("pixels: 40", "pixels: 20")}
OTHER = {"params.yaml": ("pixels: 40", "pixels: 39")}


@pytest.fixture
def digits(play):
    """A reader of digits."""
    return play("classes", FILES)


def by_scikit_learn(project):
    """The same metrics of the very file."""
    table = project.table("reports/predictions.csv")
    label, prediction = (np.array(table[name], dtype=int) for name in ("label", "prediction"))
    chances = np.array([table[f"p_{each}"] for each in range(10)], dtype=float).T
    report = sklearn.classification_report(label, prediction, output_dict=True)
    correct, surest = label == prediction, chances.max(axis=1)
    bins = np.minimum((surest * 10).astype(int), 9)
    gaps = [abs((correct[bins == each] - surest[bins == each]).sum()) for each in range(10)]
    return {
        "log_loss": sklearn.log_loss(label, chances),
        "roc_auc_macro": sklearn.roc_auc_score(label, chances, multi_class="ovr"),
        "top3": sklearn.top_k_accuracy_score(label, chances, k=3),
        "eights": report["8"]["recall"],
        "eight_auc": sklearn.roc_auc_score(label == 8, chances[:, 8]),
        "accuracy": report["accuracy"],
        "macro avg.f1-score": report["macro avg"]["f1-score"],
        "weighted avg.recall": report["weighted avg"]["recall"],
        "8.precision": report["8"]["precision"],
        "ece": sum(gaps) / len(label),
    }


def test_better_reader_passes_with_the_numbers_of_scikit_learn(digits):
    digits.change(BETTER)
    judged, known = digits.gate(), by_scikit_learn(digits)
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    assert {name: judged.values[name] for name in known} == pytest.approx(known)
    assert {judged.metric(name)["standing"] for name in ("log_loss", "macro avg.f1-score", "top3")} == {"better"}
    told = values_everywhere(digits, "digits")
    for where, values in told.items():
        assert {name: values.get(name) for name in known} == pytest.approx(known), where


def test_worse_reader_is_refused_and_another_is_not_decided(digits):
    judged = digits.judged(WORSE, branch="worse")
    assert (judged.code, judged.verdict, judged.outcomes["sure"]) == (1, "fail", "fail"), judged.said
    judged = digits.judged(OTHER, branch="other")
    assert (judged.code, judged.verdict, judged.outcomes["reads-eights"]) == (0, "warn", "inconclusive"), judged.said


EXPORTED, EVERY = "src/export.py", "        told ="
WRITTEN = 'json.dump(found["metrics"]'
# What a change may do to its predictions -> what the gate says of that
DOCTORED = {
    "rows of the baseline are missing": {EXPORTED: (EVERY, f"        if row['label'] == 8: continue\n{EVERY}")},
    "the labels differ in": {EXPORTED: (EVERY, f"        row['label'] = row['prediction']\n{EVERY}")},
    "they do not sum to 1": {EXPORTED: (EVERY, f"        row['p'][row['label']] = 1.0\n{EVERY}")},
    "values are missing or not finite": {
        EXPORTED: ("map(repr, row", "('' if max(row['p']) < 0.3 else repr(each) for each in row")
    },
    "no column is called as models.digits.scores says": {EXPORTED: ("p_{each}", "q_{each}")},
    "do not give the macro avg.f1-score of the metrics file": {
        EXPORTED: (WRITTEN, f"found['metrics']['macro avg']['f1-score'] = 1.0\n{WRITTEN}")
    },
    "has no macro avg.f1-score any more": {EXPORTED: (WRITTEN, f"del found['metrics']['macro avg']\n{WRITTEN}")},
}
DECLARED = {
    "definition of eights: of: recall, class: 8 -> of: recall, class: 0": ("recall, class: 8", "recall, class: 0"),
    "definition of top3: of: top_k_accuracy, k: 3 -> of: top_k_accuracy, k: 10": (
        "top_k_accuracy, k: 3",
        "top_k_accuracy, k: 10",
    ),
    "direction of log_loss: lower -> higher": ("log_loss: {direction: lower", "log_loss: {direction: higher"),
    "scores of digits: p_{class} -> ": ('scores: "p_{class}"', "scores: {8: p_8, 1: p_1}"),
    "weight of digits:  -> p_0": ("    id: id", "    id: id\n    weight: p_0"),
}


def test_predictions_that_were_doctored_are_refused(digits):
    digits.change(WORSE)
    assert digits.unrefused(DOCTORED) == {}


def test_declarations_of_a_change_do_not_judge_it(digits):
    digits.change(WORSE)
    assert digits.unheard(DECLARED) == {}


def test_better_reader_is_released_with_all_metrics_on_its_card_and_a_worse_one_is_not(digits):
    assert digits.release("digits", "v1.0.0").code == 0
    digits.merged(BETTER, branch="better")
    done = digits.release("digits", "v1.1.0")
    assert done.code == 0, done.said
    digits.merged({"params.yaml": ("pixels: 64", "pixels: 20")}, branch="worse")
    refused = digits.release("digits", "v1.2.0")
    assert (refused.code, "gate sure: shown to be worse by more than 0.05" in refused.said) == (1, True), refused.said
