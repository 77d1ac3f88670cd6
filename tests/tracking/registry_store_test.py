"""MLflow's registry on tags of Git: what clients ask for, and that nothing is written."""

from __future__ import annotations

import inspect

import pytest

from mlgit.registry import tag_message
from mlgit.registry.tag_message import Body
from tests.kit import git
from tests.kit.late import Late
from tests.registry import histories

Registry = Late("mlgit.tracking.registry_store")
FACTS = {
    "mlgit": 1,
    "model": {"path": "models/churn.skops", "md5": "a" * 32, "format": "skops"},
    "metrics": {"auc": {"value": 0.91, "n": 10}, "loss": 0.5, "note": "x"},
    "gate": {"verdict": "pass"},
}


@pytest.fixture
def history(tmp_path):
    """Three versions of a model, the highest registered second, and two environments; a model of a subfolder."""
    root = tmp_path / "repo"
    root.mkdir()
    commits = histories.commits(root)
    text = tag_message.render(Body("Registering churn v1.0.0", "The first", FACTS))
    histories.tag(root, "churn@v1.0.0", commits[0], when=1_700_000_000, text=text)
    histories.tag(root, "churn@v2.0.0", commits[1], when=1_700_000_100)
    histories.tag(root, "churn@v1.1.0", commits[2], when=1_700_000_200)
    histories.tag(root, "churn#prod#1", commits[0], when=1_700_000_300)
    histories.tag(root, "churn#staging#2", commits[2], when=1_700_000_400)
    histories.tag(root, "models/nlp=seg@v0.1.0", commits[3], when=1_700_000_500)
    return root


@pytest.fixture
def store(history):
    return Registry.MlflowRegistry(f"mlgit://{history}")


def test_numbers_are_the_order_of_registration(store):
    found = store.search_model_versions("name = 'churn'", 10, ["version_number ASC"])
    assert [(each.version, each.tags["mlgit.version"]) for each in found] == [(1, "v1.0.0"), (2, "v2.0.0"), (3, "v1.1.0")]


def test_version_registered_again_keeps_its_number(store, history):
    histories.tag(history, "churn@v1.0.0!", "churn@v1.0.0^{commit}", when=1_700_001_000)
    histories.tag(history, "churn@v1.0.0#9", "churn@v1.0.0^{commit}", when=1_700_001_100)
    assert store.get_model_version("churn", "1").tags["mlgit.version"] == "v1.0.0"
    assert store.get_model_version("churn", "3").tags["mlgit.version"] == "v1.1.0"


def test_alias_is_what_is_in_an_environment(store):
    assert store.get_model_version_by_alias("churn", "prod").version == 1
    assert store.get_model_version_by_alias("churn", "staging").tags["mlgit.version"] == "v1.1.0"


@pytest.mark.parametrize(
    ("stages", "versions"), [(None, [2]), (["v1.1.0"], [3]), (["1.0.0"], [1]), (["prod"], [1]), (["Production"], [])]
)
def test_stage_is_a_version_or_an_environment_and_latest_the_highest(store, stages, versions):
    assert [each.version for each in store.get_latest_versions("churn", stages)] == versions


def test_what_a_tag_records_is_shown(store):
    found = store.get_model_version("churn", "1")
    assert (found.description, found.user_id, found.aliases) == ("The first", "Ada Example", ["prod"])
    assert {each.key: each.value for each in found.metrics} == {"auc": 0.91, "loss": 0.5}
    assert found.tags["mlgit.gate"] == "pass"
    assert found.creation_timestamp == 1_700_000_000_000
    assert found.last_updated_timestamp == 1_700_000_300_000
    assert found.to_proto().version == "1"


def test_model_shows_its_environments_and_its_highest_version(store):
    found = store.get_registered_model("churn")
    assert (found.aliases, found.latest_versions[0].version) == ({"prod": "1", "staging": "3"}, 2)
    assert found.to_proto().name == "churn"


def test_model_of_a_subfolder_has_a_name_that_mlflow_takes(store):
    assert [each.name for each in store.search_registered_models()] == ["churn", "models.nlp=seg"]
    assert store.get_registered_model("models.nlp=seg").tags["mlgit.name"] == "models/nlp:seg"
    assert store.get_model_version("models/nlp:seg", "1").name == "models.nlp=seg"


def test_models_are_filtered_ordered_and_paged(store):
    first = store.search_registered_models(None, 1, ["name DESC"])
    second = store.search_registered_models(None, 1, ["name DESC"], first.token)
    assert ([each.name for each in first], [each.name for each in second], second.token) == (
        ["models.nlp=seg"],
        ["churn"],
        None,
    )
    assert [each.name for each in store.search_registered_models("name LIKE 'ch%'")] == ["churn"]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda store: store.get_registered_model("chrun"), "did you mean 'churn'"),
        (lambda store: store.get_model_version("churn", "9"), "1 is v1.0.0, 2 is v2.0.0"),
        (lambda store: store.get_model_version_by_alias("churn", "prd"), "did you mean 'prod'"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(store, ask, said):
    from mlflow.exceptions import MlflowException

    with pytest.raises(MlflowException) as caught:
        ask(store)
    assert said in str(caught.value)
    assert caught.value.error_code == "RESOURCE_DOES_NOT_EXIST"


def test_commit_in_an_environment_that_is_no_version_says_how_it_becomes_one(store, history):
    histories.tag(history, "churn#prod#9", "main", when=1_700_002_000)
    with pytest.raises(Exception, match="mlgit model register churn"):
        store.get_model_version_by_alias("churn", "prod")


def test_every_method_that_writes_is_refused_with_a_line_to_type(store, history):
    from mlflow.exceptions import MlflowException

    before = git(history, "for-each-ref")
    words = ("create_registered", "update_", "rename_", "delete_", "set_", "create_model", "transition_")
    writing = [name for name, each in vars(type(store)).items() if name.startswith(words) and inspect.isfunction(each)]
    assert len(writing) == 14
    for name in writing:
        method = getattr(store, name)
        with pytest.raises(MlflowException) as caught:
            method(*["x"] * len([each for each in inspect.signature(method).parameters.values() if each.default is each.empty]))
        assert caught.value.error_code == "PERMISSION_DENIED"
    assert git(history, "for-each-ref") == before


def test_tags_written_meanwhile_are_seen(store, history):
    assert store.get_registered_model("churn").latest_versions[0].version == 2
    histories.tag(history, "churn@v3.0.0", "main", when=1_700_003_000)
    assert store.get_registered_model("churn").latest_versions[0].version == 4


def test_client_resolves_models_by_alias_version_number_and_latest(tracked, history):
    tracked.set_tracking_uri("sqlite://")
    tracked.set_registry_uri(f"mlgit://{history}")
    from mlflow.store.artifact.models_artifact_repo import ModelsArtifactRepository

    uris = {
        word: ModelsArtifactRepository.get_underlying_uri(f"models:/churn{word}")
        for word in ("@prod", "/v1.1.0", "/2", "/latest")
    }
    ends = {word: uri.rpartition("/")[2] for word, uri in uris.items()}
    assert ends == {"@prod": "v1.0.0", "/v1.1.0": "v1.1.0", "/2": "v2.0.0", "/latest": "v2.0.0"}
