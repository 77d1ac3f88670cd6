"""Digits judged by networks that begin with random numbers: five seeds are one recipe."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit.late import Late
from tests.projects.kit import values_everywhere

pytestmark = pytest.mark.slow  # pipelines run
sklearn = Late("sklearn.metrics")

PREPARE = '''\
"""A third of the digits to learn from which are 5 or more, and the others to be judged on."""
import os
from sklearn.datasets import load_digits
found = load_digits()
os.makedirs("data", exist_ok=True)
for name, is_test in (("train", False), ("test", True)):
    with open(f"data/{name}.csv", "w") as file:
        file.write("id,label," + ",".join(f"x{each}" for each in range(64)) + "\\n")
        for place in range(len(found.target)):
            if (place % 3 > 0) == is_test:
                pixels = ",".join(str(int(each)) for each in found.data[place])
                file.write(f"{place},{int(found.target[place] >= 5)},{pixels}\\n")
'''
TRAIN = '''\
"""A network whose first layer is drawn by its seed, and whose second is a ridge regression."""
import json, os, sys
import numpy as np
seed, units = int(sys.argv[1]), int(open("params.yaml").read().split()[-1])
train, test = (np.loadtxt(f"data/{name}.csv", delimiter=",", skiprows=1) for name in ("train", "test"))
layer = np.random.default_rng(seed).normal(size=(64, units)) / 8
def shown(rows):
    return np.column_stack([np.tanh(rows[:, 2:] / 8 @ layer), np.ones(len(rows))])
inputs = shown(train)
weights = np.linalg.solve(inputs.T @ inputs + np.eye(units + 1), inputs.T @ train[:, 1])
scores = np.clip(shown(test) @ weights, 0.02, 0.98)
for folder in ("models", "reports"):
    os.makedirs(folder, exist_ok=True)
json.dump({"seed": seed, "layer": layer.tolist(), "weights": weights.tolist()}, open(f"models/seed_{seed}.json", "w"))
with open(f"reports/seed_{seed}.csv", "w") as file:
    file.write("id,label,prediction,score\\n")
    for row, score in zip(test, scores):
        file.write(f"{int(row[0])},{int(row[1])},{int(score > 0.5)},{float(score)!r}\\n")
'''
PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [src/prepare.py]
    outs: [data/train.csv, data/test.csv]
  train:
    foreach: [1, 2, 3, 4, 5]
    do:
      cmd: python src/train.py ${item}
      deps: [src/train.py, data/train.csv, data/test.csv]
      params: [train.units]
      outs: ["models/seed_${item}.json", "reports/seed_${item}.csv"]
artifacts:
  digits: {path: models/seed_1.json, type: model, desc: Finds digits of 5 or more}
"""
SETTINGS = """\
mlgit: 1
metrics:
  roc_auc: {direction: higher}
  accuracy: {direction: higher}
  log_loss: {direction: lower}
models:
  digits:
    predictions: reports/seed_*.csv
    repeats: seeds
    id: id
    positive: 1
    train: [data/train.csv]
    test: [data/test.csv]
gates:
  rules:
  - {id: ranks, kind: no_worse, metric: roc_auc, margin: 0.02}
  - {id: right, kind: no_worse, metric: accuracy, margin: 0.02}
  - {id: floor, kind: bound, metric: accuracy, min: 0.7}
  - {id: sure, kind: no_worse, metric: log_loss, margin: 0.03}
environments: [{name: prod, requires: {gates: pass}}]
"""
FILES = {
    "src/prepare.py": PREPARE,
    "src/train.py": TRAIN,
    "dvc.yaml": PIPELINE,
    "params.yaml": "train:\n  units: 20\n",
    "mlgit.yaml": SETTINGS,
}
BETTER = {"params.yaml": ("units: 20", "units: 60")}
WORSE = {"params.yaml": ("units: 20", "units: 4")}
OTHER = {"params.yaml": ("units: 20", "units: 21")}


@pytest.fixture
def digits(play):
    """Five networks of one recipe."""
    return play("seeds", FILES)


@pytest.fixture
def two(play):
    """Two of them."""
    return play("two seeds", {**FILES, "dvc.yaml": PIPELINE.replace("[1, 2, 3, 4, 5]", "[1, 2]")})


def by_scikit_learn(project, seeds):
    """The mean of each metric over the very files."""
    found = {"roc_auc": [], "accuracy": [], "log_loss": []}
    for seed in seeds:
        table = project.table(f"reports/seed_{seed}.csv")
        label, prediction, score = (np.array(table[name], dtype=float) for name in ("label", "prediction", "score"))
        found["roc_auc"].append(sklearn.roc_auc_score(label, score))
        found["accuracy"].append(sklearn.accuracy_score(label, prediction))
        found["log_loss"].append(sklearn.log_loss(label, score))
    return {name: float(np.mean(values)) for name, values in found.items()}


def test_better_recipe_passes_with_the_means_of_scikit_learn(digits):
    digits.change(BETTER)
    judged, known = digits.gate(), by_scikit_learn(digits, range(1, 6))
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    assert judged.values == pytest.approx(known)
    assert {judged.metric(name)["about"] for name in known} == {"about the recipes: 5 and 5 seeds"}
    assert [each["judging"] for each in judged.document["tested"]] == [[]]  # what trains a seed is no judge
    told = values_everywhere(digits, "digits")
    assert told == {where: pytest.approx(known) for where in told}
    assert "roc_auc, accuracy, log_loss: about the recipes: 5 and 5 seeds" in digits.do("diff").said


def test_worse_recipe_is_refused_and_seeds_do_not_decide_on_another(digits):
    judged = digits.judged(WORSE, branch="worse")
    assert (judged.code, judged.outcomes) == (1, dict.fromkeys(judged.outcomes, "fail")), judged.said
    judged = digits.judged(OTHER, branch="other")
    assert (judged.code, judged.verdict, judged.outcomes["ranks"]) == (0, "warn", "inconclusive"), judged.said
    assert judged.rule("ranks")["settle"] == "more seeds, or more rows: both decide"


def test_two_seeds_speak_of_their_files_and_not_of_the_recipe(two):
    judged = two.judged(BETTER)
    about = "about these files, not about the recipes: 2 and 2 seeds, at least 3 needed on each side"
    assert (judged.verdict, {each["about"] for each in judged.document["metrics"]}) == ("pass", {about}), judged.said
    assert judged.values == pytest.approx(by_scikit_learn(two, (1, 2)))


ALL, TRAINED = "[1, 2, 3, 4, 5]", "src/train.py"
DRAWN, WRITTEN, SCORED = "default_rng(seed)", "for row, score in zip(test, scores):", "scores = np.clip"
# What a change may do with its seeds -> what the gate says of that
DOCTORED = {
    "no stage makes reports/seed_2.csv, reports/seed_3.csv, reports/seed_5.csv, as one did": {"dvc.yaml": (ALL, "[1, 4]")},
    "there are predictions of 1 seed and 4 copies of them, and the baseline has 5": {TRAINED: (DRAWN, "default_rng(3)")},
    "there are predictions of 2 seeds and 3 copies of them": {TRAINED: (DRAWN, "default_rng(seed // 3)")},
    "rows of the first file are missing": {TRAINED: (WRITTEN, f"{WRITTEN}\n        if 0.4 < score < 0.6: continue")},
    "171 rows of the baseline are missing": {TRAINED: (WRITTEN, f"{WRITTEN}\n        if row[0] % 7 == 0: continue")},
    "label is not that of reports/seed_1.csv in all rows": {
        TRAINED: (WRITTEN, f"{WRITTEN}\n        row[1] = row[1] if seed == 1 else score > 0.5")
    },
    "the labels differ in 171 of 1198 rows": {
        TRAINED: (WRITTEN, f"{WRITTEN}\n        row[1] = 1 - row[1] if row[0] % 7 == 0 else row[1]")
    },
    "values are missing": {
        TRAINED: (SCORED, "scores = shown(test) @ weights\nscores = np.where(scores > 0.9, np.nan, 1) * np.clip")
    },
}
DECLARED = {
    "repeats of digits: seeds -> folds": ("repeats: seeds", "repeats: folds"),
    "positive of digits: 1 -> 0": ("positive: 1", "positive: 0"),
}


def test_seeds_that_were_picked_or_doctored_are_refused(digits):
    digits.change(BETTER)  # all of them would pass otherwise
    assert digits.unrefused(DOCTORED) == {}


def test_fewer_seeds_are_told_and_a_few_are_refused(digits):
    digits.change({**BETTER, "dvc.yaml": (ALL, "[1, 3, 4]")})
    for seed in (2, 5):
        (digits.root / f"reports/seed_{seed}.csv").unlink()  # as it is where nobody ran them
    judged = digits.gate()
    assert judged.metric("accuracy")["about"] == "about the recipes: 5 and 3 seeds"
    assert [each["remarks"] for each in judged.document["tested"]] == [
        ["the predictions are of 3 seeds, and those of the baseline of 5: fewer tell less"]
    ]
    digits.edit({"dvc.yaml": ("[1, 3, 4]", "[1, 4]")})
    (digits.root / "reports/seed_3.csv").unlink()
    judged = digits.gate()
    assert (judged.code, judged.verdict) == (2, "invalid")
    assert "there are predictions of 2 seeds, and the baseline has 5: that says nothing of the recipe" in judged.said


def test_declarations_of_a_change_do_not_judge_it(digits):
    digits.change(WORSE)
    assert digits.unheard(DECLARED) == {}


def test_one_seed_of_several_is_no_recipe(digits):
    edits = {"mlgit.yaml": ("predictions: reports/seed_*.csv\n    repeats: seeds", "predictions: reports/seed_1.csv")}
    judged = digits.judged({**BETTER, **edits})
    assert (judged.code, judged.verdict) == (2, "invalid"), judged.said
    assert "predictions of digits: reports/seed_*.csv -> reports/seed_1.csv" in judged.said


def test_better_recipe_is_released_and_a_worse_one_after_it_is_not(digits):
    assert digits.release("digits", "v1.0.0").code == 0
    digits.merged(BETTER, branch="better")
    done = digits.release("digits", "v1.1.0")
    assert done.code == 0, done.said
    digits.merged({"params.yaml": ("units: 60", "units: 4")}, branch="worse")
    refused = digits.release("digits", "v1.2.0")
    assert (refused.code, "gate ranks: shown to be worse by more than 0.02" in refused.said) == (1, True), refused.said


def test_card_has_the_means_over_seeds(digits):
    assert digits.card("digits") == pytest.approx(by_scikit_learn(digits, range(1, 6)), abs=1e-6)
