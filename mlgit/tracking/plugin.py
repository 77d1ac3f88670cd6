"""What MLflow finds under the scheme `mlgit`. Every process that imports MLflow loads it, so it imports nothing by itself.

An error of another kind than ImportError would break `import mlflow` for whoever has mlgit installed, and uses it or not.
"""

from __future__ import annotations

from typing import Any


def tracking(store_uri: str | None = None, artifact_uri: str | None = None) -> Any:
    """The tracking store of the repository that an address of the scheme names."""
    from mlgit.tracking import tracking_store

    return tracking_store.open_store(store_uri, artifact_root=artifact_uri)


def registry(store_uri: str | None = None, tracking_uri: str | None = None) -> Any:
    """The registry of the repository that an address of the scheme names; it can be read, and not written."""
    from mlgit.tracking.registry_store import MlflowRegistry

    return MlflowRegistry(store_uri, tracking_uri)


def artifacts(artifact_uri: str, tracking_uri: str | None = None, registry_uri: str | None = None) -> Any:
    """The artifacts of a run, a logged model, or a version of the registry."""
    from mlgit.tracking.artifact_repository import MlflowArtifacts

    return MlflowArtifacts(artifact_uri, tracking_uri, registry_uri)
