"""Runs sent to MLflow and brought from there again are what they were."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mlgit.commands.exp_export import export_experiments
from mlgit.errors import MlgitError
from mlgit.experiments import run_import
from mlgit.experiments.mlflow_files import MlflowFiles
from mlgit.experiments.mlflow_sqlite import MlflowDatabase
from mlgit.experiments.run import LoggedRun, MetricPoint
from mlgit.experiments.runs import RunStore
from tests.experiments.foreign_stores import RUN, file_store
from tests.kit import git, trials
from tests.kit.late import Late

tracking = Late("mlflow.tracking")


def _repository(folder: Path) -> RunStore:
    git(folder.parent, "init", "--quiet", str(folder))
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return RunStore(folder)


@pytest.fixture
def store(tmp_path) -> RunStore:
    """A repository with a run that measured a logged model of its own, and one nested in it."""
    store = _repository(tmp_path / "here")
    experiment = store.experiments.create("nets", tags={"team": "vision"})
    outer = store.create(experiment.id, name="outer", user="ada", start_time=1000, run_id=RUN)
    model = store.models.create(experiment.id, name="forest", source_run_id=RUN, params={"trees": "9"})
    store.models.finalize(model.id, status="READY")
    points = [MetricPoint("loss", 1 / (step + 1), 2000 + step, step) for step in range(1500)]
    points.append(MetricPoint("acc", 0.5, 2500, 1, model.id, "iris", "abcd"))
    store.log_batch(outer.id, metrics=points, params={f"p{each}": str(each) for each in range(150)}, tags={"note": "x"})
    (tmp_path / "a.txt").write_text("hello")
    store.artifacts.put(RUN, {"notes/a.txt": tmp_path / "a.txt"})
    store.update(RUN, status="FINISHED", end_time=4000)
    inner = store.create(experiment.id, name="inner", start_time=1500, tags={"mlflow.parentRunId": RUN})
    store.update(inner.id, status="FAILED", end_time=1600)
    return store


def _values(run: LoggedRun) -> LoggedRun:
    """A run without what differs by the store that it is in."""
    own = ("mlgit.run", "mlgit.commit", "mlflow.user", "mlflow.parentRunId", "mlflow.source", "mlflow.log-model")
    tags = {key: value for key, value in run.tags.items() if not key.startswith(own)}
    metrics = {key: replace(each, model_id="") for key, each in run.metrics.items()}
    return LoggedRun(
        "", "", run.name, run.user or "unknown", run.status, run.start_time, run.end_time, None, run.params, tags, metrics
    )


@pytest.mark.slow
def test_what_is_sent_comes_back_as_it_was(store, cli, tmp_path):
    told = cli(store.root, "exp", "export", f"sqlite:///{tmp_path}/mlflow.db").out
    assert "2 runs, 1 experiment, 1 logged model, 1 file" in told
    back = _repository(tmp_path / "back")
    run_import.bring(back, MlflowDatabase(tmp_path / "mlflow.db"), with_files=False)
    assert back.experiments.named("nets").tags == {"team": "vision"}
    before = {each.name: each for each in store.all()}
    after = {each.name: each for each in back.all()}
    assert {name: _values(each) for name, each in after.items()} == {name: _values(each) for name, each in before.items()}
    assert after["inner"].tags["mlflow.parentRunId"] == after["outer"].id
    assert len(back.history(after["outer"].id, "loss")) == 1500
    model = back.models.all()[0]
    assert (model.name, model.status, model.params, model.source_run_id) == (
        "forest",
        "READY",
        {"trees": "9"},
        after["outer"].id,
    )
    assert [(each.key, each.value) for each in model.metrics] == [("acc", 0.5)]


@pytest.mark.slow
def test_what_is_there_is_not_sent_again_and_what_changed_is(store, cli, tmp_path):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    cli(store.root, "exp", "export", uri)
    assert "nothing new (2 known already)" in cli(store.root, "exp", "export", uri).out
    RunStore(store.root).log_batch(RUN, tags={"late": "yes"})
    document = json.loads(cli(store.root, "exp", "export", uri, "--json").out)
    assert [document[key] for key in ("runs", "updated", "unchanged")] == [0, 1, 1]
    client = tracking.MlflowClient(tracking_uri=uri)
    shown = client.search_runs([client.get_experiment_by_name("nets").experiment_id])
    assert sorted(each.info.run_name for each in shown) == ["inner", "outer"]
    assert next(each for each in shown if each.info.run_name == "outer").data.tags["late"] == "yes"


@pytest.mark.slow
def test_trials_are_sent_as_runs(tmp_path, cli, monkeypatch):
    root = trials.project(tmp_path / "tried")
    trials.add(root, [{"train.lr": 0.2}, {"train.lr": 0.3}])
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    assert "2 runs, 1 experiment" in cli(root, "exp", "export", f"file://{tmp_path}/mlruns").out
    back = _repository(tmp_path / "back")
    run_import.bring(back, MlflowFiles(tmp_path / "mlruns"))
    assert sorted(each.params["train.lr"] for each in back.all()) == ["0.2", "0.3"]
    assert all(each.metrics and each.tags["mlgit.trial"] == each.name for each in back.all())


@pytest.mark.parametrize(
    ("uri", "options", "said"),
    [
        ("mlgit://", {}, "this very store"),
        ("sqlite:///x.db", {"experiments": ["odl"]}, "did you mean 'old'"),
        ("http://ada:secret@127.0.0.1:1", {}, "127.0.0.1"),
    ],
)
def test_export_that_cannot_be_is_refused(tmp_path, monkeypatch, uri, options, said):
    store = _repository(tmp_path / "here")
    run_import.bring(store, MlflowFiles(file_store(tmp_path / "mlruns")))
    monkeypatch.chdir(store.root)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(MlgitError) as caught:
        export_experiments(uri, **options)
    assert said in caught.value.message
    assert "secret" not in caught.value.message
