"""Stores of MLflow to compare: `mlgit://` on a repository of a test, and MLflow's own on SQLite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlgit.tracking import plugin
from tests.kit.late import Module

mlflow = Module("mlflow")


def known_to_mlflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have MLflow know the scheme as this checkout has it, whatever is installed, and forget the stores of other tests."""
    from mlflow.store.artifact.artifact_repository_registry import _artifact_repository_registry
    from mlflow.tracking._model_registry.utils import _get_store_registry
    from mlflow.tracking._tracking_service.utils import _tracking_store_registry

    monkeypatch.setitem(_tracking_store_registry._registry, "mlgit", plugin.tracking)
    monkeypatch.setitem(_get_store_registry()._registry, "mlgit", plugin.registry)
    monkeypatch.setitem(_artifact_repository_registry._registry, "mlgit", plugin.artifacts)
    forget()


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
