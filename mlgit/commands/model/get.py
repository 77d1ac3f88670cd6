"""Brings the bytes of a version, checked by their digest."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlgit.commands.model import resolve_version
from mlgit.commands.model.resolve_version import ResolvedVersion
from mlgit.registry import deliver
from mlgit.registry.deliver import Delivered
from mlgit.registry.facts import ModelFile


@dataclass(frozen=True, slots=True)
class GetResult:
    """A version, its model's file as it is recorded, and where its bytes came from and lie now."""

    resolved: ResolvedVersion
    model: ModelFile
    delivered: Delivered

    def document(self) -> dict[str, Any]:
        """The result as JSON: schema 1."""
        version = self.resolved.version
        return {
            "schema": 1,
            "artifact": version.artifact,
            "version": version.name,
            "is_active": version.is_active,
            "path": str(self.delivered.path),
            "md5": self.delivered.md5,
            "sha256": self.delivered.sha256,
            "size": self.delivered.size,
            "from": self.delivered.place,
            "format": self.model.format,
            "executes_code": self.model.executes_code,
            "loader": self.model.loader,
        }


def get(reference: str, *, out: str | None = None, force: bool = False) -> GetResult:
    """Bring the bytes of NAME, NAME@VERSION or NAME#ENVIRONMENT from DVC's cache, else from the commit or the DVC remote.

    `out` is where to put them (without it their own name, in the current folder); with a slash at its end it is a folder.
    With `force` what is there is replaced. The model is never loaded. Raises MlgitError where the bytes cannot be had.
    """
    found = resolve_version.find(reference)
    model = resolve_version.model_of(found)
    delivered = deliver.deliver(found.revision, model, _target(out, model), force=force)
    return GetResult(found, model, delivered)


def _target(out: str | None, model: ModelFile) -> Path:
    name = posixpath.basename(model.path)
    if out is None:
        return Path(name)
    into = Path(out)
    is_folder = out.endswith("/") or (into.is_dir() and not model.md5.endswith(".dir"))
    return into / name if is_folder else into
