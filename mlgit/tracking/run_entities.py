"""Runs, experiments and logged models as MLflow's values, and what MLflow hands over as ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    ExperimentTag,
    InputTag,
    LifecycleStage,
    LoggedModel,
    LoggedModelInput,
    LoggedModelOutput,
    LoggedModelParameter,
    LoggedModelStatus,
    LoggedModelTag,
    Metric,
    Param,
    Run,
    RunData,
    RunInfo,
    RunInputs,
    RunOutputs,
    RunTag,
)

from mlgit.experiments.run import ApiExperiment, LoggedRun, MetricPoint, ModelOutput, ModelRecord, RunDataset

# Where the artifacts of an experiment's runs go, if not into the repository.
LOCATION_TAG = "mlgit.artifact_location"


def run(found: LoggedRun, *, artifact_uri: str, is_deleted: bool) -> Run:
    """A run. `is_deleted` is also true of one whose experiment was deleted."""
    return Run(
        info(found, artifact_uri=artifact_uri, is_deleted=is_deleted),
        RunData(
            [metric(each) for each in found.metrics.values()],
            [Param(key, value) for key, value in found.params.items()],
            [RunTag(key, value) for key, value in found.tags.items()],
        ),
        RunInputs(
            dataset_inputs=[_dataset_input(each) for each in found.datasets],
            model_inputs=[LoggedModelInput(each) for each in found.model_inputs],
        ),
        RunOutputs([LoggedModelOutput(each.model_id, each.step) for each in found.model_outputs]),
    )


def info(found: LoggedRun, *, artifact_uri: str, is_deleted: bool) -> RunInfo:
    """What identifies a run, and how it goes."""
    return RunInfo(
        run_id=found.id,
        experiment_id=found.experiment_id,
        user_id=found.user,
        status=found.status,
        start_time=found.start_time,
        end_time=found.end_time,
        lifecycle_stage=_stage(is_deleted),
        artifact_uri=artifact_uri,
        run_name=found.name,
    )


def metric(point: MetricPoint) -> Metric:
    """A point of a metric, as a run tells it: for which model and data it was measured is told by the model."""
    return Metric(point.key, point.value, point.timestamp, point.step)


def _stage(is_deleted: bool) -> str:
    stage: str = LifecycleStage.DELETED if is_deleted else LifecycleStage.ACTIVE
    return stage


def _dataset_input(found: RunDataset) -> DatasetInput:
    dataset = Dataset(found.name, found.digest, found.source_type, found.source, found.schema, found.profile)
    return DatasetInput(dataset, [InputTag(key, value) for key, value in found.tags.items()])


def experiment(found: ApiExperiment, *, location: str) -> Experiment:
    """An experiment; `location` is where its artifacts are kept, unless it has a place of its own."""
    return Experiment(
        found.id,
        found.name,
        found.tags.get(LOCATION_TAG, location),
        _stage(found.deleted is not None),
        tags=[ExperimentTag(key, value) for key, value in found.tags.items() if key != LOCATION_TAG],
        creation_time=found.created or 0,
        last_update_time=found.updated or 0,
    )


def model(found: ModelRecord, *, location: str) -> LoggedModel:
    """A logged model with its metrics."""
    return LoggedModel(
        experiment_id=found.experiment_id,
        model_id=found.id,
        name=found.name,
        artifact_location=location,
        creation_timestamp=found.created,
        last_updated_timestamp=found.updated,
        model_type=found.model_type or None,
        source_run_id=found.source_run_id or None,
        status=LoggedModelStatus(found.status),
        tags=[LoggedModelTag(key, value) for key, value in found.tags.items()],
        params=[LoggedModelParameter(key, value) for key, value in found.params.items()],
        metrics=[_model_metric(found, each) for each in found.metrics],
    )


def _model_metric(found: ModelRecord, point: MetricPoint) -> Metric:
    return Metric(
        key=point.key,
        value=point.value,
        timestamp=point.timestamp,
        step=point.step,
        model_id=found.id,
        dataset_name=point.dataset_name or None,
        dataset_digest=point.dataset_digest or None,
        run_id=point.run_id or None,
    )


def point_of(found: Metric) -> MetricPoint:
    """A metric that a client logs."""
    return MetricPoint(
        found.key,
        float(found.value),
        int(found.timestamp),
        int(found.step or 0),
        found.model_id or "",
        found.dataset_name or "",
        found.dataset_digest or "",
    )


def dataset_of(found: DatasetInput) -> RunDataset:
    """A dataset that a client logs."""
    data = found.dataset
    tags = {each.key: each.value for each in found.tags or ()}
    return RunDataset(data.name, data.digest, data.source_type, data.source, data.schema, data.profile, tags)


def outputs_of(found: Iterable[LoggedModelOutput]) -> list[ModelOutput]:
    """The models that a client says a run made."""
    return [ModelOutput(each.model_id, each.step) for each in found]


def texts(found: Sequence[Any] | None) -> dict[str, str]:
    """Tags or parameters that a client sends, by key; the last of a key counts."""
    return {each.key: "" if each.value is None else str(each.value) for each in found or ()}
