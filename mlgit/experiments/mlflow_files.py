"""MLflow's file store (`mlruns/`), read file by file: what MLflow itself no longer opens without being asked to."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from mlgit.adapters.formats import yaml12
from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from mlgit.experiments import local_artifacts
from mlgit.experiments.foreign_runs import (
    FROM_INTEGER,
    MODEL_FROM_INTEGER,
    ForeignModel,
    ForeignRun,
    measured,
    number,
    text,
    texts,
    whole,
    with_models,
)
from mlgit.experiments.local_artifacts import LocalArtifacts
from mlgit.experiments.run import ApiExperiment, LoggedRun, MetricPoint, ModelOutput, ModelRecord, RunDataset

META = "meta.yaml"
TRASH = ".trash"
_LARGEST = 256 << 20
# Folders of an experiment that are no runs.
_RESERVED = ("tags", "datasets", "traces", "models")


class MlflowFiles:
    """A file store of MLflow in one folder."""

    def __init__(self, folder: Path, *, artifacts: Path | None = None) -> None:
        self._folder = folder
        self._artifacts = LocalArtifacts([folder] if artifacts is None else [artifacts, folder])
        self._missed: list[str] = []

    @property
    def title(self) -> str:
        """What it is, and where."""
        return f"the file store {self._folder.name}"

    def _folders(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        """The folder of each experiment, and what its file says."""
        for top in (self._folder, self._folder / TRASH):
            for folder in _inside(top):
                if folder.name != TRASH and (meta := self._meta(folder)) is not None:
                    yield folder, meta

    def experiments(self) -> list[ApiExperiment]:
        """All experiments, deleted ones too."""
        return [
            ApiExperiment(
                text(meta.get("experiment_id")) or folder.name,
                text(meta.get("name")),
                self._texts(folder / "tags"),
                whole(meta.get("creation_time"), otherwise=None),
                whole(meta.get("last_update_time"), otherwise=None),
                (whole(meta.get("last_update_time")) or 1) if _is_deleted(folder, meta) else None,
            )
            for folder, meta in self._folders()
        ]

    def runs(self) -> Iterator[ForeignRun]:
        """All runs, deleted ones too."""
        for folder, meta in self._folders():
            experiment_id = text(meta.get("experiment_id")) or folder.name
            of_models = self._points_of_models(folder)
            for inside in _inside(folder):
                if inside.name not in _RESERVED and (found := self._meta(inside)) is not None:
                    yield self._run(inside, found, experiment_id, of_models)

    def _run(
        self, folder: Path, meta: dict[str, Any], experiment_id: str, of_models: Mapping[str, list[MetricPoint]]
    ) -> ForeignRun:
        tags = self._texts(folder / "tags")
        status = meta.get("status", 1)
        inputs, outputs = self._metas(folder / "inputs"), self._metas(folder / "outputs")
        run = LoggedRun(
            text(meta.get("run_id") or meta.get("run_uuid")) or folder.name,
            experiment_id,
            text(meta.get("run_name")) or text(meta.get("name")) or tags.get("mlflow.runName", ""),
            text(meta.get("user_id")),
            FROM_INTEGER.get(whole(status), "") or (status if isinstance(status, str) else "RUNNING"),
            whole(meta.get("start_time")),
            whole(meta.get("end_time"), otherwise=None),
            (whole(meta.get("deleted_time")) or 1) if meta.get("lifecycle_stage") == "deleted" else None,
            self._texts(folder / "params"),
            tags,
            datasets=tuple(
                each for link in inputs if link.get("source_type") == "DATASET" for each in self._dataset(folder, link)
            ),
            model_inputs=tuple(text(each.get("source_id")) for each in inputs if each.get("source_type") == "MODEL"),
            model_outputs=tuple(ModelOutput(text(each.get("destination_id")), whole(each.get("step"))) for each in outputs),
        )
        points = with_models(sorted(self._points(folder / "metrics"), key=_by_time), of_models.get(run.id, ()))
        return ForeignRun(measured(run, points), points, local_artifacts.place_of_run(text(meta.get("artifact_uri")), run))

    def _dataset(self, folder: Path, link: Mapping[str, Any]) -> Iterator[RunDataset]:
        name = text(link.get("source_id"))
        meta = self._meta(folder.parent / "datasets" / name) if name and os.sep not in name else None
        if meta is None:
            self._missed.append(f"{self._shown(folder)}: the dataset `{name[:80]}` that it used is not there")
            return
        schema, profile = (None if meta.get(key) is None else text(meta[key]) for key in ("schema", "profile"))
        source = (text(meta.get("source_type")), text(meta.get("source")))
        yield RunDataset(text(meta.get("name")), text(meta.get("digest")), *source, schema, profile, texts(link.get("tags")))

    def models(self) -> Iterator[ForeignModel]:
        """All logged models."""
        for folder, meta in self._folders():
            for inside in _inside(folder / "models"):
                found = self._meta(inside)
                if found is None:
                    continue
                model = ModelRecord(
                    text(found.get("model_id")) or inside.name,
                    text(meta.get("experiment_id")) or folder.name,
                    text(found.get("name")),
                    MODEL_FROM_INTEGER.get(whole(found.get("status")), "UNSPECIFIED"),
                    whole(found.get("creation_timestamp")),
                    whole(found.get("last_updated_timestamp")),
                    text(found.get("model_type")),
                    text(found.get("source_run_id")),
                    self._texts(inside / "params"),
                    self._texts(inside / "tags"),
                    metric_runs=tuple(sorted({each.run_id for each in self._points(inside / "metrics", of="model")})),
                    deleted=(whole(found.get("last_updated_timestamp")) or 1)
                    if found.get("lifecycle_stage") == "deleted"
                    else None,
                )
                yield ForeignModel(model, local_artifacts.place_of_model(text(found.get("artifact_location")), model))

    def _points_of_models(self, folder: Path) -> dict[str, list[MetricPoint]]:
        found: dict[str, list[MetricPoint]] = {}
        for inside in _inside(folder / "models"):
            for point in self._points(inside / "metrics", of=inside.name):
                found.setdefault(point.run_id, []).append(point)
        return found

    def _points(self, folder: Path, *, of: str = "") -> list[MetricPoint]:
        """The points of all metrics below a folder; those `of` a logged model name the run that measured it."""
        found = []
        for key, path in _files(folder):
            for line in self._read(path).splitlines():
                point = _point(key, line.split(), of)
                if point is None:
                    self._missed.append(f"{self._shown(path)}: a line that is no point of a metric")
                else:
                    found.append(point)
        return found

    def _texts(self, folder: Path) -> dict[str, str]:
        return {key: self._read(path) for key, path in _files(folder)}

    def _metas(self, folder: Path) -> list[dict[str, Any]]:
        return [meta for each in _inside(folder) if (meta := self._meta(each)) is not None]

    def _meta(self, folder: Path) -> dict[str, Any] | None:

        path = folder / META
        if not path.is_file():
            return None
        try:
            found = yaml12.parse(files.read_text(path), name=str(path))
        except MlgitError as error:
            self._missed.append(f"{self._shown(path)}: {error.message}")
            return None
        return found if isinstance(found, dict) else None

    def _read(self, path: Path) -> str:
        try:
            if path.stat().st_size > _LARGEST:
                self._missed.append(f"{self._shown(path)}: larger than {_LARGEST >> 20} MiB")
                return ""
            return files.read_bytes(path).decode("utf-8", "replace")
        except (OSError, MlgitError) as error:
            self._missed.append(f"{self._shown(path)}: {error}")
            return ""

    def _shown(self, path: Path) -> str:
        return os.path.relpath(path, self._folder)

    def files(self, place: str, *, known: Callable[[], Collection[str]]) -> AbstractContextManager[Mapping[str, Path]]:
        """The files at a place that lie in the store, or where was told."""
        return nullcontext(self._artifacts.files(place, known=known))

    def missed(self) -> list[str]:
        """What could not be read so far."""
        return [*self._missed, *self._artifacts.missed()]


def is_store(folder: Path) -> bool:
    """Whether a folder is a file store: one of its folders says that it is an experiment."""
    return any((each / META).is_file() for top in (folder, folder / TRASH) for each in _inside(top))


def _point(key: str, words: list[str], of: str) -> MetricPoint | None:
    """`TIME VALUE [STEP [NAME DIGEST]]`, and of a logged model `TIME VALUE STEP RUN [NAME DIGEST]`."""
    if not (len(words) in (4, 6) if of else len(words) in (2, 3, 5)):
        return None
    value, when = number(words[1]), whole(words[0], otherwise=None)
    step = whole(words[2], otherwise=None) if len(words) > 2 else 0
    if value is None or when is None or step is None:
        return None
    run_id, told = (words[3], words[4:]) if of else ("", words[3:])
    name, digest = told or ("", "")
    return MetricPoint(key, value, when, step, of, name, digest, run_id)


def _by_time(point: MetricPoint) -> int:
    return point.timestamp


def _is_deleted(folder: Path, meta: Mapping[str, Any]) -> bool:
    return meta.get("lifecycle_stage") == "deleted" or folder.parent.name == TRASH


def _inside(folder: Path) -> list[Path]:
    """The folders in a folder, by name; links are not followed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(each.path) for each in entries if each.is_dir(follow_symlinks=False))
    except OSError:
        return []


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """All files below a folder, each with its path from there: the key of what it holds."""
    for top, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(top, name)
            if not path.is_symlink() and path.is_file():
                yield os.path.relpath(path, folder).replace(os.sep, "/"), path
