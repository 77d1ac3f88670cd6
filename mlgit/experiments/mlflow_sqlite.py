"""MLflow's database of SQLite, read only, by SQL: those of old versions too, which lack tables and columns."""

from __future__ import annotations

import math
import urllib.parse
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError
from mlgit.experiments import local_artifacts
from mlgit.experiments.foreign_runs import (
    MODEL_FROM_INTEGER,
    ForeignModel,
    ForeignRun,
    measured,
    number,
    text,
    whole,
    with_models,
)
from mlgit.experiments.local_artifacts import LocalArtifacts
from mlgit.experiments.run import ApiExperiment, LoggedRun, MetricPoint, ModelOutput, ModelRecord, RunDataset

Row = Mapping[str, Any]
# The columns of each table that are read; one that an old database lacks is NULL.
_COLUMNS = {
    "experiments": "experiment_id name lifecycle_stage creation_time last_update_time",
    "experiment_tags": "key value experiment_id",
    "runs": "run_uuid name user_id status start_time end_time lifecycle_stage deleted_time artifact_uri experiment_id",
    "tags": "key value run_uuid",
    "params": "key value run_uuid",
    "metrics": "key value timestamp step is_nan run_uuid",
    "datasets": "dataset_uuid name digest dataset_source_type dataset_source dataset_schema dataset_profile",
    "inputs": "input_uuid source_type source_id destination_type destination_id step",
    "input_tags": "input_uuid name value",
    "logged_models": (
        "model_id experiment_id name artifact_location creation_timestamp_ms last_updated_timestamp_ms status lifecycle_stage"
        " model_type source_run_id"
    ),
    "logged_model_params": "model_id param_key param_value",
    "logged_model_tags": "model_id tag_key tag_value",
    "logged_model_metrics": (
        "model_id metric_name metric_timestamp_ms metric_step metric_value run_id dataset_name dataset_digest"
    ),
}
_NEEDED = ("experiments", "runs", "metrics", "params", "tags")


class MlflowDatabase:
    """A database of MLflow in one file."""

    def __init__(self, path: Path, *, artifacts: Path | None = None) -> None:
        import sqlite3

        self._path = path
        self._artifacts = LocalArtifacts([path.parent] if artifacts is None else [artifacts, path.parent])
        self._missed: list[str] = []
        self._queries: dict[tuple[str, str, str], str] = {}
        try:
            self._database = sqlite3.connect(f"file:{urllib.parse.quote(str(path))}?mode=ro", uri=True, check_same_thread=False)
            self._database.row_factory = sqlite3.Row
            self._database.text_factory = lambda content: content.decode("utf-8", "replace")
            self._tables = self._look()
        except sqlite3.Error as error:
            raise MlgitError(f"{path}: cannot be read as a database of SQLite: {error}") from error
        lacking = [each for each in _NEEDED if each not in self._tables]
        if lacking:
            raise MlgitError(f"{path}: a database, but none of MLflow: it has no table `{lacking[0]}`")

    @property
    def title(self) -> str:
        """What it is, and where."""
        return f"the database {self._path.name}"

    def _look(self) -> dict[str, set[str]]:
        names = [row[0] for row in self._database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            each: {row[1] for row in self._database.execute(f"PRAGMA table_info({each})")} for each in names if each in _COLUMNS
        }

    def _rows(self, table: str, where: str = "", values: Sequence[Any] = (), *, order: str = "") -> Iterator[Row]:
        import sqlite3

        if table not in self._tables:
            return
        try:
            yield from self._database.execute(self._query(table, where, order), values)
        except (sqlite3.Error, OverflowError) as error:
            raise MlgitError(f"{self._path}: table `{table}`: {error}") from error

    def _query(self, table: str, where: str, order: str) -> str:
        known = self._queries.get((table, where, order))
        if known is None:
            has = self._tables[table]
            chosen = ", ".join(f'"{each}"' if each in has else f'NULL AS "{each}"' for each in _COLUMNS[table].split())
            known = f"SELECT {chosen} FROM {table}"  # noqa: S608 - of names that stand in this file
            known += f" WHERE {where}" if where else ""
            known += f" ORDER BY {order}" if order else ""
            self._queries[table, where, order] = known
        return known

    def experiments(self) -> list[ApiExperiment]:
        """All experiments, deleted ones too."""
        tags: dict[str, dict[str, str]] = {}
        for row in self._rows("experiment_tags"):
            tags.setdefault(text(row["experiment_id"]), {})[text(row["key"])] = text(row["value"])
        return [
            ApiExperiment(
                text(row["experiment_id"]),
                text(row["name"]),
                tags.get(text(row["experiment_id"]), {}),
                whole(row["creation_time"], otherwise=None),
                whole(row["last_update_time"], otherwise=None),
                _deleted(row, row["last_update_time"]),
            )
            for row in self._rows("experiments")
        ]

    def runs(self) -> Iterator[ForeignRun]:
        """All runs, deleted ones too, oldest first."""
        for row in self._rows("runs", order="start_time, run_uuid"):
            run_id = text(row["run_uuid"])
            tags = self._pairs("tags", run_id)
            run = LoggedRun(
                run_id,
                text(row["experiment_id"]),
                text(row["name"]) or tags.get("mlflow.runName", ""),
                text(row["user_id"]),
                text(row["status"]) or "FINISHED",
                whole(row["start_time"]),
                whole(row["end_time"], otherwise=None),
                _deleted(row, row["deleted_time"]),
                self._pairs("params", run_id),
                tags,
                datasets=self._datasets(run_id),
                model_inputs=tuple(text(each["destination_id"]) for each in self._links(run_id, "MODEL_INPUT")),
                model_outputs=tuple(
                    ModelOutput(text(each["destination_id"]), whole(each["step"]))
                    for each in self._links(run_id, "MODEL_OUTPUT")
                ),
            )
            points = self._points(run_id)
            yield ForeignRun(measured(run, points), points, local_artifacts.place_of_run(text(row["artifact_uri"]), run))

    def _pairs(self, table: str, run_id: str) -> dict[str, str]:
        return {text(row["key"]): text(row["value"]) for row in self._rows(table, "run_uuid = ?", [run_id], order="rowid")}

    def _links(self, run_id: str, kind: str) -> Iterator[Row]:
        return self._rows("inputs", "source_id = ? AND destination_type = ?", [run_id, kind], order="rowid")

    def _points(self, run_id: str) -> tuple[MetricPoint, ...]:
        points = []
        for row in self._rows("metrics", "run_uuid = ?", [run_id], order="rowid"):
            value = math.nan if row["is_nan"] else number(row["value"])
            if value is None:
                self._missed.append(f"run {run_id}: a value of `{text(row['key'])[:80]}` is no number")
                continue
            points.append(MetricPoint(text(row["key"]), value, whole(row["timestamp"]), whole(row["step"])))
        of_models = [
            MetricPoint(
                text(row["metric_name"]),
                math.nan if (value := number(row["metric_value"])) is None else value,
                whole(row["metric_timestamp_ms"]),
                whole(row["metric_step"]),
                text(row["model_id"]),
                text(row["dataset_name"]),
                text(row["dataset_digest"]),
            )
            for row in self._rows("logged_model_metrics", "run_id = ?", [run_id])
        ]
        return with_models(points, of_models) if of_models else tuple(points)

    def _datasets(self, run_id: str) -> tuple[RunDataset, ...]:
        asked = ("source_type = 'DATASET' AND destination_type = 'RUN' AND destination_id = ?", [run_id])
        found = []
        for link in self._rows("inputs", *asked, order="rowid"):
            tags = self._rows("input_tags", "input_uuid = ?", [link["input_uuid"]])
            known = {text(tag["name"]): text(tag["value"]) for tag in tags}
            for row in self._rows("datasets", "dataset_uuid = ?", [link["source_id"]]):
                told = [row["dataset_schema"], row["dataset_profile"]]
                schema, profile = (None if each is None else text(each) for each in told)
                source = (text(row["dataset_source_type"]), text(row["dataset_source"]))
                found.append(RunDataset(text(row["name"]), text(row["digest"]), *source, schema, profile, known))
        return tuple(found)

    def models(self) -> Iterator[ForeignModel]:
        """All logged models, deleted ones too."""
        for row in self._rows("logged_models", order="creation_timestamp_ms, model_id"):
            model_id = text(row["model_id"])
            params = self._rows("logged_model_params", "model_id = ?", [model_id])
            tags = self._rows("logged_model_tags", "model_id = ?", [model_id])
            measuring = self._rows("logged_model_metrics", "model_id = ?", [model_id])
            model = ModelRecord(
                model_id,
                text(row["experiment_id"]),
                text(row["name"]),
                MODEL_FROM_INTEGER.get(whole(row["status"]), "UNSPECIFIED"),
                whole(row["creation_timestamp_ms"]),
                whole(row["last_updated_timestamp_ms"]),
                text(row["model_type"]),
                text(row["source_run_id"]),
                {text(each["param_key"]): text(each["param_value"]) for each in params},
                {text(each["tag_key"]): text(each["tag_value"]) for each in tags},
                metric_runs=tuple(sorted({text(each["run_id"]) for each in measuring})),
                deleted=_deleted(row, row["last_updated_timestamp_ms"]),
            )
            yield ForeignModel(model, local_artifacts.place_of_model(text(row["artifact_location"]), model))

    def files(self, place: str, *, known: Callable[[], Collection[str]]) -> AbstractContextManager[Mapping[str, Path]]:
        """The files at a place that lie beside the database, or where was told."""
        return nullcontext(self._artifacts.files(place, known=known))

    def missed(self) -> list[str]:
        """What could not be read so far."""
        return [*self._missed, *self._artifacts.missed()]


def _deleted(row: Row, when: Any) -> int | None:
    return (whole(when) or 1) if row["lifecycle_stage"] == "deleted" else None
