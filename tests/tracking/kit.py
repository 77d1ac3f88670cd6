"""Stores of MLflow to compare: `mlgit://` on a repository of a test, and MLflow's own on SQLite."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mlgit.tracking import plugin
from tests.kit.late import Module

mlflow = Module("mlflow")


def known_to_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have MLflow know the scheme as this checkout has it, whatever is installed, and forget the stores of other tests."""
    for registry, point in _registries():
        monkeypatch.setitem(registry, "mlgit", point)
    forget()


def register() -> None:
    """The same in a process of its own."""
    for registry, point in _registries():
        registry["mlgit"] = point


def _registries() -> list[tuple[dict[str, Any], Any]]:
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
    from mlflow.tracking._model_registry.utils import _get_store_registry
    from mlflow.tracking._tracking_service.utils import _tracking_store_registry

    return [
        (_tracking_store_registry._registry, plugin.tracking),
        (_get_store_registry()._registry, plugin.registry),
        (_artifact_repository_registry._registry, plugin.artifacts),
    ]


def forget() -> None:
    """Have MLflow open its stores anew."""
    from mlflow.tracking._model_registry.utils import _get_store_registry
    from mlflow.tracking._tracking_service.utils import _tracking_store_registry

    _tracking_store_registry._get_store_with_resolved_uri.cache_clear()
    _get_store_registry()._get_store_with_resolved_uri.cache_clear()


def sqlite(folder: Path) -> Any:
    """MLflow's own store, on SQLite."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return SqlAlchemyStore(f"sqlite:///{folder}/mlflow.db", str(folder / "artifacts"))


# What a script begins with that logs in a process of its own.
PREAMBLE = """\
import os, sys
sys.path.insert(0, {checkout!r})
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
from tests.tracking import kit
kit.register()
import mlflow
mlflow.set_tracking_uri("mlgit://")
"""


def script(root: Path, text: str) -> subprocess.Popen[str]:
    """Start a script that logs to the repository of a folder."""
    code = PREAMBLE.format(checkout=str(Path(__file__).parents[2])) + text
    argv = [sys.executable, "-W", "ignore", "-c", code]
    return subprocess.Popen(argv, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
