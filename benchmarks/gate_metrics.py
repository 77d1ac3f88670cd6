"""`python -m benchmarks.gate_metrics`: twenty metrics on three test sets in a gate, beside scikit-learn's values alone.

A model of three classes with probabilities, a column that is judged, and columns of counts. scikit-learn reads the same files,
has classes as small numbers (of texts it is far slower), and gives the value of each metric on each side: no interval, and no
comparison.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

CLASSES = ("cat", "dog", "owl")
SETS = ("main", "hospital_b", "hospital_c")
METRICS = {
    "accuracy": "higher",
    "balanced_accuracy": "higher",
    "f1_macro": "higher",
    "f1_weighted": "higher",
    "precision_macro": "higher",
    "recall_macro": "higher",
    "precision_weighted": "higher",
    "mcc": "higher",
    "cohen_kappa": "higher",
    "log_loss": "lower",
    "brier": "lower",
    "roc_auc_macro": "higher",
    "roc_auc_weighted": "higher",
    "average_precision_macro": "higher",
}
DECLARED = """\
  top2: {direction: higher, of: top_k_accuracy, k: 2}
  cat_recall: {direction: higher, of: recall, class: cat}
  dog_f2: {direction: higher, of: f_beta, beta: 2, class: dog}
  judge: {direction: higher, column: judge}
  wer: {direction: lower, column: errors, aggregate: ratio, per: words}
  slow: {direction: lower, column: latency, aggregate: p95}
"""
NAMES = (*METRICS, "top2", "cat_recall", "dog_f2", "judge", "wer", "slow")

POINTS = """
import json, sys, time
import numpy as np, pandas as pd
from sklearn import metrics as m
classes = ["cat", "dog", "owl"]
began = time.perf_counter()
for path in sys.argv[1:]:
    d = pd.read_csv(path)
    y, p = (pd.Categorical(d[name], categories=classes).codes for name in ("label", "prediction"))
    s = d[["p_cat", "p_dog", "p_owl"]].to_numpy()
    one = (y[:, None] == np.arange(3)).astype(int)
    found = [
        m.accuracy_score(y, p), m.balanced_accuracy_score(y, p), m.f1_score(y, p, average="macro"),
        m.f1_score(y, p, average="weighted"), m.precision_score(y, p, average="macro"), m.recall_score(y, p, average="macro"),
        m.precision_score(y, p, average="weighted"), m.matthews_corrcoef(y, p), m.cohen_kappa_score(y, p),
        m.log_loss(y, s, labels=[0, 1, 2]), ((s - one) ** 2).sum(axis=1).mean(),
        m.roc_auc_score(y, s, multi_class="ovr", average="macro"), m.roc_auc_score(y, s, multi_class="ovr", average="weighted"),
        m.average_precision_score(one, s, average="macro"), m.top_k_accuracy_score(y, s, k=2, labels=[0, 1, 2]),
        m.recall_score(y, p, labels=[0], average="macro"), m.fbeta_score(y, p, beta=2, labels=[1], average="macro"),
        d.judge.mean(), d.errors.sum() / d.words.sum(), d.latency.quantile(0.95),
    ]
    assert len(found) == 20 and np.isfinite(found).all()
print(time.perf_counter() - began)
"""


def predictions(rows: int, *, seed: int, skill: float) -> pd.DataFrame:
    """What a model says; the truth and what is hard hang on the seed alone."""
    truth, said = np.random.default_rng(seed), np.random.default_rng([seed, int(skill * 1000)])
    label = truth.integers(0, len(CLASSES), rows)
    logits = np.eye(len(CLASSES))[label] * skill + truth.normal(0, 1, (rows, 3)) + said.normal(0, 0.2, (rows, 3))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = np.array(CLASSES)
    columns = {"id": np.arange(rows), "label": names[label], "prediction": names[chances.argmax(axis=1)]}
    columns |= {f"p_{name}": chances[:, place] for place, name in enumerate(CLASSES)}
    judge = np.clip(truth.normal(0.7, 0.2, rows) + said.normal(skill / 100, 0.05, rows), 0, 1)
    words = truth.integers(5, 40, rows)
    return pd.DataFrame(
        {
            **columns,
            "judge": judge,
            "errors": said.binomial(words, 0.1),
            "words": words,
            "latency": truth.lognormal(3, 0.4, rows) + said.exponential(1.0, rows),
        }
    )


def project(root: Path, rows: int) -> None:
    """A repository with two commits, whose pipeline is one stage that copies what was made beforehand."""
    rules = [
        f"    - {{id: {name}{number}, kind: no_worse, metric: {name}, margin: 0.01{on}}}"
        for number, on in enumerate(("", ", on: hospital_b", ", on: hospital_c"))
        for name in NAMES
    ]
    directions = "".join(f"  {name}: {{direction: {way}}}\n" for name, way in METRICS.items())
    config = (
        f"mlgit: 1\nmetrics:\n{directions}{DECLARED}models:\n  m:\n    predictions: reports/main.csv\n    id: id\n"
        '    scores: "p_{class}"\n    tests:\n'
        + "".join(f"      {name}: {{predictions: reports/{name}.csv}}\n" for name in SETS[1:])
        + "gates:\n  rules:\n"
        + "\n".join(rules)
        + "\n"
    )
    outs = ", ".join(f"reports/{name}.csv" for name in SETS)
    (root / "dvc.yaml").write_text(
        "stages:\n  evaluate:\n    cmd: cp made/$(cat skill)/*.csv reports/\n    deps: [skill, made]\n"
        f"    outs: [{outs}, model]\n"
        "artifacts:\n  m: {path: model, type: model}\n".replace("reports/\n", "reports/ && cp skill model\n", 1)
    )
    (root / "mlgit.yaml").write_text(config)
    (root / "reports").mkdir()
    for skill in (2.0, 2.05):
        folder = root / "made" / str(skill)
        folder.mkdir(parents=True)
        for seed, name in enumerate(SETS):
            predictions(rows, seed=seed, skill=skill).to_csv(folder / f"{name}.csv", index=False)


def run(*argv: str, cwd: Path, is_quiet: bool = True) -> str:
    """What a command printed; a gate that fails is no error."""
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or (done.returncode and not is_quiet):
        raise SystemExit(f"{argv}: {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Print the seconds of both, and the ratio of their medians."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    program = [sys.executable, "-m", "mlgit"]
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        project(root, asked.rows)
        for argv in (
            ["git", "init", "-q", "-b", "main"],
            [sys.executable, "-m", "dvc", "init", "-q"],
            ["git", "config", "user.name", "b"],
        ):
            run(*argv, cwd=root)
        run("git", "config", "user.email", "b@example.com", cwd=root)
        (root / ".gitignore").write_text("/made\n")
        for skill, branch in ((2.0, "main"), (2.05, "change")):
            if branch != "main":
                run("git", "switch", "-q", "-c", branch, cwd=root)
            (root / "skill").write_text(f"{skill}\n")
            run(*program, "run", cwd=root, is_quiet=False)
            run("git", "add", "-A", cwd=root)
            run("git", "commit", "-qm", branch, cwd=root)
        gates, points, values = [], [], []
        files = [str(root / "made" / str(skill) / f"{name}.csv") for skill in (2.0, 2.05) for name in SETS]
        for _ in range(asked.rounds):
            began = time.perf_counter()
            said = json.loads(run(*program, "gate", "--json", cwd=root))
            gates.append(time.perf_counter() - began)
            began = time.perf_counter()
            values.append(float(run(sys.executable, "-c", POINTS, *files, cwd=root, is_quiet=False)))
            points.append(time.perf_counter() - began)
        judged = [each for each in said["rules"] if each["low"] is not None]
        told = f"{len(judged)} of {len(said['rules'])} with an interval"
        print(f"{asked.rows:,} rows, {len(NAMES)} metrics, {len(SETS)} test sets: {told}")
        gate, point, alone = (sorted(each)[len(each) // 2] for each in (gates, points, values))
        print(f"mlgit gate: {gate:.2f} s; scikit-learn, values of both sides: {point:.2f} s ({alone:.2f} s without its start)")
        print(f"ratio: {gate / point:.2f}")


if __name__ == "__main__":
    main()
