"""What a client does to a store of MLflow, and what it is told: played on two stores, it has to give the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

NOW = 1_700_000_000_000


class Played:
    """One store, and what it said so far. Ids are told by the names of what they belong to, since each store makes its own."""

    def __init__(self, store: Any) -> None:
        self.store = store
        self.names: dict[str, str] = {"0": "Default"}
        self.said: list[tuple[str, Any]] = []

    def note(self, what: str, value: Any) -> None:
        """Keep an answer."""
        self.said.append((what, self._plain(value)))

    def refused(self, what: str, call: Callable[[], Any]) -> None:
        """Keep the code of a refusal."""
        from mlflow.exceptions import MlflowException

        try:
            self.said.append((what, ("answered", self._plain(call()))))
        except MlflowException as error:
            self.said.append((what, ("refused", error.error_code)))

    def _plain(self, value: Any, field: str = "") -> Any:
        kind = type(value).__name__
        if kind in _FIELDS:
            return (kind, {name: self._plain(getattr(value, name), name) for name in _FIELDS[kind]})
        if isinstance(value, dict):
            return {key: self._plain(each) for key, each in sorted(value.items())}
        if isinstance(value, set | frozenset):
            return sorted(map(repr, value))
        if isinstance(value, list | tuple):
            return [self._plain(each) for each in value]
        if isinstance(value, float) and math.isnan(value):
            return "NaN"
        is_id = isinstance(value, str) and (field == "experiment_id" or len(value) >= 32)
        return self.names.get(value, value) if is_id else value


_FIELDS = {
    "Experiment": ("experiment_id", "name", "lifecycle_stage", "tags"),
    "Run": ("info", "data", "inputs", "outputs"),
    "RunInfo": ("run_id", "experiment_id", "run_name", "user_id", "status", "start_time", "end_time", "lifecycle_stage"),
    "RunData": ("metrics", "params", "tags"),
    "RunInputs": ("dataset_inputs", "model_inputs"),
    "RunOutputs": ("model_outputs",),
    "DatasetInput": ("dataset", "tags"),
    "Dataset": ("name", "digest", "source_type", "source", "schema", "profile"),
    "InputTag": ("key", "value"),
    "LoggedModelInput": ("model_id",),
    "LoggedModelOutput": ("model_id", "step"),
    "LoggedModel": (
        *("experiment_id", "model_id", "name", "model_type", "source_run_id", "status", "tags", "params", "metrics"),
        "model_uri",
    ),
    "Metric": ("key", "value", "timestamp", "step", "model_id", "dataset_name", "dataset_digest", "run_id"),
    "MetricWithRunId": ("key", "value", "timestamp", "step", "run_id"),
    "_DatasetSummary": ("experiment_id", "name", "digest", "context"),
}


def play(store: Any) -> list[tuple[str, Any]]:
    """The whole story."""
    played = Played(store)
    experiments(played)
    runs(played)
    inputs(played)
    models(played)
    deletions(played)
    return played.said


def experiments(played: Played) -> None:
    """Experiments are made, found, renamed, tagged, deleted and restored."""
    from mlflow.entities import ExperimentTag, ViewType

    store = played.store
    for name in ("churn", "fraud", "Ünïcode / and: signs"):
        made = store.create_experiment(name, None, [ExperimentTag("team", "ada"), ExperimentTag("n", "1")])
        played.names[made] = name
        played.note("made", store.get_experiment(made))
    churn = store.get_experiment_by_name("churn").experiment_id
    fraud = store.get_experiment_by_name("fraud").experiment_id
    played.refused("same name", lambda: store.create_experiment("churn", None, []))
    played.refused("no name", lambda: store.create_experiment("", None, []))
    played.refused("long name", lambda: store.create_experiment("x" * 501, None, []))
    played.refused("unknown id", lambda: store.get_experiment("123456"))
    played.note("unknown name", store.get_experiment_by_name("none"))
    store.set_experiment_tag(churn, ExperimentTag("team", "bea"))
    store.delete_experiment_tag(churn, "n")
    played.refused("tag that is not there", lambda: store.delete_experiment_tag(churn, "n"))
    store.rename_experiment(fraud, "fraud 2")
    played.refused("name taken", lambda: store.rename_experiment(fraud, "churn"))
    played.note("renamed", store.get_experiment_by_name("fraud 2"))
    store.delete_experiment(fraud)
    played.refused("delete twice", lambda: store.delete_experiment(fraud))
    played.refused("rename deleted", lambda: store.rename_experiment(fraud, "x"))
    played.refused("tag deleted", lambda: store.set_experiment_tag(fraud, ExperimentTag("a", "b")))
    played.refused("run in deleted", lambda: store.create_run(fraud, "ada", NOW, [], "x"))
    played.refused("name of deleted", lambda: store.create_experiment("fraud 2", None, []))
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        played.note(f"view {view}", store.search_experiments(view, 10, order_by=["name ASC"]))
    store.restore_experiment(fraud)
    played.refused("restore twice", lambda: store.restore_experiment(fraud))
    for text in ("name = 'churn'", "name LIKE 'fr%'", "tags.team = 'ada'", "name ILIKE '%CHURN%'", "tags.team != 'ada'"):
        played.note(text, store.search_experiments(filter_string=text, order_by=["name DESC"]))
    page = store.search_experiments(max_results=2, order_by=["name"])
    played.note("page", page)
    played.note("next page", store.search_experiments(max_results=2, order_by=["name"], page_token=page.token))


def runs(played: Played) -> None:
    """Runs are begun, logged to, ended and edited."""
    from mlflow.entities import Metric, Param, RunStatus, RunTag

    store = played.store
    churn = store.get_experiment_by_name("churn").experiment_id
    run = store.create_run(churn, "ada", NOW, [RunTag("mlflow.source.name", "train.py")], "first")
    run_id = run.info.run_id
    played.names[run_id] = "first"
    played.note("begun", run)
    store.log_batch(
        run_id, [Metric("auc", 0.5, NOW, 0), Metric("auc", 0.7, NOW + 1, 1)], [Param("lr", "0.1")], [RunTag("a", "b")]
    )
    store.log_param(run_id, Param("depth", "3"))
    store.log_param(run_id, Param("lr", "0.1"))
    store.set_tag(run_id, RunTag("a", "c"))
    store.set_tag(run_id, RunTag("empty", ""))
    for step, value in enumerate([1.0, math.nan, 0.25, 1e300, -0.0]):
        store.log_metric(run_id, Metric("loss", value, NOW + 10 - step, step))
    store.log_metric(run_id, Metric("auc", 0.7, NOW + 1, 1))
    store.log_metric(run_id, Metric("auc", 0.6, NOW + 1, 1))
    store.log_metric(run_id, Metric("auc", 0.9, NOW + 5, 0))
    store.log_metric(run_id, Metric("nan", math.nan, NOW, 0))
    played.note("logged", store.get_run(run_id))
    for key in ("auc", "loss", "none"):
        played.note(f"history of {key}", store.get_metric_history(run_id, key))
    page = store.get_metric_history(run_id, "loss", 2)
    played.note("page of history", page)
    played.note("rest of history", store.get_metric_history(run_id, "loss", 9, page.token))
    played.note("sampled", store.get_metric_history_bulk_interval([run_id], "auc", 10, None, None))
    played.note("from steps", store.get_metric_history_bulk_interval_from_steps(run_id, "loss", [0, 2, 9], 10))
    played.note("bulk", store.get_metric_history_bulk([run_id], "auc", 2))
    played.refused("other value", lambda: store.log_param(run_id, Param("lr", "0.2")))
    played.refused("other value in a batch", lambda: store.log_batch(run_id, [Metric("x", 1, NOW, 0)], [Param("lr", "9")], []))
    played.refused("one key twice", lambda: store.log_batch(run_id, [], [Param("p", "1"), Param("p", "2")], []))
    played.refused("bad key", lambda: store.log_metric(run_id, Metric("../x", 1.0, NOW, 0)))
    played.refused("no number", lambda: store.log_metric(run_id, Metric("x", "one", NOW, 0)))
    played.refused("unknown run", lambda: store.get_run("f" * 32))
    played.refused("no id", lambda: store.log_batch("../../x", [], [], []))
    store.delete_tag(run_id, "a")
    played.refused("tag that is not there", lambda: store.delete_tag(run_id, "a"))
    played.note("ended", store.update_run_info(run_id, RunStatus.FINISHED, NOW + 100, None))
    store.log_metric(run_id, Metric("late", 1.0, NOW + 200, 0))
    store.set_tag(run_id, RunTag("late", "yes"))
    played.note("renamed", store.update_run_info(run_id, None, None, "first again"))
    store.set_tag(run_id, RunTag("mlflow.runName", "first, at last"))
    played.note("edited", store.get_run(run_id))
    played.refused("two names", lambda: store.create_run(churn, "ada", NOW, [RunTag("mlflow.runName", "a")], "b"))
    child = store.create_run(churn, "ada", NOW + 1, [RunTag("mlflow.parentRunId", run_id)], "child")
    played.names[child.info.run_id] = "child"
    store.update_run_info(child.info.run_id, RunStatus.FAILED, NOW + 2, None)
    played.note("child", store.get_run(child.info.run_id))


def inputs(played: Played) -> None:
    """Datasets that runs used."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    store = played.store
    churn = store.get_experiment_by_name("churn").experiment_id
    [first] = [each for each in played.names if played.names[each] == "first"]
    train = DatasetInput(Dataset("customers", "d1", "local", "{}", "{}", None), [InputTag("mlflow.data.context", "train")])
    again = DatasetInput(Dataset("customers", "d1", "http", "{}"), [InputTag("mlflow.data.context", "eval")])
    store.log_inputs(first, [train, again])
    store.log_inputs(first, [again])
    store.log_inputs(first, [DatasetInput(Dataset("customers", "d2", "local", "{}"), [])])
    played.note("inputs", sorted(played._plain(store.get_run(first).inputs.dataset_inputs), key=repr))
    played.note("summaries", sorted(played._plain(store._search_datasets([churn])), key=repr))


def models(played: Played) -> None:
    """Logged models with their metrics."""
    from mlflow.entities import (
        LoggedModelInput,
        LoggedModelOutput,
        LoggedModelParameter,
        LoggedModelStatus,
        LoggedModelTag,
        Metric,
    )

    store = played.store
    churn = store.get_experiment_by_name("churn").experiment_id
    [first] = [each for each in played.names if played.names[each] == "first"]
    made = []
    for name in ("forest", "boost"):
        model = store.create_logged_model(
            churn, name, first, [LoggedModelTag("t", name)], [LoggedModelParameter("p", "1")], "sk"
        )
        played.names |= {model.model_id: name, model.model_uri: f"uri of {name}"}
        made.append(model.model_id)
        played.note("model made", model)
    forest, boost = made
    store.finalize_logged_model(forest, LoggedModelStatus.READY)
    store.set_logged_model_tags(forest, [LoggedModelTag("t", "x"), LoggedModelTag("u", "y")])
    store.log_logged_model_params(forest, [LoggedModelParameter("q", "2")])
    store.delete_logged_model_tag(forest, "u")
    played.refused("tag that is not there", lambda: store.delete_logged_model_tag(forest, "u"))
    points = [Metric("acc", 0.8, NOW, 0, forest, "customers", "d1"), Metric("acc", 0.6, NOW, 0, boost, "customers", "d1")]
    store.log_batch(first, points, [], [])
    store.log_outputs(first, [LoggedModelOutput(forest, 1), LoggedModelOutput(boost, 2)])
    store.log_inputs(first, None, [LoggedModelInput(forest)])
    outputs = sorted(store.get_run(first).outputs.model_outputs, key=lambda each: each.step)
    played.note("models of the run", [store.get_run(first).inputs.model_inputs, outputs])
    played.note("forest", store.get_logged_model(forest))
    for text in ("name = 'forest'", "metrics.acc > 0.7", "params.p = '1'", "tags.t = 'x'", "status = 'READY'"):
        played.note(text, store.search_logged_models([churn], text, order_by=[{"field_name": "name"}]))
    order = [{"field_name": "metrics.acc", "ascending": False}]
    page = store.search_logged_models([churn], None, None, 1, order)
    played.note("page", page)
    played.note("next page", store.search_logged_models([churn], None, None, 1, order, page.token))
    data = [{"dataset_name": "customers", "dataset_digest": "d1"}]
    played.note("on data", store.search_logged_models([churn], "metrics.acc > 0.7", data))
    store.delete_logged_model(boost)
    played.refused("deleted", lambda: store.get_logged_model(boost))
    played.note("deleted, asked for", store.get_logged_model(boost, allow_deleted=True))
    played.refused("unknown model", lambda: store.get_logged_model("m-" + "0" * 32))


def deletions(played: Played) -> None:
    """Runs are deleted and restored, alone and with their experiment."""
    from mlflow.entities import Metric, ViewType

    store = played.store
    churn = store.get_experiment_by_name("churn").experiment_id
    [first] = [each for each in played.names if played.names[each] == "first"]
    store.delete_run(first)
    played.note("deleted", store.get_run(first).info)
    played.refused("log to deleted", lambda: store.log_metric(first, Metric("x", 1.0, NOW, 0)))
    for view in (ViewType.ACTIVE_ONLY, ViewType.DELETED_ONLY, ViewType.ALL):
        played.note(f"view {view}", [each.info for each in store.search_runs([churn], "", view)])
    store.restore_run(first)
    played.note("restored", store.get_run(first).info)
    store.delete_experiment(churn)
    played.note("gone with it", [each.info for each in store.search_runs([churn], "", ViewType.ALL)])
    store.restore_experiment(churn)
    played.note("back with it", [each.info for each in store.search_runs([churn], "", ViewType.ALL)])
