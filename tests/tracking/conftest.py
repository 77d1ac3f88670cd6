"""MLflow, fenced off: no telemetry, no store but the test's, and the checkout's plugin."""

from __future__ import annotations

import os

import pytest

from tests.tracking import kit


@pytest.fixture
def tracked(monkeypatch):
    """MLflow with the scheme `mlgit`, at rest before and after."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    import mlflow
    from mlflow.tracking import fluent

    kit.known_to_mlflow(monkeypatch)
    yield mlflow
    while mlflow.active_run():
        mlflow.end_run()
    # what `set_experiment` leaves behind, for this process and those that it starts
    fluent._active_experiment_id = None
    os.environ.pop("MLFLOW_EXPERIMENT_ID", None)
    mlflow.set_tracking_uri(None)
    mlflow.set_registry_uri(None)
    kit.forget()
