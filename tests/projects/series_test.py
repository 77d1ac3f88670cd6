"""The demand of each day, foretold: errors of one day are like those of the day before, so rows are a series."""

from __future__ import annotations

import numpy as np
import pytest

from tests.kit.late import Late
from tests.projects.kit import values_everywhere

pytestmark = pytest.mark.slow  # pipelines run
sklearn = Late("sklearn.metrics")

PREPARE = '''\
"""Demand over seven years: a season, a week, and weather that keeps for some days; the last three years are to be foretold."""
import datetime, math, os, random
draw, weather = random.Random(11), 0.0
os.makedirs("data", exist_ok=True)
with open("data/train.csv", "w") as train, open("data/test.csv", "w") as test:
    for file in (train, test):
        file.write("day,number,demand,yesterday\\n")
    before = 100.0
    for number in range(7 * 365):
        weather = 0.8 * weather + draw.gauss(0, 3)
        season = 12 * math.sin(2 * math.pi * number / 365) + 4 * math.cos(4 * math.pi * number / 365)
        demand = 100 + season + (6 if number % 7 < 5 else -6) + weather
        day = datetime.date(2018, 1, 1) + datetime.timedelta(days=number)
        (train if number < 4 * 365 else test).write(f"{day},{number},{demand:.4f},{before:.4f}\\n")
        before = round(demand, 4)
'''
TRAIN = '''\
"""A regression on some of: the season, its half, the week, yesterday; and how far off it is."""
import json, os
import numpy as np
from features import features
parts = open("params.yaml").read().split('"')[1].split()
rows = np.loadtxt("data/train.csv", delimiter=",", skiprows=1, usecols=(1, 2, 3))
inputs = features(rows[:, 0], rows[:, 2], parts)
weights, *_ = np.linalg.lstsq(inputs, rows[:, 1], rcond=None)
off = np.quantile(rows[:, 1] - inputs @ weights, [0.1, 0.9])
os.makedirs("models", exist_ok=True)
json.dump({"parts": parts, "weights": weights.tolist(), "off": off.tolist()}, open("models/demand.json", "w"))
'''
FEATURES = '''\
"""What is known of a day on the day before."""
import numpy as np
def features(number, yesterday, parts):
    turn = 2 * np.pi * number / 365
    known = {"season": [np.sin(turn), np.cos(turn)], "half": [np.sin(2 * turn), np.cos(2 * turn)],
             "week": [number % 7 < 5], "yesterday": [yesterday], "year": [number // 365]}
    return np.column_stack([np.ones(len(number)), *(column for part in parts for column in known[part])])
'''
FORECAST = '''\
"""What is expected of each day, and between which limits four days of five lie."""
import json, os
import numpy as np
from features import features
model = json.load(open("models/demand.json"))
lines = [line.split(",") for line in open("data/test.csv").read().split()[1:]]
number, demand, yesterday = (np.array([float(line[place]) for line in lines]) for place in (1, 2, 3))
said = features(number, yesterday, model["parts"]) @ np.array(model["weights"])
os.makedirs("reports", exist_ok=True)
with open("reports/forecast.csv", "w") as file:
    file.write("day,demand,forecast,q10,q90\\n")
    for place in np.random.default_rng(1).permutation(len(lines)):
        low, high = (said[place] + each for each in model["off"])
        file.write(f"{lines[place][0]},{demand[place]:.4f},{said[place]:.5f},{low:.5f},{high:.5f}\\n")
json.dump({"mae": float(np.abs(said - demand).mean())}, open("reports/metrics.json", "w"))
'''
PIPELINE = """\
stages:
  prepare:
    cmd: python src/prepare.py
    deps: [src/prepare.py]
    outs: [data/train.csv, data/test.csv]
  train:
    cmd: python src/train.py
    deps: [src/train.py, src/features.py, data/train.csv]
    params: [train.parts]
    outs: [models/demand.json]
  forecast:
    cmd: python src/forecast.py
    deps: [src/forecast.py, src/features.py, models/demand.json, data/test.csv]
    outs: [reports/forecast.csv]
    metrics: [{reports/metrics.json: {cache: false}}]
artifacts:
  demand: {path: models/demand.json, type: model, desc: Foretells demand}
"""
SETTINGS = """\
mlgit: 1
metrics:
  mae: {direction: lower}
  smape: {direction: lower}
  pinball: {direction: lower, of: quantile_loss, level: 0.9}
  inside: {direction: higher, of: coverage, level: 0.8}
  shortage: {direction: lower, expression: "mean(max(demand - forecast, 0) * 3 + max(forecast - demand, 0))"}
models:
  demand:
    metrics: reports/metrics.json
    predictions: reports/forecast.csv
    id: day
    order: day
    label: demand
    prediction: forecast
    quantiles: {0.1: q10, 0.9: q90}
    train: [data/train.csv]
    test: [data/test.csv]
gates:
  rules:
  - {id: near, kind: no_worse, metric: mae, margin: 0.05}
  - {id: nearly, kind: no_worse, metric: smape, margin: 0.01}
  - {id: not-above, kind: no_worse, metric: pinball, margin: 0.2}
  - {id: pays, kind: no_worse, metric: shortage, margin: 1}
  - {id: honest, kind: bound, metric: inside, min: 0.6}
environments: [{name: prod, requires: {gates: pass}}]
"""
FILES = {
    "src/prepare.py": PREPARE,
    "src/train.py": TRAIN,
    "src/features.py": FEATURES,
    "src/forecast.py": FORECAST,
    "dvc.yaml": PIPELINE,
    "params.yaml": 'train:\n  parts: "season week"\n',
    "mlgit.yaml": SETTINGS,
}
BETTER = {"params.yaml": ('"season week"', '"season half week yesterday"')}
WORSE = {"params.yaml": ('"season week"', '"season"')}
OTHER = {"params.yaml": ('"season week"', '"season year week"')}


@pytest.fixture
def demand(play):
    """A forecast whose rows are a series."""
    return play("series", FILES)


def by_hand(project):
    """The same metrics of the very file, by scikit-learn where it has them."""
    table = project.table("reports/forecast.csv")
    label, said, low, high = (np.array(table[name], dtype=float) for name in ("demand", "forecast", "q10", "q90"))
    short, over = np.maximum(label - said, 0), np.maximum(said - label, 0)
    return {
        "mae": sklearn.mean_absolute_error(label, said),
        "smape": float(np.mean(2 * np.abs(label - said) / (np.abs(label) + np.abs(said)))),
        "pinball": sklearn.mean_pinball_loss(label, high, alpha=0.9),
        "inside": float(np.mean((low <= label) & (label <= high))),
        "shortage": float(np.mean(3 * short + over)),
    }


def test_better_forecast_passes_with_the_numbers_of_scikit_learn(demand):
    demand.change(BETTER)
    judged, known = demand.gate(), by_hand(demand)
    assert (judged.code, judged.verdict) == (0, "pass"), judged.said
    assert judged.values == pytest.approx(known)
    assert {judged.metric(name)["method"].partition(",")[0] for name in known} == {"block bootstrap"}
    (tested,) = judged.document["tested"]
    assert (tested["n"], tested["order"], tested["clusters"]) == (1095, "day", 0)
    told = values_everywhere(demand, "demand")
    assert told == {where: pytest.approx(known) for where in told}
    assert demand.card("demand") == pytest.approx(known, rel=1e-5)


def absolute_errors(project):
    table = project.table("reports/forecast.csv")
    days, label, said = (
        np.array(table[name], dtype=kind) for name, kind in (("day", str), ("demand", float), ("forecast", float))
    )
    return np.abs(label - said)[np.argsort(days)]


def test_worse_forecast_is_refused_and_a_series_decides_less_than_its_days_would(demand):
    before = absolute_errors(demand)
    judged = demand.judged(WORSE, branch="worse")
    assert (judged.code, judged.outcomes["near"]) == (1, "fail"), judged.said
    judged = demand.judged(OTHER, branch="other")
    assert (judged.code, judged.verdict, judged.outcomes["near"]) == (0, "warn", "inconclusive"), judged.said
    independent = 2 * 1.645 * np.std(absolute_errors(demand) - before) / np.sqrt(len(before))
    assert judged.metric("mae")["high"] - judged.metric("mae")["low"] > 1.5 * independent


def test_few_days_are_too_few_blocks(play):
    short = play("short series", {**FILES, "src/prepare.py": PREPARE.replace("7 * 365", "4 * 365 + 60")})
    judged = short.judged(WORSE)
    assert judged.outcomes["not-above"] == "inconclusive", judged.said
    assert "at least 10 blocks needed: about" in judged.rule("not-above")["reason"]


FORETOLD, EVERY, WRITTEN = "src/forecast.py", "        low, high =", '        file.write(f"{lines'
# What a change may do to its forecasts -> what the gate says of that
DOCTORED = {
    "1095 rows are new": {FORETOLD: ("{lines[place][0]}", "{lines[place][0]}T00:00")},
    "rows of the baseline are missing": {
        FORETOLD: (EVERY, f"        if abs(said[place] - demand[place]) > 10: continue\n{EVERY}")
    },
    "the labels differ in": {FORETOLD: (EVERY, f"        demand[place] = 0.5 * (demand[place] + said[place])\n{EVERY}")},
    "shortage: 22 of 1,095 rows have no value": {
        FORETOLD: (EVERY, f"        said[place] = said[place] if place % 50 else np.nan\n{EVERY}")
    },
}
DECLARED = {
    "order of demand: day -> ": ("    order: day\n", ""),
    "definition of pinball: of: quantile_loss, level: 0.9 -> of: quantile_loss, level: 0.1": ("level: 0.9", "level: 0.1"),
    "definition of shortage: ": ("* 3 +", "* 0 +"),
    "definition of inside: of: coverage, level: 0.8 -> of: coverage, level: 0.5": (
        "coverage, level: 0.8",
        "coverage, level: 0.5",
    ),
    "label of demand: demand -> forecast": ("label: demand", "label: forecast"),
    "cluster of demand:  -> q10": ("    order: day\n", "    cluster: q10\n"),
}


def test_forecasts_that_were_doctored_are_refused(demand):
    demand.change(OTHER)
    assert demand.unrefused(DOCTORED) == {}


def test_declarations_of_a_change_do_not_judge_it(demand):
    demand.change(WORSE)
    assert demand.unheard(DECLARED) == {}


def test_better_forecast_is_released_and_a_worse_one_after_it_is_not(demand):
    assert demand.release("demand", "v1.0.0").code == 0
    demand.merged(BETTER, branch="better")
    done = demand.release("demand", "v1.1.0")
    assert done.code == 0, done.said
    demand.merged({"params.yaml": (BETTER["params.yaml"][1], '"season"')}, branch="worse")
    refused = demand.release("demand", "v1.2.0")
    assert (refused.code, "gate near: shown to be worse by more than 0.05" in refused.said) == (1, True), refused.said
