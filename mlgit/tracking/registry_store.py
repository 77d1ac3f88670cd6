"""MLflow's model registry, read from the tags of a repository. What would write is refused, with the command that does it.

`models:/churn@prod` is what is in an environment, `models:/churn/v1.2.0` a version, `models:/churn/3` the third that was
registered, `models:/churn/latest` the highest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from mlflow.exceptions import MlflowException
from mlflow.prompt.registry_utils import add_prompt_filter_string
from mlflow.store.entities.paged_list import PagedList
from mlflow.store.model_registry import (
    SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
    SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
    SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD,
)
from mlflow.store.model_registry.abstract_store import AbstractStore
from mlflow.utils.search_utils import SearchModelUtils, SearchModelVersionUtils, SearchUtils

from mlgit.registry import read, state
from mlgit.registry.event import Event
from mlgit.registry.state import Artifact, Registry
from mlgit.tracking import addresses, model_names, registry_entities
from mlgit.tracking.refusals import found_by_mlflow, refuse, told_to_mlflow
from mlgit.tracking.unkept_features import Unkept

_REGISTER = "type `mlgit model register NAME`"
_RETIRE = "type `mlgit model retire NAME@VERSION`"
_PROMOTE = "type `mlgit model promote NAME@VERSION ENV`"
_DESCRIBE = "describe it in `artifacts:` of dvc.yaml, and in cards/NAME.yaml"
_IN_TAG = "what is said of a version stands in its tag, which does not change; `mlgit model show NAME` shows it"


class MlflowRegistry(AbstractStore):  # type: ignore[misc]
    """The registry of one repository. Tags are listed anew by every call, and read once."""

    def __init__(self, store_uri: str | None = None, tracking_uri: str | None = None) -> None:
        super().__init__(store_uri, tracking_uri)
        with told_to_mlflow():
            self._root = read.root_of(Path(addresses.folder_of(store_uri) or Path.cwd()).absolute())
        self._known: dict[str, Event] = {}

    def _registry(self) -> Registry:
        tags = read.tags(self._root, known=self._known)
        self._known = {event.ref: event for event in tags.events}
        return state.fold(tags.events, faults=tags.faults)

    def _artifact(self, name: str) -> Artifact:
        return model_names.artifact(self._registry(), name)

    def _version(self, artifact: Artifact, found: model_names.NumberedVersion) -> Any:
        return registry_entities.version(artifact, found, place=self._place)

    def _place(self, artifact: str, version: str) -> str:
        return addresses.artifacts_of(str(self._root), "registry", artifact, version)

    def search_registered_models(
        self,
        filter_string: str | None = None,
        max_results: int | None = SEARCH_REGISTERED_MODEL_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """A page of the models that match, by MLflow's grammar."""
        limit = _limit(max_results, SEARCH_REGISTERED_MODEL_MAX_RESULTS_THRESHOLD)
        with told_to_mlflow():
            artifacts = [each for each in self._registry().artifacts.values() if model_names.numbered(each)]
            models = [registry_entities.model(each, place=self._place) for each in artifacts]
        matching = SearchModelUtils.filter(models, add_prompt_filter_string(filter_string, is_prompt=False))
        return PagedList(*SearchUtils.paginate(SearchModelUtils.sort(matching, order_by), page_token, limit))

    def get_registered_model(self, name: str) -> Any:
        """A model by its name."""
        with found_by_mlflow():
            return registry_entities.model(self._artifact(name), place=self._place)

    def get_latest_versions(self, name: str, stages: list[str] | None = None) -> list[Any]:
        """The highest version, or what the stages name: versions (`v1.2.0`) and environments."""
        with found_by_mlflow():
            artifact = self._artifact(name)
            found = [model_names.in_stage(artifact, stage) for stage in stages] if stages else [model_names.latest(artifact)]
            return [self._version(artifact, each) for each in found if each]

    def get_model_version(self, name: str, version: str) -> Any:
        """A version by its number, or by its name."""
        with found_by_mlflow():
            artifact = self._artifact(name)
            return self._version(artifact, model_names.by_number(artifact, str(version)))

    def get_model_version_by_alias(self, name: str, alias: str) -> Any:
        """What is in an environment now."""
        with found_by_mlflow():
            artifact = self._artifact(name)
            return self._version(artifact, model_names.in_environment(artifact, alias))

    def get_model_version_download_uri(self, name: str, version: str) -> str:
        """Where the bytes of a version are."""
        with found_by_mlflow():
            artifact = self._artifact(name)
            found = model_names.by_number(artifact, str(version))
            return self._place(artifact.name, found.version.name)

    def search_model_versions(
        self,
        filter_string: str | None = None,
        max_results: int | None = SEARCH_MODEL_VERSION_MAX_RESULTS_DEFAULT,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> Any:
        """A page of the versions that match, by MLflow's grammar."""
        limit = _limit(max_results, SEARCH_MODEL_VERSION_MAX_RESULTS_THRESHOLD)
        with told_to_mlflow():
            versions = [
                self._version(artifact, each)
                for artifact in self._registry().artifacts.values()
                for each in model_names.numbered(artifact)
            ]
        matching = SearchModelVersionUtils.filter(versions, add_prompt_filter_string(filter_string, is_prompt=False))
        order = order_by or ["last_updated_timestamp DESC", "name ASC", "version_number DESC"]
        return PagedList(*SearchUtils.paginate(SearchModelVersionUtils.sort(matching, order), page_token, limit))

    create_webhook = Unkept("webhooks")
    get_webhook = Unkept("webhooks")
    update_webhook = Unkept("webhooks")
    delete_webhook = Unkept("webhooks")
    test_webhook = Unkept("webhooks")

    def list_webhooks(self, max_results: int | None = None, page_token: str | None = None) -> Any:
        """None: who wants to be told of a tag asks the host of the repository."""
        return PagedList([], None)

    def list_webhooks_by_event(self, event: Any, max_results: int | None = None, page_token: str | None = None) -> Any:
        """None, as above."""
        return PagedList([], None)

    def create_registered_model(
        self, name: str, tags: Any = None, description: str | None = None, deployment_job_id: str | None = None
    ) -> NoReturn:
        """Refused: a model has a name with its first version."""
        refuse("register models", _REGISTER.replace("NAME", name or "NAME"))

    def update_registered_model(self, name: str, description: str, deployment_job_id: str | None = None) -> NoReturn:
        """Refused: a model is described where it is declared."""
        refuse("describe models", _DESCRIBE)

    def rename_registered_model(self, name: str, new_name: str) -> NoReturn:
        """Refused: the name is in every tag."""
        refuse("rename models", "register the model under its new name, and retire the old one by `mlgit model retire NAME`")

    def delete_registered_model(self, name: str) -> NoReturn:
        """Refused: what was released stays in the history."""
        refuse("delete models", "type `mlgit model retire NAME`")

    def set_registered_model_tag(self, name: str, tag: Any) -> NoReturn:
        """Refused: a model is described where it is declared."""
        refuse("tag models", _DESCRIBE)

    def delete_registered_model_tag(self, name: str, key: str) -> NoReturn:
        """Refused: a model is described where it is declared."""
        refuse("take tags from models", _DESCRIBE)

    def create_model_version(
        self,
        name: str,
        source: str,
        run_id: str | None = None,
        tags: Any = None,
        run_link: str | None = None,
        description: str | None = None,
        local_model_path: str | None = None,
        model_id: str | None = None,
    ) -> NoReturn:
        """Refused: a version is a tag on the commit that made it."""
        refuse("register versions", _REGISTER.replace("NAME", name or "NAME"))

    def update_model_version(self, name: str, version: str, description: str | None = None) -> NoReturn:
        """Refused: tags do not change."""
        refuse("describe versions", _IN_TAG)

    def transition_model_version_stage(
        self, name: str, version: str, stage: str, archive_existing_versions: bool = False
    ) -> NoReturn:
        """Refused: promotion has a policy."""
        refuse("move versions between stages", _PROMOTE)

    def delete_model_version(self, name: str, version: str) -> NoReturn:
        """Refused: what was released stays in the history."""
        refuse("delete versions", _RETIRE)

    def set_model_version_tag(self, name: str, version: str, tag: Any) -> NoReturn:
        """Refused: tags of Git do not change."""
        refuse("tag versions", _IN_TAG)

    def delete_model_version_tag(self, name: str, version: str, key: str) -> NoReturn:
        """Refused: tags of Git do not change."""
        refuse("take tags from versions", _IN_TAG)

    def set_registered_model_alias(self, name: str, alias: str, version: str) -> NoReturn:
        """Refused: promotion has a policy."""
        refuse("put versions into environments", _PROMOTE.replace("ENV", alias or "ENV"))

    def delete_registered_model_alias(self, name: str, alias: str) -> NoReturn:
        """Refused: an environment is emptied by a tag."""
        refuse("empty environments", "type `mlgit model unassign NAME ENV`")


def _limit(max_results: Any, most: int) -> int:
    if not isinstance(max_results, int) or not 1 <= max_results <= most:
        raise MlflowException.invalid_parameter_value(f"max_results is {max_results}, and is to be from 1 to {most}")
    return max_results
