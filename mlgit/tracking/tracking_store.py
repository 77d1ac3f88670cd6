"""MLflow's tracking store on the refs of a repository: `mlflow.set_tracking_uri("mlgit://")`.

It is a translation: what runs are and how they are kept is known to the room of experiments. No class of MLflow's own
stores is behind it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlflow.entities import RunStatus, _DatasetSummary
from mlflow.entities.metric import MetricWithRunId
from mlflow.exceptions import MlflowException
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_RUN_NAME, MLFLOW_SOURCE_NAME
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.search_utils import SearchUtils
from mlflow.utils.validation import (
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_dataset_inputs,
    _validate_param_keys_unique,
    _validate_run_id,
)

from mlgit.experiments.run import ApiExperiment, LoggedRun, MetricPoint
from mlgit.experiments.runs import RunStore
from mlgit.registry import read
from mlgit.tracking import addresses, run_entities, run_search
from mlgit.tracking.experiment_methods import ExperimentMethods, is_seen
from mlgit.tracking.limits import page_size
from mlgit.tracking.model_methods import ModelMethods, check_active
from mlgit.tracking.opened_runs import open_runs
from mlgit.tracking.refusals import missing, told_to_mlflow
from mlgit.tracking.unkept_features import UnkeptFeatures

# Where a server keeps artifacts for clients elsewhere: `mlflow server --artifacts-destination mlgit:///path`.
_DESTINATION = "_MLFLOW_SERVER_ARTIFACT_DESTINATION"
_PROXIED = "mlflow-artifacts:"
_MOST_DATASETS = 1000


def open_store(store_uri: str | None, *, artifact_root: str | None = None) -> MlflowTracking:
    """The store of the repository that an address names.

    `artifact_root` is MLflow's word for where runs keep artifacts. It is heeded where a server hands them on for clients of
    other machines; else artifacts are kept in the repository.
    """
    with told_to_mlflow():
        runs = open_runs(read.root_of(Path(addresses.folder_of(store_uri) or Path.cwd()).absolute()))
        runs.seal_lost()  # who only logs types no command that would
    is_proxied = (artifact_root or "").startswith(_PROXIED)
    if is_proxied and os.environ.get(_DESTINATION, "").startswith(f"{addresses.SCHEME}:"):
        return MlflowTracking(runs, _PROXIED)
    return MlflowTracking(runs, addresses.of_repository(str(runs.root)))


class MlflowTracking(UnkeptFeatures, ExperimentMethods, ModelMethods, AbstractStore):  # type: ignore[misc]
    """Runs, experiments and logged models of one repository. Threads may share it."""

    def __init__(self, runs: RunStore, location: str) -> None:
        super().__init__()
        self._runs = runs
        self._location = location

    @property
    def artifact_root_uri(self) -> str:
        """Where artifacts are, as servers of MLflow ask."""
        return self._location

    def create_run(
        self, experiment_id: str, user_id: str | None, start_time: int | None, tags: list[Any] | None, run_name: str | None
    ) -> Any:
        """Begin a run."""
        known = run_entities.texts(tags)
        tagged = known.get(MLFLOW_RUN_NAME)
        if run_name and tagged and run_name != tagged:
            told = f"(run_name='{run_name}', mlflow.runName='{tagged}')"
            raise MlflowException.invalid_parameter_value(
                f"Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values {told}."
            )
        if MLFLOW_SOURCE_NAME in known:
            known[MLFLOW_SOURCE_NAME] = self._in_repository(known[MLFLOW_SOURCE_NAME])
        with told_to_mlflow():
            check_active(self._runs.experiments.get(str(experiment_id)))
            name = run_name or tagged or _generate_random_name()
            made = self._runs.create(str(experiment_id), name=name, user=user_id or "", start_time=start_time, tags=known)
            return self._entity(made)

    def _in_repository(self, path: str) -> str:
        """The path of a script as every clone has it."""
        return path.removeprefix(f"{self._runs.root}/")

    def get_run(self, run_id: str) -> Any:
        """A run by its id, deleted or not."""
        _validate_run_id(run_id)
        with told_to_mlflow():
            return self._entity(self._runs.get(run_id))

    def update_run_info(self, run_id: str, run_status: int | None, end_time: int | None, run_name: str | None) -> Any:
        """Change what is not None."""
        _validate_run_id(run_id)
        status = None if run_status is None else RunStatus.to_string(run_status)
        with told_to_mlflow():
            found = self._runs.update(run_id, status=status, end_time=end_time, name=run_name)
            return self._entity(found).info

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted."""
        _validate_run_id(run_id)
        with told_to_mlflow():
            self._runs.delete(run_id)

    def restore_run(self, run_id: str) -> None:
        """Take back that a run was deleted."""
        _validate_run_id(run_id)
        with told_to_mlflow():
            self._runs.restore(run_id)

    def log_batch(self, run_id: str, metrics: list[Any], params: list[Any], tags: list[Any]) -> None:
        """Log metrics, parameters and tags, all or nothing."""
        _validate_run_id(run_id)
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        points = [run_entities.point_of(each) for each in metrics]
        self._log(run_id, points, run_entities.texts(params), run_entities.texts(tags))

    def _log(self, run_id: str, points: list[MetricPoint], params: dict[str, str], tags: dict[str, str]) -> None:
        with told_to_mlflow():
            self._runs.log_batch(run_id, metrics=points, params=params, tags=tags)
            if name := tags.get(MLFLOW_RUN_NAME):
                self._runs.update(run_id, name=name)

    def delete_tag(self, run_id: str, key: str) -> None:
        """Take a tag away."""
        _validate_run_id(run_id)
        with told_to_mlflow():
            was_there = self._runs.delete_tag(run_id, key=key)
        if not was_there:
            missing(f"No tag with name: {key} in run with id {run_id}")

    def log_inputs(self, run_id: str, datasets: list[Any] | None = None, models: list[Any] | None = None) -> None:
        """Log the datasets and the logged models that a run used."""
        _validate_run_id(run_id)
        if datasets is not None:
            if not isinstance(datasets, list):
                raise TypeError(f"Argument 'datasets' should be a list, got '{type(datasets)}'")
            _validate_dataset_inputs(datasets)
        used = {(each.name, each.digest): each for each in map(run_entities.dataset_of, reversed(datasets or []))}
        with told_to_mlflow():
            self._runs.log_inputs(run_id, datasets=reversed(used.values()), models=[each.model_id for each in models or []])

    def log_outputs(self, run_id: str, models: list[Any]) -> None:
        """Log which logged models a run made."""
        _validate_run_id(run_id)
        with told_to_mlflow():
            self._runs.log_outputs(run_id, models=run_entities.outputs_of(models))

    def get_metric_history(
        self, run_id: str, metric_key: str, max_results: int | None = None, page_token: str | None = None
    ) -> Any:
        """All values of a metric, or a page of them."""
        found = [run_entities.metric(each) for each in self._history(run_id, metric_key)]
        start = SearchUtils.parse_start_offset_from_page_token(page_token)
        if max_results is None:
            return PagedList(found[start:], None)
        return PagedList(*SearchUtils.paginate(found, page_token, max_results))

    def _history(self, run_id: str, metric_key: str) -> list[MetricPoint]:
        _validate_run_id(run_id)
        with told_to_mlflow():
            return self._runs.history(run_id, metric_key)

    def get_metric_history_bulk(self, run_ids: list[str], metric_key: str, max_results: int) -> list[Any]:
        """The values of a metric of several runs, one run after the other."""
        found = [self._of_run(run_id, each) for run_id in sorted(run_ids) for each in self._history(run_id, metric_key)]
        return found[:max_results]

    def get_metric_history_bulk_interval_from_steps(
        self, run_id: str, metric_key: str, steps: list[int], max_results: int
    ) -> list[Any]:
        """The values of a metric at some steps."""
        wanted = set(steps)
        found = [each for each in self._history(run_id, metric_key) if each.step in wanted]
        return [self._of_run(run_id, each) for each in sorted(found, key=lambda each: each.order)[:max_results]]

    def get_metric_history_bulk_interval(
        self, run_ids: list[str], metric_key: str, max_results: int, start_step: int | None, end_step: int | None
    ) -> list[Any]:
        """Of the values of a metric of several runs at most so many of each, spread over the steps asked for."""
        if (start_step is None) != (end_step is None):
            told = "Both start_step and end_step must be specified together, or neither may be specified."
            raise MlflowException.invalid_parameter_value(told)
        found = []
        for run_id in run_ids:
            points = sorted(self._history(run_id, metric_key), key=lambda each: each.order)
            if start_step is not None and end_step is not None:
                points = [each for each in points if start_step <= each.step <= end_step]
            kept = self._evenly_spaced_indices(len(points), max(1, max_results))
            found += [self._of_run(run_id, points[place]) for place in kept]
        return found

    def get_max_step_for_metric(self, run_id: str, metric_key: str) -> int:
        """The highest step of a metric; 0 where it has none."""
        return max((each.step for each in self._history(run_id, metric_key)), default=0)

    def _search_runs(
        self,
        experiment_ids: list[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int | None,
        order_by: list[str] | None,
        page_token: str | None,
    ) -> tuple[list[Any], Any]:
        """A page of the runs that match, and the token of the next."""
        limit = page_size(max_results) if max_results is not None else None
        with told_to_mlflow():
            known = {each.id: each for each in self._runs.experiments.all()}
            runs = self._runs.all(map(str, experiment_ids))
        gone = {each.id for each in known.values() if each.deleted is not None}
        seen = [run for run in runs if is_seen(run.deleted is not None or run.experiment_id in gone, run_view_type)]
        found = run_search.ordered(run_search.matching(seen, filter_string, place=self._place), order_by, place=self._place)
        page, token = SearchUtils.paginate(found, page_token, limit or len(found) or 1)
        return [self._entity(run, known.get(run.experiment_id)) for run in page], token

    def _search_datasets(self, experiment_ids: list[str]) -> list[Any]:
        """What the runs of experiments used, each dataset once for each context."""
        with told_to_mlflow():
            runs = self._runs.all(map(str, experiment_ids))
        found = {
            (run.experiment_id, each.name, each.digest, each.tags.get(MLFLOW_DATASET_CONTEXT))
            for run in runs
            for each in run.datasets
        }
        return [_DatasetSummary(*row) for row in sorted(found, key=lambda row: (*row[:3], row[3] or ""))[:_MOST_DATASETS]]

    def _place(self, run: LoggedRun) -> str:
        return self._artifacts("runs", run.id, self._experiment_of(run.experiment_id))

    def _entity(self, run: LoggedRun, experiment: ApiExperiment | None = None) -> Any:
        """A run for MLflow. Its experiment is looked up where it is not given."""
        experiment = experiment or self._experiment_of(run.experiment_id)
        is_deleted = run.deleted is not None or experiment.deleted is not None
        return run_entities.run(run, artifact_uri=self._artifacts("runs", run.id, experiment), is_deleted=is_deleted)

    def _of_run(self, run_id: str, point: MetricPoint) -> Any:
        return MetricWithRunId(run_id=run_id, metric=run_entities.metric(point))
