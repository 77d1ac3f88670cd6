"""The methods of MLflow's store that are about experiments."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_STATE
from mlflow.store.entities.paged_list import PagedList
from mlflow.utils.search_utils import SearchExperimentsUtils
from mlflow.utils.validation import _validate_experiment_name, _validate_experiment_tag

from mlgit.experiments.run import ApiExperiment
from mlgit.experiments.runs import RunStore
from mlgit.tracking import run_entities
from mlgit.tracking.limits import page_size
from mlgit.tracking.refusals import missing, told_to_mlflow

_ORDER = ["creation_time DESC", "experiment_id ASC"]  # what MLflow does, whatever it documents


class ExperimentMethods:
    """Experiments of one repository; `_location` is where artifacts are kept that have no place of their own."""

    _runs: RunStore
    _location: str

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """A page of the experiments that match."""
        limit = page_size(max_results)
        with told_to_mlflow():
            known = [each for each in self._runs.experiments.all() if is_seen(each.deleted is not None, view_type)]
        found = SearchExperimentsUtils.filter([self._experiment(each) for each in known], filter_string)
        ordered = SearchExperimentsUtils.sort(found, order_by or _ORDER)
        return PagedList(*SearchExperimentsUtils.paginate(ordered, page_token, limit))

    def create_experiment(self, name: str, artifact_location: str | None = None, tags: list[Any] | None = None) -> str:
        """A new experiment; its id is the same in every clone."""
        _validate_experiment_name(name)
        for tag in tags or []:
            _validate_experiment_tag(tag.key, tag.value)
        known = run_entities.texts(tags)
        if artifact_location:
            known[run_entities.LOCATION_TAG] = _elsewhere(artifact_location)
        with told_to_mlflow():
            return self._runs.experiments.create(name, tags=known).id

    def get_experiment(self, experiment_id: str) -> Any:
        """An experiment by its id, deleted or not."""
        with told_to_mlflow():
            return self._experiment(self._runs.experiments.get(str(experiment_id or "0")))

    def get_experiment_by_name(self, experiment_name: str) -> Any:
        """An experiment by its name, deleted or not; None for none."""
        with told_to_mlflow():
            found = self._runs.experiments.named(experiment_name)
        return self._experiment(found) if found else None

    def delete_experiment(self, experiment_id: str) -> None:
        """Mark an experiment, and with it its runs, as deleted."""
        with told_to_mlflow():
            if self._runs.experiments.get(str(experiment_id)).deleted is not None:
                missing(f"No Experiment with id={experiment_id} exists")
            self._runs.experiments.delete(str(experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        """Take back that an experiment was deleted."""
        with told_to_mlflow():
            if self._runs.experiments.get(str(experiment_id)).deleted is None:
                missing(f"No deleted experiment with id={experiment_id} exists")
            self._runs.experiments.restore(str(experiment_id))

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name."""
        _validate_experiment_name(new_name)
        with told_to_mlflow():
            if self._runs.experiments.get(str(experiment_id)).deleted is not None:
                raise MlflowException("Cannot rename a non-active experiment.", INVALID_STATE)
            self._runs.experiments.rename(str(experiment_id), name=new_name)

    def set_experiment_tag(self, experiment_id: str, tag: Any) -> None:
        """Set a tag."""
        _validate_experiment_tag(tag.key, tag.value)
        _check_tag(tag.key)
        with told_to_mlflow():
            self._runs.experiments.set_tag(str(experiment_id), key=tag.key, value=str(tag.value))

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Take a tag away."""
        _check_tag(key)
        with told_to_mlflow():
            was_there = self._runs.experiments.delete_tag(str(experiment_id), key=key)
        if not was_there:
            missing(f"No tag with name: {key} in experiment with id {experiment_id}")

    def _experiment(self, found: ApiExperiment) -> Any:
        return run_entities.experiment(found, location=self._location)


def is_seen(is_deleted: bool, view_type: int) -> bool:
    """Whether what is deleted or not is among what is looked for."""
    return bool(view_type == ViewType.ALL or is_deleted == (view_type == ViewType.DELETED_ONLY))


def _check_tag(key: str) -> None:
    if key == run_entities.LOCATION_TAG:
        raise MlflowException.invalid_parameter_value(f"'{key}' says where artifacts are, and stays as it is")


def _elsewhere(location: str) -> str:
    """A place for artifacts that every clone reaches."""
    if urlsplit(location).scheme in ("", "file", "mlgit"):
        told = f"'{location}' is a place of this machine, which other clones do not reach"
        raise MlflowException.invalid_parameter_value(f"{told}: leave it out, and artifacts are kept in the repository")
    return location.rstrip("/")
