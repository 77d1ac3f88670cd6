"""The project of docs/monitoring.md: who will leave a shop, released, and a file of customers that comes every day."""

from __future__ import annotations

import datetime
import math
import random
from collections.abc import Iterator
from pathlib import Path

from tests.kit import commit, repository, write_tree

COLUMNS = ("id", "ts", "plan", "age", "basket", "currency")
FIRST = datetime.date(2026, 3, 2)
DAYS = 40
ROWS = 60
CONFIG = """\
mlgit: 1
metrics: {accuracy: {direction: higher}, log_loss: {direction: lower}}
models:
  churn: {metrics: metrics.json, predictions: predictions.csv, id: id, label: left, train: [train.csv], test: [test.csv]}
gates:
  rules:
    - {id: kept, kind: bound, metric: accuracy, min: 0.6, model: churn}
environments: [{name: prod}]
monitoring:
  churn:
    windows: {path: "arrived/*.csv", by: day(ts)}
    false_alarms: 1 per year
    triggers: {drift: page}
"""
LABELLED = """\
    labels: {path: labels.csv, id: request_id, label: left, lag: 2d}
    kpis:
      lost: {expression: "sum(basket * (left == 1) * (prediction == 0))", direction: lower, limit: 500}
    triggers: {drift: page, metric: kept, kpi: lost}
"""
PIPELINE = """\
stages:
  train:
    cmd: python3 train.py
    deps: [train.py, train.csv, test.csv]
    outs: [model.json, predictions.csv]
    metrics: [{metrics.json: {cache: false}}]
artifacts:
  churn: {path: model.json, type: model}
"""
TRAIN = """\
import csv, json, math
rows = list(csv.DictReader(open("test.csv")))
scores = [1 / (1 + math.exp(-(0.06 * (40 - float(r["age"])) + (r["plan"] == "free")))) for r in rows]
with open("predictions.csv", "w") as out:
    print("id,left,prediction,score", file=out)
    for r, s in zip(rows, scores):
        print(f"{r['id']},{r['left']},{int(s >= 0.5)},{s:.4f}", file=out)
right = sum(int(s >= 0.5) == int(r["left"]) for r, s in zip(rows, scores)) / len(rows)
loss = -sum(math.log(s if r["left"] == "1" else 1 - s) for r, s in zip(rows, scores)) / len(rows)
json.dump({"accuracy": right, "log_loss": loss}, open("metrics.json", "w"))
json.dump({"age": 0.06, "free": 1.0}, open("model.json", "w"))
"""
IGNORED = "/arrived\n"


def customers(day: datetime.date, *, rows: int = ROWS, euro: float = 0.0, older: float = 0.0) -> Iterator[dict[str, str]]:
    """The customers of a day with what became of them; a share of them pays in euros, which nobody did before.

    `older` are years that they are older than others. Days differ a little by themselves.
    """
    chance = random.Random(f"{day} {rows}")
    middle = 40 + chance.gauss(0, 1) + older
    for number in range(rows):
        age = min(max(chance.gauss(middle, 12), 18), 90)
        plan = chance.choices(("free", "pro", "team"), (5, 3, 2))[0]
        share = 1 / (1 + math.exp(-(0.06 * (40 - age) + (plan == "free"))))
        yield {
            "id": f"{day:%m%d}-{number}",
            "ts": f"{day}T{chance.randrange(24):02}:{chance.randrange(60):02}:00Z",
            "plan": plan,
            "age": f"{age:.0f}",
            "basket": f"{chance.lognormvariate(3.5, 0.5):.2f}",
            "currency": "EUR" if chance.random() < euro else chance.choices(("USD", "GBP"), (3, 1))[0],
            "left": str(int(chance.random() < share)),
            "score": f"{share:.4f}",
            "prediction": str(int(share >= 0.5)),
        }


def table(rows: list[dict[str, str]], *more: str) -> str:
    """Rows as CSV: what is known of a customer, and other columns that are named."""
    names = [*COLUMNS, *more]
    return "\n".join([",".join(names), *(",".join(row[name] for name in names) for row in rows), ""])


def project(root: Path) -> Path:
    """The project before its first run: forty days to train with, and one to test with."""
    days = [FIRST + datetime.timedelta(days=each) for each in range(DAYS)]
    train = [row for day in days for row in customers(day)]
    test = list(customers(days[-1] + datetime.timedelta(days=1), rows=400))
    files = {"train.csv": table(train, "left"), "test.csv": table(test, "left"), "train.py": TRAIN, "dvc.yaml": PIPELINE}
    root = repository(root, {**files, "mlgit.yaml": CONFIG, ".gitignore": IGNORED})
    commit(root)
    arrive(root, "2026-05-04", "2026-05-05")
    arrive(root, "2026-05-06", euro=0.15, older=6)
    return root


def arrive(root: Path, *days: str, euro: float = 0.0, older: float = 0.0) -> list[dict[str, str]]:
    """Files of days come, with what was answered; all their customers with what became of them."""
    found = []
    for day in days:
        rows = list(customers(datetime.date.fromisoformat(day), euro=euro, older=older))
        write_tree(root, {f"arrived/{day}.csv": table(rows, "prediction", "score")})
        found += rows
    return found


def change(root: Path) -> Path:
    """Five days on which nearly half of the customers pay in euros."""
    arrive(root, *(f"2026-05-{day:02}" for day in range(7, 12)), euro=0.4, older=9)
    return root


def learn(root: Path) -> Path:
    """What became of all customers, in a table of its own that counts two days later; and what was lost with them."""
    rows = [row for path in sorted((root / "arrived").iterdir()) for row in customers_of(path)]
    write_tree(root, {"labels.csv": "\n".join(["request_id,left", *(f"{row['id']},{row['left']}" for row in rows), ""])})
    (root / "mlgit.yaml").write_text(CONFIG.replace("    triggers: {drift: page}\n", LABELLED))
    commit(root)
    return root


def customers_of(path: Path) -> list[dict[str, str]]:
    """The customers of a file that came: those of its day, who are told by their ids and the seed that days have."""
    day = datetime.date.fromisoformat(path.stem)
    change = {"euro": 0.4, "older": 9.0} if day.day > 6 else {"euro": 0.15, "older": 6.0} if day.day == 6 else {}
    return list(customers(day, **change))
