"""How far diabetes has come after a year: five folds, each predicted by a model that has not seen it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit.late import Late
from tests.projects.kit import values_everywhere

sklearn = Late("sklearn.metrics")
stats = Late("scipy.stats")

PREPARE = '''\
"""The rows, and in which fold each is."""
import os
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import KFold
folds, seed = (int(line.split()[-1]) for line in open("params.yaml").read().splitlines()[1:3])
found = load_diabetes(scaled=True)
fold = np.zeros(len(found.target), dtype=int)
for number, (_, test) in enumerate(KFold(folds, shuffle=True, random_state=seed).split(found.data)):
    fold[test] = number
os.makedirs("data", exist_ok=True)
with open("data/rows.csv", "w") as file:
    file.write("id,fold,label," + ",".join(found.feature_names) + "\\n")
    for place, row in enumerate(found.data):
        file.write(f"{place},{fold[place]},{found.target[place]}," + ",".join(f"{each:.6f}" for each in row) + "\\n")
'''
FIT = '''\
"""Least squares of some of the columns: without one fold, which is then predicted, or of all rows."""
import json, os, sys
import numpy as np
columns = json.loads(open("params.yaml").read().split("columns:")[1])
with open("data/rows.csv") as file:
    header = file.readline().strip().split(",")
rows = np.loadtxt("data/rows.csv", delimiter=",", skiprows=1)
inputs = np.column_stack([np.ones(len(rows)), *(rows[:, header.index(each)] for each in columns)])
number = sys.argv[1]
test = rows[:, 1] == (-1 if number == "all" else int(number))
weights = np.linalg.lstsq(inputs[~test], rows[~test, 2], rcond=None)[0]
os.makedirs("models", exist_ok=True)
os.makedirs("reports", exist_ok=True)
if number == "all":
    json.dump(weights.round(6).tolist(), open("models/progress.json", "w"))
else:
    with open(f"reports/fold_{number}.csv", "w") as file:
        file.write("id,label,prediction\\n")
        for row, said in zip(rows[test], inputs[test] @ weights):
            file.write(f"{int(row[0])},{row[2]},{said:.9f}\\n")
'''
PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [src/prepare.py]
    params: [split]
    outs: [data/rows.csv]
  fold:
    foreach: [0, 1, 2, 3, 4]
    do:
      cmd: python src/fit.py ${item}
      deps: [src/fit.py, data/rows.csv]
      params: [fit]
      outs: ["reports/fold_${item}.csv"]
  fit:
    cmd: python src/fit.py all
    deps: [src/fit.py, data/rows.csv]
    params: [fit]
    outs: [models/progress.json]
artifacts:
  progress: {path: models/progress.json, type: model, desc: Tells how far diabetes comes in a year}
"""
SETTINGS = """\
mlgit: 1
metrics:
  mae: {direction: lower}
  rmse: {direction: lower}
  r2: {direction: higher}
models:
  progress:
    predictions: reports/fold_*.csv
    repeats: folds
    id: id
    test: [data/rows.csv]
gates:
  rules:
  - {id: near, kind: no_worse, metric: mae, margin: 2}
  - {id: tells, kind: no_worse, metric: r2, margin: 0.05}
  - {id: useful, kind: bound, metric: r2, min: 0.2}
environments: [{name: prod, requires: {gates: pass}}]
"""
FILES = {
    "src/prepare.py": PREPARE,
    "src/fit.py": FIT,
    "params.yaml": 'split:\n  folds: 5\n  seed: 0\nfit:\n  columns: ["bmi", "bp", "s3"]\n',
    "dvc.yaml": PIPELINE,
    "mlgit.yaml": SETTINGS,
}
BETTER = {"params.yaml": ('"s3"]', '"s3", "s5", "sex"]')}
WORSE = {"params.yaml": ('"bmi", "bp"', '"bp"')}
OTHER = {"params.yaml": ('"s3"]', '"s4"]')}
SPLIT_OTHERWISE = {"params.yaml": ("seed: 0", "seed: 1")}


@pytest.fixture
def progress(play):
    """A regression that is judged by five folds."""
    return play("folds", FILES)


def of_folds(project, folds=5):
    """The errors and R2 of each fold."""
    found = {"mae": [], "rmse": [], "r2": []}
    for fold in range(folds):
        table = project.table(f"reports/fold_{fold}.csv")
        label, prediction = (np.array(table[name], dtype=float) for name in ("label", "prediction"))
        found["mae"].append(sklearn.mean_absolute_error(label, prediction))
        found["rmse"].append(sklearn.root_mean_squared_error(label, prediction))
        found["r2"].append(sklearn.r2_score(label, prediction))
    return {name: np.array(values) for name, values in found.items()}


def means(found):
    return {name: values.mean() for name, values in found.items()}


def test_better_columns_pass_by_the_corrected_t_of_the_very_files(progress):
    before = of_folds(progress)
    judged = progress.judged(BETTER)
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    now = of_folds(progress)
    assert judged.values == pytest.approx(means(now))
    metric, differences = judged.metric("mae"), now["mae"] - before["mae"]
    # the largest fold has 89 of 442 rows
    width = stats.t(4).ppf(0.95) * np.sqrt((1 / 5 + 89 / 353) * differences.var(ddof=1))
    assert (metric["low"], metric["high"]) == pytest.approx((differences.mean() - width, differences.mean() + width))
    assert (metric["standing"], metric["about"]) == ("better", "about the recipes: 5 folds")


@pytest.mark.slow
def test_all_places_say_the_mean_over_folds(progress):
    progress.change(BETTER)
    told, known = values_everywhere(progress, "progress"), means(of_folds(progress))
    assert {where: values for where, values in told.items() if values != pytest.approx(known)} == {}
    assert {each["about"] for each in progress.report()["metrics"]} == {"about the recipes: 5 folds"}
    assert progress.card("progress") == pytest.approx(known, rel=1e-5)


@pytest.mark.slow
def test_worse_columns_are_refused_and_others_are_not_decided_by_five_folds(progress):
    judged = progress.judged(WORSE, branch="worse")
    assert (judged.code, judged.verdict, judged.outcomes["tells"]) == (1, "fail", "fail"), judged.said
    judged = progress.judged(OTHER, branch="other")
    assert (judged.code, judged.verdict, judged.outcomes["near"]) == (0, "warn", "inconclusive"), judged.said
    assert "the 5 folds do not decide" in judged.said


@pytest.mark.slow
def test_rows_that_were_split_otherwise_are_not_compared(progress):
    judged = progress.judged(SPLIT_OTHERWISE)
    assert (judged.code, judged.outcomes["near"], judged.outcomes["tells"]) == (2, "invalid", "invalid"), judged.said


@pytest.mark.slow
def test_four_folds_do_not_decide(play):
    params = FILES["params.yaml"].replace("folds: 5", "folds: 4")
    progress = play("four folds", FILES | {"params.yaml": params, "dvc.yaml": PIPELINE.replace(", 4]", "]")})
    judged = progress.judged(BETTER)
    assert judged.values == pytest.approx(means(of_folds(progress, 4)))
    assert (judged.outcomes["near"], judged.outcomes["tells"]) == ("inconclusive", "inconclusive"), judged.said
    assert "4 folds, at least 5 needed" in judged.said


@pytest.mark.slow
def test_better_columns_are_released_and_worse_ones_after_them_are_not(progress):
    assert progress.release("progress", "v1.0.0").code == 0
    progress.merged(BETTER, branch="better")
    done = progress.release("progress", "v1.1.0")
    assert done.code == 0, done.said
    progress.merged({"params.yaml": ('"bmi", "bp", "s3", "s5", "sex"', '"bp"')}, branch="worse")
    assert progress.release("progress", "v1.2.0").code == 1
