"""MLflow's artifacts in a repository: those of runs and logged models, and the files of released versions."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from mlflow.entities import FileInfo
from mlflow.store.artifact.artifact_repo import ArtifactRepository, verify_artifact_path

from mlgit.errors import MlgitError
from mlgit.experiments.runs import RunStore
from mlgit.registry import read
from mlgit.tracking import addresses, released_files
from mlgit.tracking.addresses import ArtifactAddress
from mlgit.tracking.opened_runs import open_runs
from mlgit.tracking.refusals import found_by_mlflow, refuse, told_to_mlflow
from mlgit.tracking.released_files import ReleasedFile


class MlflowArtifacts(ArtifactRepository):  # type: ignore[misc]
    """What lies below one address: a run, a folder of it, a released version, or all of a repository."""

    def log_artifact(self, local_file: str, artifact_path: str | None = None) -> None:
        """Keep a file under its own name, in a folder of the run."""
        verify_artifact_path(artifact_path)
        with told_to_mlflow():
            place = self._written(artifact_path)
            self._runs.artifacts.put(place.owner, {posixpath.join(place.path, os.path.basename(local_file)): Path(local_file)})

    def log_artifacts(self, local_dir: str, artifact_path: str | None = None) -> None:
        """Keep all files below a folder."""
        with told_to_mlflow():
            place = self._written(artifact_path)
            top = Path(local_dir)
            found = [each for each in sorted(top.rglob("*")) if each.is_file()]
            files = {posixpath.join(place.path, each.relative_to(top).as_posix()): each for each in found}
            self._runs.artifacts.put(place.owner, files)

    def list_artifacts(self, path: str | None = None) -> list[Any]:
        """What lies right below a folder; nothing for a file."""
        with found_by_mlflow():
            place = addresses.parse_artifacts(self.artifact_uri, path)
            if place.kind == "registry":
                rows = _right_below(self._released(place), place.path)
            else:
                rows = {each.path: each.size for each in self._runs.artifacts.inside(place.owner, place.path)}
        # MLflow wants paths from the end of the address on
        start = addresses.inside(path)
        return [
            FileInfo(posixpath.join(start, posixpath.basename(name)), size is None, size) for name, size in sorted(rows.items())
        ]

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        """Write the content of a file."""
        with found_by_mlflow():
            place = addresses.parse_artifacts(self.artifact_uri, remote_file_path)
            target = Path(local_path)
            if place.kind != "registry":
                self._runs.artifacts.get(place.owner, place.path, to=target)
                return
            files = self._released(place)
            if place.path not in files:
                raise MlgitError(
                    f"'{place.owner}@{place.version}' has no file '{place.path}'", f"there are: {', '.join(files)}"
                )
            released_files.write(self._root, files[place.path], target)

    def delete_artifacts(self, artifact_path: str | None = None) -> None:
        """Take away a file, a folder, or all."""
        with told_to_mlflow():
            place = self._written(artifact_path)
            self._runs.artifacts.delete(place.owner, place.path)

    @cached_property
    def _root(self) -> Path:
        folder = addresses.parse_artifacts(self.artifact_uri, "+runs/any").folder
        return read.root_of(Path(folder).absolute())

    @cached_property
    def _runs(self) -> RunStore:
        return open_runs(self._root)

    def _written(self, path: str | None) -> ArtifactAddress:
        place = addresses.parse_artifacts(self.artifact_uri, path)
        if place.kind == "registry":
            refuse("change the files of a version", f"`mlgit model register {place.owner}` registers another one")
        return place

    def _released(self, place: ArtifactAddress) -> Mapping[str, ReleasedFile]:
        return released_files.listing(self._root, released_files.find(self._root, place.owner, place.version))


def _right_below(files: Mapping[str, ReleasedFile], path: str) -> dict[str, int | None]:
    """The files and folders of a folder; a folder has no size."""
    start = f"{path}/" if path else ""
    found: dict[str, int | None] = {}
    for name, file in files.items():
        if name.startswith(start) and name != path:
            head, slash, _ = name[len(start) :].partition("/")
            found[start + head] = None if slash else file.size or 0
    return found
