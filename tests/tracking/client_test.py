"""What people do with MLflow, on a repository: autologging, nested and resumed runs, datasets, models, system metrics."""

from __future__ import annotations

import json
import time

import pytest

from tests.kit import commit, git, repository, write_tree
from tests.kit.late import Module

pytestmark = pytest.mark.slow  # MLflow and scikit-learn are imported

np, pd = Module("numpy"), Module("pandas")


@pytest.fixture
def project(tmp_path, tracked, monkeypatch):
    """A repository to log to, in which one is."""
    (tmp_path / "repo").mkdir()
    root = repository(tmp_path / "repo", {"train.py": "print(1)\n"})
    monkeypatch.chdir(root)
    tracked.set_tracking_uri("mlgit://")
    return root


def found(tracked, run_id):
    return tracked.MlflowClient().get_run(run_id)


def test_run_begins_and_ends_and_has_no_path_of_this_machine(project, tracked):
    with tracked.start_run(run_name="first") as run:
        tracked.log_params({"depth": 3, "name": "tree"})
        tracked.log_metric("auc", 0.5, step=1)
        tracked.log_metric("auc", 0.75, step=2)
        tracked.set_tag("team", "ada")
        assert found(tracked, run.info.run_id).info.status == "RUNNING"
    ended = found(tracked, run.info.run_id)
    assert (ended.info.status, ended.data.params, ended.data.metrics) == (
        "FINISHED",
        {"depth": "3", "name": "tree"},
        {"auc": 0.75},
    )
    kept = git(project, "show", f"refs/mlgit/runs/{run.info.run_id}:run.json")
    assert str(project) not in kept
    assert ended.info.artifact_uri == f"mlgit://{project}/+runs/{run.info.run_id}"


def test_artifacts_of_any_depth_are_listed_and_read(project, tracked, tmp_path):
    write_tree(tmp_path / "out", {"a.txt": "a", "deep/er/b.bin": bytes(range(256)) * 1000, "empty": ""})
    with tracked.start_run() as run:
        tracked.log_artifacts(tmp_path / "out", "folder")
        tracked.log_dict({"a": 1}, "conf.json")
        tracked.log_artifact(tmp_path / "out/a.txt")
    client = tracked.MlflowClient()
    rows = {
        each.path: each.file_size
        for path in (None, "folder", "folder/deep")
        for each in client.list_artifacts(run.info.run_id, path)
    }
    assert rows == {
        "a.txt": 1,
        "conf.json": 12,
        "folder": None,
        "folder/a.txt": 1,
        "folder/deep": None,
        "folder/deep/er": None,
        "folder/empty": 0,
    }
    assert client.list_artifacts(run.info.run_id, "a.txt") == []
    there = tracked.artifacts.download_artifacts(f"runs:/{run.info.run_id}/folder", dst_path=str(tmp_path / "back"))
    assert {
        path.relative_to(there).as_posix(): path.read_bytes() for path in (tmp_path / "back").rglob("*") if path.is_file()
    } == {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc"])
def test_artifact_path_that_leads_out_is_refused(project, tracked, path):
    with tracked.start_run(), pytest.raises(Exception, match=r"artifact path|no path of"):
        tracked.log_text("x", f"{path}/y")


def test_nested_runs_name_their_parent(project, tracked):
    with tracked.start_run() as parent, tracked.start_run(nested=True) as child:
        tracked.log_metric("x", 1)
    assert found(tracked, child.info.run_id).data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert [
        each.info.run_id
        for each in tracked.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", output_format="list")
    ] == [child.info.run_id]


def test_run_is_resumed_and_logged_to_after_its_end(project, tracked):
    with tracked.start_run() as run:
        tracked.log_metric("x", 1, step=0)
    with tracked.start_run(run_id=run.info.run_id):
        tracked.log_metric("x", 2, step=1)
        tracked.log_param("late", 1)
    client = tracked.MlflowClient()
    client.log_metric(run.info.run_id, "x", 3, step=2)
    client.log_text(run.info.run_id, "late", "late.txt")
    assert [each.value for each in client.get_metric_history(run.info.run_id, "x")] == [1, 2, 3]
    ended = found(tracked, run.info.run_id)
    assert (ended.info.status, ended.data.params) == ("FINISHED", {"late": "1"})
    assert tracked.artifacts.load_text(f"runs:/{run.info.run_id}/late.txt") == "late"
    assert int(git(project, "rev-list", "--count", f"refs/mlgit/runs/{run.info.run_id}", "--not", "main")) > 1


def test_script_that_raises_within_a_run_leaves_it_failed(project, tracked):
    with pytest.raises(ZeroDivisionError), tracked.start_run() as run:
        tracked.log_metric("x", 1 / 0)
    assert found(tracked, run.info.run_id).info.status == "FAILED"


def test_code_with_uncommitted_changes_is_kept_as_a_tree(project, tracked):
    write_tree(project, {"train.py": "print(2)\n", "untracked.py": "print(3)\n"})
    before = git(project, "status", "--porcelain")
    with tracked.start_run() as run:
        tracked.log_metric("x", 1)
    ref = f"refs/mlgit/runs/{run.info.run_id}"
    assert git(project, "show", f"{ref}:code/train.py") == "print(2)"
    assert "untracked.py" not in git(project, "ls-tree", "-r", "--name-only", ref)
    assert git(project, "status", "--porcelain") == before
    assert git(project, "rev-list", "--max-parents=0", ref) == git(project, "rev-list", "--max-parents=0", "main")
    commit(project)


def test_datasets_are_told_by_the_run_and_found_by_their_names(project, tracked):
    data = tracked.data.from_pandas(pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]}), name="customers", targets="y")
    with tracked.start_run() as run:
        tracked.log_input(data, context="training")
    [told] = found(tracked, run.info.run_id).inputs.dataset_inputs
    assert (told.dataset.name, told.dataset.digest, told.tags[0].value) == ("customers", data.digest, "training")
    assert json.loads(told.dataset.profile)["num_rows"] == 2
    assert len(tracked.search_runs(filter_string="dataset.name = 'customers'")) == 1


def test_sklearn_is_logged_by_itself_and_its_model_loaded_again(project, tracked):
    from sklearn.linear_model import LogisticRegression

    rows, labels = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    tracked.sklearn.autolog(silent=True, log_datasets=True)
    try:
        with tracked.start_run() as run:
            LogisticRegression(C=0.5).fit(rows, labels)
    finally:
        tracked.sklearn.autolog(disable=True, silent=True)
    logged = found(tracked, run.info.run_id)
    assert (logged.data.params["C"], logged.data.metrics["training_accuracy_score"]) == ("0.5", 1.0)
    [output] = logged.outputs.model_outputs
    model = tracked.get_logged_model(output.model_id)
    assert (model.source_run_id, str(model.status), model.params["C"]) == (run.info.run_id, "READY", "0.5")
    assert list(tracked.sklearn.load_model(f"models:/{output.model_id}").predict(rows)) == [0, 0, 1, 1]
    assert list(tracked.pyfunc.load_model(f"runs:/{run.info.run_id}/model").predict(rows)) == [0, 0, 1, 1]
    assert [each.model_id for each in tracked.search_logged_models(output_format="list")] == [output.model_id]


def test_model_logged_within_a_run_has_the_metrics_that_speak_of_it(project, tracked):
    with tracked.start_run():
        model = tracked.create_external_model(name="forest", model_type="sk", params={"trees": "10"})
        tracked.log_metric("acc", 0.9, model_id=model.model_id)
    [told] = tracked.get_logged_model(model.model_id).metrics
    assert (told.key, told.value, told.model_id) == ("acc", 0.9, model.model_id)
    assert len(tracked.search_logged_models(filter_string="metrics.acc > 0.8", output_format="list")) == 1


def test_metrics_of_the_system_are_logged_beside_others(project, tracked):
    pytest.importorskip("psutil")
    tracked.set_system_metrics_sampling_interval(0.1)
    try:
        with tracked.start_run(log_system_metrics=True) as run:
            until = time.monotonic() + 30
            while time.monotonic() < until and not _of_system(tracked, run):
                time.sleep(0.05)
    finally:
        tracked.set_system_metrics_sampling_interval(None)
    assert "system/cpu_utilization_percentage" in _of_system(tracked, run)


def _of_system(tracked, run):
    return [key for key in found(tracked, run.info.run_id).data.metrics if key.startswith("system/")]


def test_asynchronous_logging_arrives(project, tracked):
    with tracked.start_run() as run:
        for step in range(20):
            tracked.log_metric("x", step, step=step, synchronous=False)
        tracked.flush_async_logging()
    assert len(tracked.MlflowClient().get_metric_history(run.info.run_id, "x")) == 20


def test_runs_of_a_stage_belong_to_it_and_others_to_who_is_named(project, tracked, monkeypatch):
    monkeypatch.setenv("MLGIT_STAGE", "train")
    with tracked.start_run() as run:
        tracked.log_metric("x", 1)
    mine = tracked.get_experiment_by_name("train")
    assert found(tracked, run.info.run_id).info.experiment_id == mine.experiment_id
    tracked.set_experiment("mine")
    with tracked.start_run() as other:
        tracked.log_metric("x", 1)
    named = found(tracked, other.info.run_id)
    assert (tracked.get_experiment(named.info.experiment_id).name, named.data.tags["mlgit.stage"]) == ("mine", "train")


def test_experiment_has_the_same_id_in_every_clone(project, tracked, tmp_path):
    made = tracked.create_experiment("churn")
    (tmp_path / "other").mkdir()
    tracked.set_tracking_uri(f"mlgit://{repository(tmp_path / 'other')}")
    assert tracked.create_experiment("churn") == made


def test_newest_experiment_comes_first_whichever_was_changed_last(project, tracked):
    store = tracked.tracking._tracking_service.utils._get_store()
    made = [store._runs.experiments.create(name, when=when).id for when, name in enumerate(("old", "new"), 1)]
    store.rename_experiment(made[0], "older")
    assert [each.name for each in tracked.search_experiments()] == ["new", "older", "Default"]


def test_artifacts_of_an_experiment_may_lie_elsewhere_but_not_on_this_machine(project, tracked, tmp_path):
    away = tracked.create_experiment("away", artifact_location="s3://bucket/mlflow/")
    run = tracked.MlflowClient().create_run(away)
    assert run.info.artifact_uri == f"s3://bucket/mlflow/{run.info.run_id}/artifacts"
    assert tracked.get_experiment(away).artifact_location == "s3://bucket/mlflow"
    assert tracked.get_experiment(away).tags == {}
    for place in (str(tmp_path), f"file://{tmp_path}"):
        with pytest.raises(Exception, match="a place of this machine"):
            tracked.create_experiment("here", artifact_location=place)


def test_folder_outside_of_a_repository_is_refused_with_a_sentence(tracked, tmp_path):
    tracked.set_tracking_uri(f"mlgit://{tmp_path}")
    with pytest.raises(Exception, match="not inside a Git repository"):
        tracked.search_experiments()
