from __future__ import annotations

import math
import shutil
import sqlite3

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments import run_import
from mlgit.experiments.dvclive_runs import LiveFolders
from mlgit.experiments.mlflow_files import MlflowFiles
from mlgit.experiments.mlflow_sqlite import MlflowDatabase
from mlgit.experiments.run import MetricPoint
from mlgit.experiments.runs import RunStore
from tests.experiments.foreign_stores import RUN, file_store, old_database
from tests.kit import git, write_tree

LIVE = {
    "live/params.yaml": "lr: 0.1\nnet: {depth: 3, sizes: [1, 2]}\n",
    "live/metrics.json": '{"train": {"loss": 0.25}, "acc": 0.2, "step": 1, "best": 3, "word": "x"}',
    "live/plots/metrics/train/loss.tsv": "step\tloss\n0\t0.5\n1\t0.25\n",
    "live/plots/metrics/acc.tsv": "timestamp\tstep\tacc\n1500\t0\t0.1\n1600\t1\t0.2\n",
    "live/plots/sklearn/roc.json": "{}",
}


@pytest.fixture
def store(tmp_path) -> RunStore:
    folder = tmp_path / "here"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return RunStore(folder)


def refs(store: RunStore) -> str:
    return git(store.root, "for-each-ref", "refs/mlgit")


def test_database_of_an_old_mlflow_is_read(store, tmp_path):
    found = run_import.bring(store, MlflowDatabase(old_database(tmp_path / "mlflow.db")))
    assert (found.new, found.experiments, found.missed) == (1, 1, ())
    run = store.get(RUN)
    assert (run.name, run.user, run.status, run.start_time, run.end_time) == ("first", "ada", "FINISHED", 1000, 2000)
    assert run.params == {"lr": "0.1"}
    assert run.metrics == {"auc": MetricPoint("auc", 0.5, 1500, 0)}
    assert store.experiments.get(run.experiment_id).name == "old"


def test_second_import_changes_nothing(store, tmp_path):
    source = file_store(tmp_path / "mlruns")
    run_import.bring(store, MlflowFiles(source))
    before = refs(store)
    again = run_import.bring(RunStore(store.root), MlflowFiles(source))
    assert (again.new, again.updated, again.unchanged, again.n_files) == (0, 0, 1, 0)
    assert refs(store) == before


def test_same_source_is_the_same_commits_in_two_clones(store, tmp_path):
    source = file_store(tmp_path / "mlruns")
    shutil.rmtree(source / "7" / RUN / "artifacts")
    other = tmp_path / "there"
    git(tmp_path, "init", "--quiet", str(other))
    for each in (store, RunStore(other)):
        run_import.bring(each, MlflowFiles(source))
    assert git(other, "for-each-ref", "refs/mlgit/runs") == git(store.root, "for-each-ref", "refs/mlgit/runs")


def test_run_that_went_on_is_brought_anew_with_its_files(store, tmp_path):
    source = file_store(tmp_path / "mlruns", status="1")
    run_import.bring(store, MlflowFiles(source))
    assert store.get(RUN).status == "RUNNING"
    assert store.artifacts.paths(RUN) == []
    file_store(tmp_path / "mlruns", metric="1500 0.5 1\n1600 0.75 2\n")
    found = run_import.bring(RunStore(store.root), MlflowFiles(source))
    assert (found.new, found.updated, found.unchanged) == (0, 1, 0)
    after = RunStore(store.root)
    assert after.get(RUN).status == "FINISHED"
    assert [each.value for each in after.history(RUN, "auc")] == [0.5, 0.75]
    assert after.artifacts.read(RUN, "notes/a.txt") == b"hello"


def test_run_that_was_changed_here_stays(store, tmp_path):
    source = file_store(tmp_path / "mlruns")
    run_import.bring(store, MlflowFiles(source))
    store.log_batch(RUN, tags={"checked": "yes"})
    store.seal_lost()
    found = run_import.bring(RunStore(store.root), MlflowFiles(source))
    assert (found.updated, found.kept) == (0, 1)
    assert RunStore(store.root).get(RUN).tags["checked"] == "yes"


def test_run_that_is_being_logged_here_stays(store, tmp_path):
    store.create(run_id=RUN, name="mine", start_time=5)
    found = run_import.bring(RunStore(store.root), MlflowFiles(file_store(tmp_path / "mlruns")), with_files=False)
    assert (found.new, found.kept) == (0, 1)
    assert store.get(RUN).name == "mine"


def test_run_stands_on_the_commit_that_it_was_started_from(store, tmp_path):
    source = file_store(tmp_path / "mlruns")
    head = git(store.root, "rev-parse", "HEAD").strip()
    write_tree(source, {f"7/{RUN}/tags/mlflow.source.git.commit": head})
    run_import.bring(store, MlflowFiles(source))
    assert store.get(RUN).baseline == head
    assert git(store.root, "merge-base", "--is-ancestor", head, f"refs/mlgit/runs/{RUN}") == ""
    names = git(store.root, "ls-tree", "--name-only", f"refs/mlgit/runs/{RUN}").split()
    assert sorted(names) == ["artifacts", "artifacts.json", "run.json"]


@pytest.mark.parametrize(
    ("written", "meant"), [(1.7976931348623157e308, math.inf), (-1.7976931348623157e308, -math.inf), ("0.25", 0.25)]
)
def test_numbers_of_a_database_are_read_as_they_were_meant(store, tmp_path, written, meant):
    run_import.bring(store, MlflowDatabase(old_database(tmp_path / "mlflow.db", value=written)))
    assert store.get(RUN).metrics["auc"].value == meant


def test_value_that_is_no_number_is_told(store, tmp_path):
    found = run_import.bring(store, MlflowDatabase(old_database(tmp_path / "mlflow.db", value="good")))
    assert found.missed == (f"run {RUN}: a value of `auc` is no number",)
    assert store.get(RUN).metrics == {}


def test_id_that_mlflow_does_not_give_is_told(store, tmp_path):
    source = file_store(tmp_path / "mlruns", run_id="first-run")
    found = run_import.bring(store, MlflowFiles(source))
    assert (found.new, found.missed) == (0, ("the run 'first-run' has no id that MLflow gives",))


def test_line_that_is_no_point_is_told(store, tmp_path):
    source = file_store(tmp_path / "mlruns", metric="1500 0.5 1\nwhat\n")
    found = run_import.bring(store, MlflowFiles(source))
    assert found.missed == (f"7/{RUN}/metrics/auc: a line that is no point of a metric",)
    assert store.get(RUN).metrics["auc"].value == 0.5


def test_files_outside_the_store_are_told_and_not_taken(store, tmp_path):
    secret = write_tree(tmp_path / "secret", {"key": "x"})
    (tmp_path / "db").mkdir()
    database = old_database(tmp_path / "db" / "mlflow.db", artifact_uri=str(secret))
    found = run_import.bring(store, MlflowDatabase(database))
    assert found.n_files == 0
    assert f"`--artifacts {secret}` takes them, too" in found.missed[0]
    allowed = run_import.bring(RunStore(store.root), MlflowDatabase(database, artifacts=tmp_path))
    assert (allowed.n_files, store.artifacts.paths(RUN)) == (1, ["key"])


def test_links_among_the_files_are_not_followed(store, tmp_path):
    source = file_store(tmp_path / "mlruns")
    secret = write_tree(tmp_path / "secret", {"key": "x"})
    (source / "7" / RUN / "artifacts" / "linked").symlink_to(secret)
    (source / "7" / RUN / "artifacts" / "key").symlink_to(secret / "key")
    (source / "7" / RUN / "params" / "key").symlink_to(secret / "key")
    found = run_import.bring(store, MlflowFiles(source))
    assert store.artifacts.paths(RUN) == ["notes/a.txt"]
    assert store.get(RUN).params == {"lr": "0.1"}
    assert found.missed == ("2 links and special files among the artifacts were left out",)


def test_experiment_id_that_leads_out_leads_nowhere(store, tmp_path):
    (tmp_path / "db").mkdir()
    write_tree(tmp_path / "secret", {f"{RUN}/artifacts/key": "x"})
    database = old_database(tmp_path / "db" / "mlflow.db", artifact_uri="s3://bucket/x")
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE runs SET experiment_id = '../secret'")
    found = run_import.bring(store, MlflowDatabase(database))
    assert found.n_files == 0
    assert store.get(RUN).experiment_id == "0"


def test_another_database_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("CREATE TABLE runs (a)")
    with pytest.raises(MlgitError, match="none of MLflow"):
        MlflowDatabase(tmp_path / "a.db")


def test_broken_source_writes_no_run(store, tmp_path):
    database = old_database(tmp_path / "mlflow.db")
    content = bytearray(database.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    database.write_bytes(content)
    with pytest.raises(MlgitError, match=r"mlflow\.db"):
        run_import.bring(store, MlflowDatabase(database))
    assert "refs/mlgit/runs" not in refs(store)


def test_folder_of_dvclive_is_a_run(store, tmp_path):
    folder = write_tree(tmp_path / "work", LIVE) / "live"
    found = run_import.bring(store, LiveFolders([folder]))
    assert (found.new, found.experiments, found.n_files) == (1, 1, 1)
    assert found.missed == ("live/metrics.json: `word` is no number",)
    run = store.all()[0]
    assert run.name == "work/live"
    assert run.params == {"lr": "0.1", "net.depth": "3", "net.sizes": "[1, 2]"}
    assert {key: each.value for key, each in run.metrics.items()} == {"train/loss": 0.25, "acc": 0.2, "best": 3.0}
    assert [(each.step, each.timestamp) for each in store.history(run.id, "acc")] == [(0, 1500), (1, 1600)]
    assert store.artifacts.paths(run.id) == ["plots/sklearn/roc.json"]


def test_copy_of_a_folder_of_dvclive_is_the_same_run(store, tmp_path):
    folder = write_tree(tmp_path / "work", LIVE) / "live"
    run_import.bring(store, LiveFolders([folder]))
    copy = shutil.copytree(folder, tmp_path / "copy")
    found = run_import.bring(RunStore(store.root), LiveFolders([copy]))
    assert (found.new, found.unchanged) == (0, 1)


@pytest.mark.parametrize("path", ["live/params.yaml", "live/metrics.json", "live/plots/metrics/acc.tsv"])
@pytest.mark.parametrize("content", ["", "[", "a\tb\n1\t2\n", "[" * 5000, "\x00\xff", "step\tacc\n1e999\tx\n"])
def test_broken_file_of_dvclive_is_told_or_passed_over(store, tmp_path, path, content):
    folder = write_tree(tmp_path / "work", {**LIVE, path: content}) / "live"
    assert run_import.bring(store, LiveFolders([folder])).new == 1
