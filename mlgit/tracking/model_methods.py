"""The methods of MLflow's store that are about models that code logged."""

from __future__ import annotations

import json
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.tracking import SEARCH_LOGGED_MODEL_MAX_RESULTS_DEFAULT
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_MODELS
from mlflow.utils.name_utils import _generate_random_name
from mlflow.utils.search_utils import SearchLoggedModelsPaginationToken, SearchLoggedModelsUtils
from mlflow.utils.validation import _validate_logged_model_name, _validate_run_id, _validate_tag

from mlgit.experiments.run import ApiExperiment, MissingRecordError, ModelRecord
from mlgit.experiments.runs import RunStore
from mlgit.tracking import addresses, run_entities
from mlgit.tracking.limits import page_size
from mlgit.tracking.refusals import missing, told_to_mlflow


class ModelMethods:
    """Logged models of one repository; `_location` is where artifacts are kept that have no place of their own."""

    _runs: RunStore
    _location: str

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: list[Any] | None = None,
        params: list[Any] | None = None,
        model_type: str | None = None,
    ) -> Any:
        """A new logged model, whose files come next."""
        _validate_logged_model_name(name)
        with told_to_mlflow():
            check_active(self._runs.experiments.get(str(experiment_id)))
            made = self._runs.models.create(
                str(experiment_id),
                name=name or _generate_random_name(),
                source_run_id=source_run_id or "",
                model_type=model_type or "",
                params=run_entities.texts(params),
                tags=run_entities.texts(tags),
            )
        return self._model(made)

    def get_logged_model(self, model_id: str, allow_deleted: bool = False) -> Any:
        """A logged model by its id."""
        with told_to_mlflow():
            found = self._runs.models.get(model_id)
        if found.deleted is not None and not allow_deleted:
            missing(f"Logged model with ID '{model_id}' not found.")
        return self._model(found)

    def finalize_logged_model(self, model_id: str, status: Any) -> Any:
        """Say how a logged model ended."""
        with told_to_mlflow():
            return self._model(self._runs.models.finalize(model_id, status=status.value))

    def log_logged_model_params(self, model_id: str, params: list[Any]) -> None:
        """Add parameters."""
        with told_to_mlflow():
            self._runs.models.add_params(model_id, params=run_entities.texts(params))

    def set_logged_model_tags(self, model_id: str, tags: list[Any]) -> None:
        """Set tags."""
        with told_to_mlflow():
            self._runs.models.set_tags(model_id, tags=run_entities.texts(tags))

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Take a tag away."""
        with told_to_mlflow():
            was_there = self._runs.models.delete_tag(model_id, key=key)
        if not was_there:
            missing(f"No tag with key {key!r} found for model with ID {model_id!r}.")

    def delete_logged_model(self, model_id: str) -> None:
        """Mark a logged model as deleted."""
        with told_to_mlflow():
            self._runs.models.delete(model_id)

    def search_logged_models(
        self,
        experiment_ids: list[str],
        filter_string: str | None = None,
        datasets: list[dict[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: list[dict[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """A page of the logged models that match."""
        if datasets and not all(each.get("dataset_name") for each in datasets):
            raise MlflowException.invalid_parameter_value("`dataset_name` in the `datasets` clause must be specified.")
        limit = page_size(max_results or SEARCH_LOGGED_MODEL_MAX_RESULTS_DEFAULT)
        start = _offset(page_token, experiment_ids, filter_string, order_by)
        with told_to_mlflow():
            known = [each for each in self._runs.models.all(map(str, experiment_ids)) if each.deleted is None]
        models = [self._model(each) for each in known]
        matching = SearchLoggedModelsUtils.filter_logged_models(models, filter_string, datasets)
        found = SearchLoggedModelsUtils.sort(matching, order_by)
        token = None
        if start + limit < len(found):
            token = SearchLoggedModelsPaginationToken(experiment_ids, filter_string, order_by, start + limit).encode()
        return PagedList(found[start : start + limit], token)

    def record_logged_model(self, run_id: str, mlflow_model: Any) -> None:
        """Note in a run that it logged a model, as clients before MLflow 3 have it."""
        from mlflow.models import Model

        if not isinstance(mlflow_model, Model):
            raise TypeError(f"Argument 'mlflow_model' should be mlflow.models.Model, got '{type(mlflow_model)}'")
        _validate_run_id(run_id)
        with told_to_mlflow():
            before = json.loads(self._runs.get(run_id).tags.get(MLFLOW_LOGGED_MODELS, "[]"))
            tag = _validate_tag(MLFLOW_LOGGED_MODELS, json.dumps([*before, mlflow_model.get_tags_dict()]))
            self._runs.log_batch(run_id, tags={tag.key: tag.value})

    def _model(self, found: ModelRecord) -> Any:
        return run_entities.model(found, location=self._artifacts("models", found.id, self._experiment_of(found.experiment_id)))

    def _artifacts(self, kind: addresses.Kind, owner: str, experiment: ApiExperiment) -> str:
        """Where the artifacts of a run or a logged model are: below the repository, or at their experiment's own place."""
        own = experiment.tags.get(run_entities.LOCATION_TAG)
        if own is None:
            return f"{self._location}/{addresses.artifact_path(kind, owner)}"
        return f"{own}/{'models/' if kind == 'models' else ''}{owner}/artifacts"

    def _experiment_of(self, experiment_id: str) -> ApiExperiment:
        """The experiment of a run; one that this clone lacks is as good as one without tags."""
        try:
            return self._runs.experiments.get(experiment_id)
        except MissingRecordError:
            return ApiExperiment(experiment_id, "")


def check_active(experiment: ApiExperiment) -> None:
    """Raise MlflowException for an experiment that was deleted."""
    if experiment.deleted is not None:
        told = f"The experiment {experiment.id} must be in the 'active' state. Current state is deleted."
        raise MlflowException.invalid_parameter_value(told)


def _offset(
    token: str | None, experiment_ids: list[str], filter_string: str | None, order_by: list[dict[str, Any]] | None
) -> int:
    if not token:
        return 0
    try:
        found = SearchLoggedModelsPaginationToken.decode(token)
        found.validate(experiment_ids, filter_string, order_by)
    except (ValueError, AttributeError) as error:
        raise MlflowException.invalid_parameter_value(f"Invalid page token: {token}") from error
    return int(found.offset)
