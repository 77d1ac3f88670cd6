"""Stores of MLflow to import from: one that MLflow wrote, and others written by hand, as old versions left them."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from tests.kit import write_tree
from tests.kit.late import Late, Module

mlflow = Module("mlflow")
tracking = Late("mlflow.tracking")
entities = Late("mlflow.entities")
data = Late("mlflow.data.meta_dataset")
RUN = "0123456789abcdef0123456789abcdef"


def fill(uri: str, artifacts: Path) -> str:
    """Write through MLflow: a run with all that runs have, one nested in it, one deleted, a deleted experiment; its id."""
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    client = tracking.MlflowClient(tracking_uri=uri)
    experiment = client.create_experiment("nets / ü", artifact_location=artifacts.as_uri(), tags={"team": "vision"})
    run = client.create_run(experiment, start_time=1000, tags={"mlflow.user": "ada", "note": "two\nlines"}, run_name="outer")
    run_id = str(run.info.run_id)
    for step, value in enumerate((0.5, 0.25, 0.125)):
        client.log_metric(run_id, "loss", value, timestamp=2000 + step, step=step)
    for key, value in (("nothing", float("nan")), ("far", float("inf")), ("deep", float("-inf")), ("val/auc", 0.9)):
        client.log_metric(run_id, key, value, timestamp=3000, step=-1)
    for key, value in (("lr", "0.1"), ("net/depth", "3"), ("words", "a: b\nc")):
        client.log_param(run_id, key, value)
    dataset = entities.Dataset("iris", "abcd", "http", '{"url": "https://example.com/a.csv"}', schema="{}")
    used = entities.DatasetInput(dataset, [entities.InputTag("mlflow.data.context", "training")])
    client.log_inputs(run_id, [used])
    model = client.create_logged_model(experiment, "forest", run_id, {"kind": "test"}, {"trees": "9"}, "sklearn")
    client.log_batch(run_id, [_measured("acc", 0.5, model.model_id)])
    client.log_outputs(run_id, [entities.LoggedModelOutput(model.model_id, 7)])
    client.finalize_logged_model(model.model_id, "READY")
    client.log_text(run_id, "hello", "notes/a.txt")
    inner = client.create_run(experiment, start_time=1500, tags={"mlflow.parentRunId": run_id}, run_name="inner")
    client.set_terminated(inner.info.run_id, "FAILED", end_time=1600)
    gone = client.create_run(experiment, start_time=1700, run_name="gone")
    client.delete_run(gone.info.run_id)
    client.set_terminated(run_id, "FINISHED", end_time=4000)
    client.delete_experiment(client.create_experiment("given up"))
    return run_id


def _measured(key: str, value: float, model_id: str) -> object:
    metric = entities.Metric(key, value, 2500, 1, model_id=model_id, dataset_name="iris", dataset_digest="abcd")
    return metric


def old_database(path: Path, *, artifact_uri: str = "", value: object = 0.5) -> Path:
    """A database as MLflow 1 left it: no steps, no names of runs, no datasets; with one run."""
    database = sqlite3.connect(path)
    database.executescript(
        """
        CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name VARCHAR, artifact_location VARCHAR,
            lifecycle_stage VARCHAR);
        CREATE TABLE runs (run_uuid VARCHAR PRIMARY KEY, name VARCHAR, user_id VARCHAR, status VARCHAR, start_time BIGINT,
            end_time BIGINT, lifecycle_stage VARCHAR, artifact_uri VARCHAR, experiment_id INTEGER);
        CREATE TABLE tags (key VARCHAR, value VARCHAR, run_uuid VARCHAR);
        CREATE TABLE params (key VARCHAR, value VARCHAR, run_uuid VARCHAR);
        CREATE TABLE metrics (key VARCHAR, value FLOAT, timestamp BIGINT, run_uuid VARCHAR);
        INSERT INTO experiments VALUES (1, 'old', '', 'active');
        """
    )
    row = (RUN, "", "ada", "FINISHED", 1000, 2000, "active", artifact_uri, 1)
    database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    database.execute("INSERT INTO tags VALUES ('mlflow.runName', 'first', ?)", [RUN])
    database.execute("INSERT INTO params VALUES ('lr', '0.1', ?)", [RUN])
    database.execute("INSERT INTO metrics VALUES ('auc', ?, 1500, ?)", [value, RUN])
    database.commit()
    database.close()
    return path


def file_store(folder: Path, *, status: str = "3", run_id: str = RUN, metric: str = "1500 0.5 1\n") -> Path:
    """A file store with one run, written by hand."""
    return write_tree(
        folder,
        {
            "7/meta.yaml": "experiment_id: '7'\nlifecycle_stage: active\nname: old\n",
            f"7/{run_id}/meta.yaml": f"run_id: {run_id}\nrun_name: first\nstart_time: 1000\nend_time: 2000\nstatus: {status}\n"
            "user_id: ada\nlifecycle_stage: active\n",
            f"7/{run_id}/params/lr": "0.1",
            f"7/{run_id}/tags/mlflow.runName": "first",
            f"7/{run_id}/metrics/auc": metric,
            f"7/{run_id}/artifacts/notes/a.txt": "hello",
        },
    )
