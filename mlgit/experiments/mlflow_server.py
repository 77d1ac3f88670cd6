"""The runs of an MLflow server, over REST: a hundred histories in one question where the server can, else one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from mlgit.adapters.system import files
from mlgit.experiments.foreign_runs import ForeignModel, ForeignRun, measured, number, text, whole, with_models
from mlgit.experiments.mlflow_rest import MlflowError, MlflowRest, objects
from mlgit.experiments.run import ApiExperiment, LoggedRun, MetricPoint, ModelOutput, ModelRecord, RunDataset

_API = "/api/2.0/mlflow"
_PAGE = 1000
_MODELS_PAGE = 50
_AT_ONCE = 100
_MOST_POINTS = 25_000
_MOST_FILES = 100_000
_EXPERIMENTS_AT_ONCE = 10


class MlflowServer:
    """A server of MLflow at a URL."""

    def __init__(self, url: str) -> None:
        self._rest = MlflowRest(url)
        self._missed: list[str] = []
        self._experiments: list[ApiExperiment] = []
        self._models: dict[str, ForeignModel] | None = None
        self._has_bulk = True

    @property
    def title(self) -> str:
        """What it is, and where."""
        return f"the server {self._rest.url}"

    def experiments(self) -> list[ApiExperiment]:
        """All experiments, deleted ones too."""
        if not self._experiments:
            asked = {"max_results": _PAGE, "view_type": "ALL"}
            self._experiments = list(map(_experiment, self._rest.pages(f"{_API}/experiments/search", "experiments", asked)))
        return self._experiments

    def runs(self) -> Iterator[ForeignRun]:
        """All runs, deleted ones too."""
        of_models = self._points_of_models()
        for experiment in self.experiments():
            asked = {"experiment_ids": [experiment.id], "run_view_type": "ALL", "max_results": _PAGE}
            pages = self._rest.pages(f"{_API}/runs/search", "runs", asked)
            while part := list(islice(pages, _AT_ONCE)):
                yield from self._with_points([_run(each) for each in part], of_models)

    def _with_points(self, runs: Sequence[LoggedRun], of_models: Mapping[str, list[MetricPoint]]) -> Iterator[ForeignRun]:
        histories = self._histories(runs)
        for run in runs:
            points = with_models(histories.get(run.id, []), of_models.get(run.id, ()))
            yield ForeignRun(measured(run, points), points, f"run {run.id}")

    def _histories(self, runs: Sequence[LoggedRun]) -> dict[str, list[MetricPoint]]:
        """The points of some runs; of each metric, at once for all that have it."""
        having: dict[str, list[str]] = {}
        for run in runs:
            for key in run.metrics:
                having.setdefault(key, []).append(run.id)
        found: dict[str, list[MetricPoint]] = {}
        for key, ids in having.items():
            bulk = self._bulk(key, ids)
            for run_id in ids:
                points = bulk.get(run_id) if bulk is not None else None
                found.setdefault(run_id, []).extend(points if points else self._history(run_id, key))
        return {run_id: sorted(points, key=lambda each: each.timestamp) for run_id, points in found.items()}

    def _bulk(self, key: str, ids: Sequence[str]) -> dict[str, list[MetricPoint]] | None:
        """The histories of one metric; None where they cannot be had at once."""
        if not self._has_bulk or len(ids) < 2:
            return None
        params = [("metric_key", key), ("max_results", _MOST_POINTS), *(("run_id", each) for each in ids)]
        try:
            answer = self._rest.ask("/ajax-api/2.0/mlflow/metrics/get-history-bulk", params=params)
        except MlflowError as error:
            if error.status in (404, 405, 501):
                self._has_bulk = False
                return None
            raise
        rows = objects(answer.get("metrics"))
        if len(rows) >= _MOST_POINTS:
            return None
        found: dict[str, list[MetricPoint]] = {}
        for row in rows:
            found.setdefault(text(row.get("run_id")), []).extend(self._points(text(row.get("run_id")), key, [row]))
        return found

    def _history(self, run_id: str, key: str) -> list[MetricPoint]:
        path = f"{_API}/metrics/get-history"
        found: list[MetricPoint] = []
        token = ""
        while True:
            params = {"run_id": run_id, "metric_key": key, "max_results": _MOST_POINTS}
            answer = self._rest.ask(path, params=params | ({"page_token": token} if token else {}))
            found += self._points(run_id, key, objects(answer.get("metrics")))
            before, token = token, text(answer.get("next_page_token"))
            if not token or token == before:
                return found

    def _points(self, run_id: str, key: str, rows: Iterable[Mapping[str, Any]]) -> list[MetricPoint]:
        found = []
        for row in rows:
            value = number(row.get("value"))
            if value is None:
                self._missed.append(f"run {run_id}: a value of `{key[:80]}` is no number")
            else:
                found.append(MetricPoint(key, value, whole(row.get("timestamp")), whole(row.get("step"))))
        return found

    def models(self) -> Iterator[ForeignModel]:
        """All logged models; none where the server is older than they are."""
        if self._models is None:
            self._models = {}
            ids = [each.id for each in self.experiments()]
            for start in range(0, len(ids), _EXPERIMENTS_AT_ONCE):
                asked = {"experiment_ids": ids[start : start + _EXPERIMENTS_AT_ONCE], "max_results": _MODELS_PAGE}
                try:
                    for each in self._rest.pages(f"{_API}/logged-models/search", "models", asked):
                        model = _model(each)
                        self._models[model.id] = ForeignModel(model, f"model {model.id}")
                except MlflowError as error:
                    if error.status not in (404, 405, 501):
                        raise
                    break
        return iter(self._models.values())

    def _points_of_models(self) -> dict[str, list[MetricPoint]]:
        found: dict[str, list[MetricPoint]] = {}
        for each in self.models():
            for point in each.model.metrics:
                found.setdefault(point.run_id, []).append(point)
        return found

    @contextmanager
    def files(self, place: str, *, known: Callable[[], Collection[str]]) -> Iterator[Mapping[str, Path]]:
        """The files of a run or logged model that are not among those `known`, fetched for as long as the block runs."""
        kind, _, owner = place.partition(" ")
        wanted: list[str] = []
        with self._told(kind, owner):
            wanted += self._paths(kind, owner)
        here = set(known()) if wanted else set()
        wanted = [each for each in wanted if each not in here]
        if not wanted:
            yield {}
            return
        with files.temporary_folder("artifacts") as folder:
            found: dict[str, Path] = {}
            for path in wanted:
                target = folder / f"{len(found):06}"
                with self._told(kind, owner):
                    self._fetch(kind, owner, path, target)
                    found[path] = target
            yield found

    @contextmanager
    def _told(self, kind: str, owner: str) -> Iterator[None]:
        """What one run's files are not to be had for is told at the end; the others are brought."""
        try:
            yield
        except MlflowError as error:
            self._missed.append(f"the files of {kind} {owner}: {error.message}")

    def _paths(self, kind: str, owner: str) -> Iterator[str]:
        """The paths of all files, folder by folder."""
        folders, count = [""], 0
        seen = {""}
        while folders:
            folder = folders.pop()
            for each in self._listed(kind, owner, folder):
                path = text(each.get("path"))
                if each.get("is_dir"):
                    if path not in seen:
                        seen.add(path)
                        folders.append(path)
                elif path:
                    yield path
                count += 1
            if count > _MOST_FILES:
                raise MlflowError(f"more than {_MOST_FILES:,} files")

    def _listed(self, kind: str, owner: str, folder: str) -> Iterator[dict[str, Any]]:
        if kind == "run":
            path, params = f"{_API}/artifacts/list", {"run_id": owner, **({"path": folder} if folder else {})}
        else:
            path = f"{_API}/logged-models/{owner}/artifacts/directories"
            params = {"artifact_directory_path": folder} if folder else {}
        token = ""
        while True:
            answer = self._rest.ask(path, params={**params, **({"page_token": token} if token else {})})
            yield from objects(answer.get("files"))
            before, token = token, text(answer.get("next_page_token"))
            if not token or token == before:
                return

    def _fetch(self, kind: str, owner: str, path: str, to: Path) -> None:
        if kind == "run":
            self._rest.download("/get-artifact", params={"run_id": owner, "path": path}, to=to)
        else:
            where = f"/ajax-api/2.0/mlflow/logged-models/{owner}/artifacts/files"
            self._rest.download(where, params={"artifact_file_path": path}, to=to)

    def missed(self) -> list[str]:
        """What could not be read so far."""
        return self._missed


def _experiment(found: Mapping[str, Any]) -> ApiExperiment:
    made, updated = (whole(found.get(key), otherwise=None) for key in ("creation_time", "last_update_time"))
    deleted = (updated or 1) if found.get("lifecycle_stage") == "deleted" else None
    name = text(found.get("name"))
    return ApiExperiment(text(found.get("experiment_id")), name, _pairs(found.get("tags")), made, updated, deleted)


def _run(found: Mapping[str, Any]) -> LoggedRun:
    """A run as a search gives it, with the latest points of its metrics."""
    info, data, inputs, outputs = (_object(found.get(key)) for key in ("info", "data", "inputs", "outputs"))
    tags = _pairs(data.get("tags"))
    rows = [each for each in objects(data.get("metrics")) if number(each.get("value")) is not None]
    points = (MetricPoint(text(each.get("key")), 0.0, whole(each.get("timestamp"))) for each in rows)
    run = LoggedRun(
        text(info.get("run_id") or info.get("run_uuid")),
        text(info.get("experiment_id")),
        text(info.get("run_name")) or tags.get("mlflow.runName", ""),
        text(info.get("user_id")),
        text(info.get("status")) or "RUNNING",
        whole(info.get("start_time")),
        whole(info.get("end_time"), otherwise=None) or None,
        (whole(info.get("end_time")) or 1) if info.get("lifecycle_stage") == "deleted" else None,
        _pairs(data.get("params")),
        tags,
        datasets=tuple(_dataset(each) for each in objects(inputs.get("dataset_inputs"))),
        model_inputs=tuple(text(each.get("model_id")) for each in objects(inputs.get("model_inputs"))),
        model_outputs=tuple(
            ModelOutput(text(each.get("model_id")), whole(each.get("step"))) for each in objects(outputs.get("model_outputs"))
        ),
    )
    return replace(run, metrics={each.key: each for each in points})


def _dataset(found: Mapping[str, Any]) -> RunDataset:
    told = _object(found.get("dataset"))
    schema, profile = (None if told.get(key) is None else text(told[key]) for key in ("schema", "profile"))
    name, digest, kind, source = (text(told.get(key)) for key in ("name", "digest", "source_type", "source"))
    return RunDataset(name, digest, kind, source, schema, profile, _pairs(found.get("tags")))


def _model(found: Mapping[str, Any]) -> ModelRecord:
    info, data = _object(found.get("info")), _object(found.get("data"))
    model_id = text(info.get("model_id"))
    points = [
        MetricPoint(
            text(each.get("key")),
            value,
            whole(each.get("timestamp")),
            whole(each.get("step")),
            model_id,
            text(each.get("dataset_name")),
            text(each.get("dataset_digest")),
            text(each.get("run_id")),
        )
        for each in objects(data.get("metrics"))
        if (value := number(each.get("value"))) is not None
    ]
    status = text(info.get("status")).removeprefix("LOGGED_MODEL_")
    return ModelRecord(
        model_id,
        text(info.get("experiment_id")),
        text(info.get("name")),
        {"READY": "READY", "PENDING": "PENDING", "UPLOAD_FAILED": "FAILED"}.get(status, "UNSPECIFIED"),
        whole(info.get("creation_timestamp_ms")),
        whole(info.get("last_updated_timestamp_ms")),
        text(info.get("model_type")),
        text(info.get("source_run_id")),
        _pairs(data.get("params")),
        _pairs(info.get("tags")),
        tuple(points),
        tuple(sorted({each.run_id for each in points if each.run_id})),
    )


def _pairs(rows: Any) -> dict[str, str]:
    return {text(each.get("key")): text(each.get("value")) for each in objects(rows)}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
