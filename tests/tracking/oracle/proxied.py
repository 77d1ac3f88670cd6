"""A client of a server that hands artifacts on: `python proxied.py ADDRESS`, with MLflow, and without the store.

It logs a file, lists it and reads it back over HTTP only.
"""

from __future__ import annotations

import sys

import mlflow


def log(address: str) -> None:
    """Log to the server, and read what was logged."""
    mlflow.set_tracking_uri(address)
    with mlflow.start_run(run_name="from afar") as run:
        mlflow.log_metric("auc", 0.5)
        mlflow.log_text("hello", "notes/a b.txt")
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/"), run.info.artifact_uri
    client = mlflow.MlflowClient()
    paths = [each.path for folder in (None, "notes") for each in client.list_artifacts(run.info.run_id, folder)]
    assert paths == ["notes", "notes/a b.txt"], paths
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a b.txt") == "hello"


if __name__ == "__main__":
    log(sys.argv[1])
