"""Digits that real people wrote, in the order in which scikit-learn has them: writer by writer, so that later ones differ.

A released model has seen the first 1,200 in days of 60, drawn at random among those writers; what comes after is by others.
"""

from __future__ import annotations

from pathlib import Path

from tests.kit import write_tree
from tests.kit.late import Module

np = Module("numpy")
datasets = Module("sklearn.datasets")

N_REFERENCE, A_DAY, A_WINDOW, N_QUIET = 1200, 60, 40, 2
PIPELINE = """\
stages:
  prepare:
    cmd: python3 prepare.py
    deps: [prepare.py, data/digits.csv]
    outs: [data/train.csv, data/test.csv]
  train:
    cmd: python3 train.py
    deps: [train.py, data/train.csv]
    outs: [model.npy]
  evaluate:
    cmd: python3 evaluate.py
    deps: [evaluate.py, model.npy, data/test.csv]
    outs: [predictions.csv]
    metrics: [{metrics.json: {cache: false}}]
artifacts:
  digits: {path: model.npy, type: model}
"""
CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}}
models:
  digits: {metrics: metrics.json, predictions: predictions.csv, id: id, train: [data/train.csv], test: [data/test.csv]}
gates:
  rules:
    - {id: kept, kind: no_worse, metric: accuracy, margin: 0.02}
    - {id: gains, kind: better, metric: accuracy, when: {label: retrain}}
environments: [{name: prod}]
monitoring:
  digits:
    windows: {path: "incoming/*.csv", by: day(day)}
    false_alarms: 18 per year
    triggers: {drift: watch, cooldown: 14d}
"""
PREPARE = """\
import csv
rows = list(csv.DictReader(open("data/digits.csv")))
for name, wanted in (("train", lambda each: int(each["id"]) % 3), ("test", lambda each: not int(each["id"]) % 3)):
    with open(f"data/{name}.csv", "w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0].keys(), lineterminator="\\n")
        writer.writeheader()
        writer.writerows(filter(wanted, rows))
"""
# A linear model, whose weights are a file of numpy.
READ = """\
import csv, json
import numpy as np
def read(name):
    rows = list(csv.DictReader(open(f"data/{name}.csv")))
    pixels = [key for key in rows[0] if key.startswith("p")]
    values = np.array([[float(each[key]) for key in pixels] for each in rows])
    return [each["id"] for each in rows], values, np.array([int(each["label"]) for each in rows])
"""
TRAIN = f"""\
{READ}
_, x, y = read("train")
from sklearn.linear_model import LogisticRegression
learnt = LogisticRegression(C=0.01, max_iter=200).fit(x, y)
np.save("model.npy", np.column_stack([learnt.coef_, learnt.intercept_]))
"""
EVALUATE = f"""\
{READ}
model = np.load("model.npy")
ids, x, truth = read("test")
found = (x @ model[:, :-1].T + model[:, -1]).argmax(axis=1)
with open("predictions.csv", "w") as stream:
    stream.write("id,label,prediction\\n" + "".join(f"{{a}},{{b}},{{c}}\\n" for a, b, c in zip(ids, truth, found)))
json.dump({{"accuracy": float((found == truth).mean())}}, open("metrics.json", "w"))
"""
FILES = {
    "dvc.yaml": PIPELINE,
    "mlgit.yaml": CONFIG,
    "prepare.py": PREPARE,
    "train.py": TRAIN,
    "evaluate.py": EVALUATE,
    ".gitignore": "/incoming\n",
}


def table(rows: list[tuple[int, str]]) -> str:
    """Rows by their number in scikit-learn's table and their day, as CSV."""
    pixels, labels = datasets.load_digits(return_X_y=True)
    head = ["id", "day", *(f"p{place}" for place in range(pixels.shape[1])), "label"]
    lines = [",".join(head)]
    for number, day in rows:
        lines.append(",".join([str(number), day, *(f"{value:g}" for value in pixels[number]), str(labels[number])]))
    return "\n".join(lines) + "\n"


def reference() -> list[tuple[int, str]]:
    """The rows of the first version: the order of its writers is drawn, with a seed."""
    order = np.random.default_rng(7).permutation(N_REFERENCE)
    return [(int(number), f"2026-01-{1 + place // A_DAY:02}") for place, number in enumerate(order)]


def later(window: int) -> list[tuple[int, str]]:
    """A day of those who came after, from the third of the month on."""
    begin = N_REFERENCE + (window - N_QUIET) * A_WINDOW
    return [(number, f"2026-02-{1 + window:02}") for number in range(begin, begin + A_WINDOW)]


def quiet(window: int) -> list[tuple[int, str]]:
    """A day by the writers of the reference."""
    order = np.random.default_rng(100 + window).permutation(N_REFERENCE)[:A_WINDOW]
    return [(int(number), f"2026-02-{1 + window:02}") for number in order]


def arrive(root: Path, *days: list[tuple[int, str]]) -> None:
    """Lay down the data of days, as far as a monitor sees them: nobody knows the labels yet."""
    for rows in days:
        lines = [line.rpartition(",")[0] for line in table(rows).splitlines()]
        write_tree(root, {f"incoming/{rows[0][1]}.csv": "\n".join(lines) + "\n"})
