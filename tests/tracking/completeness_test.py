"""MLflow does not enforce that a store has all methods: what its client, server and stores call is looked for here."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import pytest

from mlgit.tracking.unkept_features import Unkept
from tests.kit.late import Module

pytestmark = pytest.mark.slow  # MLflow is imported, and its source is read

stores = Module("mlgit.tracking.tracking_store")
registries = Module("mlgit.tracking.registry_store")

# Methods of the interface that are made of others, or that ask for what this store has none of.
BUILT_ON_OTHERS = {
    *("log_metric", "log_param", "set_tag", "log_metric_async", "log_param_async", "set_tag_async", "log_batch_async"),
    *("search_runs", "end_async_logging", "flush_async_logging", "shut_down_async_logging", "delete_traces"),
    *("_evenly_spaced_indices", "set_model_versions_tags", "list_scorers_across_experiments", "filter_active_experiment_ids"),
    "resolve_trace_archival_config",
}
OF_DATABRICKS = {"get_host_creds"}


def _features() -> set[str]:
    """What the gateway and the MCP registry of MLflow add: features of its own server."""
    from mlflow.store.tracking.gateway import GatewayStoreMixin
    from mlflow.store.tracking.mcp_server_registry import MCPServerRegistryMixin

    return {name for mixin in (GatewayStoreMixin, MCPServerRegistryMixin) for name in vars(mixin)}


def _owner(store: type, name: str) -> str:
    return next((each.__module__ for each in store.__mro__ if name in vars(each)), "")


def test_every_method_of_the_tracking_store_is_here_or_built_on_those_that_are():
    from mlflow.store.tracking.abstract_store import AbstractStore

    asked = {name for name, each in vars(AbstractStore).items() if inspect.isfunction(each) or isinstance(each, staticmethod)}
    inherited = {name for name in asked if not _owner(stores.MlflowTracking, name).startswith("mlgit")} - {"__init__"}
    assert inherited == BUILT_ON_OTHERS


def test_every_method_of_the_registry_is_here_or_of_prompts():
    from mlflow.store.model_registry.abstract_store import AbstractStore

    asked = {name for name, each in vars(AbstractStore).items() if inspect.isfunction(each) and not name.startswith("_")}
    inherited = {name for name in asked if not _owner(registries.MlflowRegistry, name).startswith("mlgit")}
    assert {name for name in inherited if "prompt" not in name} == {"copy_model_version"}  # which creates a version


def test_every_method_takes_what_mlflow_hands_it():
    from mlflow.store.model_registry.sqlalchemy_store import SqlAlchemyStore as SqlRegistry
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    different = []
    for ours, theirs in ((stores.MlflowTracking, SqlAlchemyStore), (registries.MlflowRegistry, SqlRegistry)):
        for name in dir(ours):
            mine, other = inspect.getattr_static(ours, name), getattr(theirs, name, None)
            if not (inspect.isfunction(mine) and inspect.isfunction(other) and _owner(ours, name).startswith("mlgit")):
                continue
            if name != "__init__" and not _fits(mine, other):
                different.append((name, str(inspect.signature(mine)), str(inspect.signature(other))))
    assert different == []


def _fits(mine: Any, other: Any) -> bool:
    """Whether a call that the other takes is one that mine takes: the same names, in the same order, as many of them needed."""
    own, asked = (list(inspect.signature(each).parameters.values()) for each in (mine, other))
    names = [each.name for each in own]
    needed = [each.name for each in own if each.default is each.empty]
    return names[: len(asked)] == [each.name for each in asked] and len(needed) <= sum(
        each.default is each.empty for each in asked
    )


def _called(path: Path) -> set[str]:
    """The names that a file of MLflow looks up on a store: `self.store.X`, `store.X`, `_get_tracking_store().X`."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (
            "self.store",
            "_get_tracking_store()",
            "_get_store()",
        ):
            found.add(node.attr)
    return found


def test_everything_that_client_and_server_call_is_answered():
    import mlflow

    top = Path(mlflow.__file__).parent
    files = [top / "tracking/_tracking_service/client.py", *(top / "server").rglob("*.py"), *(top / "tracking").glob("*.py")]
    called = set().union(*map(_called, files)) - _features() - OF_DATABRICKS
    assert len(called) > 35
    lacking = {name for name in called if not _owner(stores.MlflowTracking, name)}
    assert {name for name in lacking if not name.startswith("deprecated_")} == set()


def test_everything_that_the_registry_client_calls_is_answered():
    import mlflow

    called = _called(Path(mlflow.__file__).parent / "tracking/_model_registry/client.py")
    lacking = {name for name in called if not _owner(registries.MlflowRegistry, name)}
    assert lacking <= {"get_model_version_stages"}  # which MLflow's own stores have not, either


def test_what_is_not_kept_is_refused_with_one_sentence_whatever_it_is_called_with(tmp_path):
    from mlflow.exceptions import MlflowException

    names = [
        name for name in dir(stores.MlflowTracking) if isinstance(inspect.getattr_static(stores.MlflowTracking, name), Unkept)
    ]
    assert len(names) > 40
    store = object.__new__(stores.MlflowTracking)
    for name in names:
        with pytest.raises(MlflowException, match=r"mlgit:// keeps runs.*another tracking server") as caught:
            getattr(store, name)
        assert caught.value.error_code == "NOT_IMPLEMENTED"


def test_lacking_method_would_be_noticed():
    class Lacking:
        def get_run(self, run_id: str) -> None: ...

    assert _owner(Lacking, "get_run")
    assert _owner(Lacking, "delete_tag") == ""
    assert not _fits(lambda self, run: None, lambda self, run_id: None)
    assert not _fits(lambda self, run_id, more: None, lambda self, run_id, more=None: None)
