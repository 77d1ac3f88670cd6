"""Logs what every page of MLflow's interface has something to show of: `python filling.py`, in a repository, with MLflow.

The ids of what it logged are printed as JSON.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import skops.io
from sklearn.linear_model import LogisticRegression


def fill() -> dict[str, str]:
    """Two runs with a model, datasets, charts and artifacts, a nested one, and a model in the registry."""
    mlflow.set_tracking_uri("mlgit://")
    experiment = mlflow.set_experiment("churn")
    rows = pd.DataFrame({"x": np.linspace(0, 1, 40), "y": [0, 1] * 20})
    ids = {"experiment": experiment.experiment_id}
    mlflow.sklearn.autolog(silent=True)
    for number in range(2):
        with mlflow.start_run(run_name=f"run-{number}") as run:
            mlflow.log_input(mlflow.data.from_pandas(rows, name="customers", targets="y"), context="training")
            LogisticRegression(C=0.1 * (number + 1)).fit(rows[["x"]], rows["y"])
            for step in range(30):
                mlflow.log_metrics({"loss": 1 / (step + 1 + number), "auc": step / 30}, step=step)
            mlflow.log_metric("system/cpu_utilization_percentage", 20.0 + number)
            mlflow.log_text("hello", "notes/readme.txt")
            mlflow.log_dict({"a": [1, 2]}, "conf.json")
            mlflow.log_table({"text": ["a", "b"], "score": [0.1, 0.2]}, "table.json")
            mlflow.set_tag("mlflow.note.content", "What was *tried*")
            with mlflow.start_run(run_name="nested", nested=True):
                mlflow.log_metric("loss", 0.1)
        ids[f"run{number}"] = run.info.run_id
    mlflow.sklearn.autolog(disable=True, silent=True)
    ids["model"] = mlflow.search_logged_models([experiment.experiment_id], output_format="list")[0].model_id
    release()
    return ids


def release() -> None:
    """A version of a model whose file is in Git, and which is in production."""
    model = Path("models/churn.skops")
    model.parent.mkdir()
    skops.io.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), model)
    facts = {"path": str(model), "md5": hashlib.md5(model.read_bytes()).hexdigest(), "format": "skops"}
    git("add", "models")
    git("commit", "--quiet", "--message", "Train")
    told = "Register churn v1.0.0\n\nThe first one.\n---\nmlgit: 1\n"
    told += f"metrics: {json.dumps({'auc': 0.9})}\nmodel: {json.dumps(facts)}\n"
    git("tag", "--annotate", "--cleanup=verbatim", "--message", told, "churn@v1.0.0")
    git("tag", "--annotate", "--message", "Put into production", "churn#prod#1")
    mlflow.set_registry_uri("mlgit://")
    for uri in ("models:/churn@prod", "models:/churn/v1.0.0", "models:/churn/1", "models:/churn/latest"):
        assert list(mlflow.pyfunc.load_model(uri).predict(np.array([[0.0], [1.0]]))) == [0, 1], uri


def git(*args: str) -> None:
    """Run Git in this folder."""
    subprocess.run(["git", *args], check=True)


if __name__ == "__main__":
    print(json.dumps(fill()))
