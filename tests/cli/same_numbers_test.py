"""One model, one number: card, gate, diff and promotion say the same of it, or the same sentence why there is none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlgit.adapters.formats.documents import parse_yaml
from mlgit.cards import frontmatter
from mlgit.registry import read, state
from tests.kit import commit, git, repository, write_tree

pytestmark = pytest.mark.slow  # stages run, and versions are registered

ROWS = 240
NAMES = {"csv": "p.csv", "jsonl": "p.jsonl", "parquet": "p.parquet", "gzip": "p.csv.gz", "tsv": "p.tsv", "json": "p.json"}
MODEL = "metrics: m.json, predictions: out/{name}, id: id, test: [t.csv]"
RULES = """\
gates:
  stats: {{seed: 3{stats}}}
  rules:
    - {{id: recall.low, kind: bound, metric: recall, min: 0.1, use: lower}}
    - {{id: auc.low, kind: bound, metric: roc_auc, min: 0.1, use: lower}}
    - {{id: recall.same, kind: no_worse, metric: recall, margin: 0.2}}
environments: [{{name: prod, requires: {{gates: pass}}}}]
"""


def rows(seed):
    rng = np.random.default_rng(seed)
    label = np.arange(ROWS) % 2
    score = np.clip(0.25 + 0.5 * label + rng.normal(0, 0.25, ROWS), 0.001, 0.999).round(4)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "patient": np.arange(ROWS) // 4,
            "label": label,
            "prediction": (score > 0.5) * 1,
            "score": score,
        }
    )


def write(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    match path.name:
        case "p.csv":
            frame.to_csv(path, index=False)
        case "p.tsv":
            frame.to_csv(path, index=False, sep="\t")
        case "p.csv.gz":
            path.write_bytes(gzip.compress(frame.to_csv(index=False).encode(), mtime=0))
        case "p.jsonl":
            frame.to_json(path, orient="records", lines=True)
        case "p.json":
            frame.to_json(path, orient="records")
        case "p.parquet":
            frame.to_parquet(path)


def recorded(frame, positive):
    truth, said = frame.label == positive, frame.prediction == positive
    score = frame.score
    above = [(one > other) + 0.5 * (one == other) for one in score[truth] for other in score[~truth]]
    return {"recall": float((truth & said).sum() / truth.sum()), "roc_auc": float(np.mean(above))}


def project(folder, *, name, model="", stats="", positive=1):
    """Two versions of a model, each made by a stage that copies what lies beside it."""
    stage = {"cmd": f"mkdir -p out && cp made/{name} out/ && cp made/m.json . && cp made/x x", "deps": ["made", "t.csv"]}
    stages = {"stages": {"s": {**stage, "outs": [f"out/{name}", "x"], "metrics": [{"m.json": {"cache": False}}]}}}
    declared = MODEL.format(name=name) + (f", {model}" if model else "")
    root = repository(
        folder,
        {
            "dvc.yaml": json.dumps({**stages, "artifacts": {"m": {"path": "x", "type": "model"}}}),
            "mlgit.yaml": "mlgit: 1\nmetrics: {recall: {direction: higher}, roc_auc: {direction: higher}}\n"
            f"models: {{m: {{{declared}}}}}\n" + RULES.format(stats=f", {stats}" if stats else ""),
            "t.csv": "id\n1\n",
        },
    )
    change(root, seed=1, name=name, positive=positive)
    return root


def change(root, *, seed, name, positive):
    frame = rows(seed)
    write(frame, root / "made" / name)
    write_tree(root, {"made/m.json": json.dumps(recorded(frame, positive)), "made/x": f"model {seed}\n"})


def said(root, cli):
    """The intervals of recall and roc_auc (or why there are none) in the card and the gate, and the differences in all."""
    done = cli(root, "card", "build")
    assert done.code == 0, done.said
    text = (root / "cards/m.md").read_text()
    own = parse_yaml(frontmatter.split(text), name="card")["mlgit"]
    gate = cli(root, "gate", "main", "--json").json
    diff = cli(root, "diff", "main", "--format", "json").json
    bounds = {rule["metric"]: rule for rule in gate["rules"] if rule["kind"] == "bound"}
    return text, own, bounds, gate, diff


def promoted(root, cli):
    done = cli(root, "model", "promote", "m", "prod", "--new-environment", "--override", "to see its numbers")
    assert done.code == 0, done.said


def released(root, cli):
    commit(root)
    done = cli(root, "model", "register", "m", "--json")
    assert done.code == 0, done.said


CASES = {
    **{name: {"name": name} for name in NAMES.values()},
    "positive 0": {"name": "p.csv", "model": "positive: 0", "positive": 0},
    "cluster": {"name": "p.jsonl", "stats": "cluster: patient"},
}


@pytest.mark.parametrize("case", CASES)
def test_card_gate_diff_and_promotion_say_the_same(tmp_path, cli, case):
    made = CASES[case]
    root = project(tmp_path / "project", **made)
    assert cli(root, "run").code == 0
    released(root, cli)
    promoted(root, cli)
    git(root, "switch", "--quiet", "--create", "change")
    change(root, seed=2, name=made["name"], positive=made.get("positive", 1))
    assert cli(root, "run").code == 0
    _, own, bounds, gate, diff = said(root, cli)
    for metric in ("recall", "roc_auc"):
        assert own["intervals"][metric] == pytest.approx([bounds[metric]["low"], bounds[metric]["high"]])
    deltas = {each["metric"]: (each["delta"], each["low"], each["high"]) for each in gate["metrics"]}
    rows_of_diff = {each["metric"]: (each["delta"], each["low"], each["high"]) for each in diff["comparisons"]}
    assert deltas == rows_of_diff
    released(root, cli)
    promoted(root, cli)
    event = next(each for each in state.fold(read.load(root)).artifact("m").events if each.ref == "m#prod#2")
    kept = {rule["id"]: rule for rule in event.body.facts["gate"]["rules"]}
    assert (kept["auc.low"]["low"], kept["auc.low"]["high"]) == pytest.approx(tuple(own["intervals"]["roc_auc"]), abs=1e-5)
    first = next(rule for rule in gate["rules"] if rule["id"] == "recall.same")
    assert (kept["recall.same"]["delta"], kept["recall.same"]["low"]) == pytest.approx((first["delta"], first["low"]), abs=1e-5)


def test_formats_do_not_matter(tmp_path, cli):
    found = []
    for name in NAMES.values():
        root = project(tmp_path / name.replace(".", "-"), name=name)
        assert cli(root, "run").code == 0
        commit(root)
        found.append(said(root, cli)[1]["intervals"])
    assert all(each == found[0] for each in found)
    assert set(found[0]) == {"recall", "roc_auc"}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"stats": "cluster: clinic"}, "the predictions have no column 'clinic'"),
        ({"model": "positive: 7"}, "no row has the positive label 7"),
        ({"model": "score: p"}, "roc_auc needs a column of scores"),
    ],
)
def test_why_there_is_no_interval_is_one_sentence(tmp_path, cli, options, sentence):
    root = project(tmp_path / "project", name="p.csv", **options)
    assert cli(root, "run").code == 0
    commit(root)
    text, _, bounds, _, _ = said(root, cli)
    assert sentence in text.replace("\\_", "_").replace("&#39;", "'")
    assert sentence in bounds["roc_auc"]["reason"]


def test_column_that_is_not_there_is_told_alike(tmp_path, cli):
    root = project(tmp_path / "project", name="p.csv", model="label: lable")
    assert cli(root, "run").code == 0
    commit(root)
    sentence = "the predictions have no column 'lable', did you mean 'label'?"
    assert sentence in cli(root, "card", "build").err
    assert sentence in cli(root, "gate", "main", "--json").json["rules"][0]["reason"]
