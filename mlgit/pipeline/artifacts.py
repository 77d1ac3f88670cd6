"""Where an artifact's name points: names are relative to the Git repository's root, as GTO and DVC have them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlgit.config import Config
from mlgit.errors import MlgitError
from mlgit.model_settings import Model
from mlgit.schema import near_miss


@dataclass(frozen=True, slots=True)
class DeclaredArtifact:
    """One artifact of a dvc.yaml.

    `name` is its full name, `folder:name` or `name`, seen from the Git repository's root; `local` the same seen from the
    project's root, as mlgit.yaml names it; `path` its file or folder from the project's root.
    """

    name: str
    local: str
    path: str
    type: str = ""
    description: str = ""
    labels: tuple[str, ...] = ()


def listed(files: Mapping[str, Mapping[str, Any]], *, prefix: str = "") -> dict[str, DeclaredArtifact]:
    """Every artifact by its full name; `files` are the `artifacts:` of dvc.yaml files by path from the project's root.

    `prefix` is the project's folder in the repository, '' or ending with '/'.
    """
    found = {}
    for file, found_there in files.items():
        folder = posixpath.dirname(file)
        for name, declared in found_there.items():
            artifact = _artifact(folder, str(name), declared, prefix=prefix)
            found[artifact.name] = artifact
    return found


def _artifact(folder: str, name: str, declared: Mapping[str, Any], *, prefix: str) -> DeclaredArtifact:
    above = posixpath.normpath(f"{prefix}{folder}") if prefix or folder else ""
    return DeclaredArtifact(
        f"{above}:{name}" if above else name,
        f"{folder}:{name}" if folder else name,
        posixpath.normpath(posixpath.join(folder, str(declared["path"]))),
        str(declared.get("type") or ""),
        str(declared.get("desc") or ""),
        tuple(map(str, declared.get("labels") or ())),
    )


def find(files: Mapping[str, Mapping[str, Any]], artifact: str, *, prefix: str = "") -> DeclaredArtifact:
    """The artifact of this name, as seen from the repository's root or else from the project's.

    Raises MlgitError with the near miss when no dvc.yaml declares it.
    """
    known = listed(files, prefix=prefix)
    found = known.get(artifact) or next((each for each in known.values() if each.local == artifact), None)
    if found:
        return found
    folder, _, name = artifact.rpartition(":")
    raise MlgitError(
        f"no artifact '{artifact}' in `artifacts:` of a dvc.yaml" + near_miss(artifact, [*known]),
        f"add to {posixpath.join(folder, 'dvc.yaml')}: `artifacts: {{{name}: {{path: PATH-OF-THE-MODEL, type: model}}}}`",
    )


def model_of(config: Config, artifact: DeclaredArtifact) -> Model:
    """What mlgit.yaml declares for an artifact, under the name seen from the project or the full one."""
    return config.model(artifact.name if artifact.name in config.models else artifact.local)
