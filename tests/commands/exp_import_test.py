from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from mlgit.commands.exp_import import import_experiments
from mlgit.experiments.run import MetricPoint, ModelOutput, RunDataset
from mlgit.experiments.runs import RunStore
from tests.experiments.foreign_stores import RUN, file_store, fill, old_database
from tests.kit import git
from tests.kit.once import once

_SERVER = """\
import sys
from cheroot.wsgi import Server
from mlflow.server import app
server = Server(("127.0.0.1", 0), app)
server.prepare()
print(server.bind_addr[1], flush=True)
server.serve()
"""


@pytest.fixture
def project(tmp_path) -> Path:
    folder = tmp_path / "project"
    git(tmp_path, "init", "--quiet", str(folder))
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    return folder


def _written(shared: Path) -> Path:
    def make(folder: Path) -> None:
        for name, uri in (("files", f"file://{folder}/mlruns"), ("database", f"sqlite:///{folder}/mlflow.db")):
            (folder / f"{name}.id").write_text(fill(uri, folder / f"{name}-artifacts"))

    return once(shared, "stores-of-mlflow", make)


@pytest.fixture
def server(shared):
    """MLflow's own server of the database, and its address."""
    folder = _written(shared)
    env = {**os.environ, "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.db", "MLFLOW_DISABLE_TELEMETRY": "true"}
    env["_MLFLOW_SERVER_ARTIFACT_ROOT"] = str(folder / "server-artifacts")
    child = subprocess.Popen([sys.executable, "-c", _SERVER], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        port = child.stdout.readline().strip().decode()
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{url}/health", timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline
        yield url
    finally:
        child.terminate()
        child.wait(30)


def _check(project: Path, run_id: str) -> None:
    """That all is there which `fill` wrote."""
    store = RunStore(project)
    run = store.get(run_id)
    named = {each.name: each for each in store.experiments.all()}
    experiment = named["nets / ü"]
    assert experiment.tags == {"team": "vision"}
    assert named["given up"].deleted is not None
    assert (run.experiment_id, run.name, run.status) == (experiment.id, "outer", "FINISHED")
    assert (run.start_time, run.end_time) == (1000, 4000)
    assert run.params == {"lr": "0.1", "net/depth": "3", "words": "a: b\nc"}
    assert (run.tags["mlflow.user"], run.tags["note"]) == ("ada", "two\nlines")
    values = {key: each.value for key, each in run.metrics.items()}
    assert math.isnan(values.pop("nothing"))
    assert values == {"loss": 0.125, "far": math.inf, "deep": -math.inf, "val/auc": 0.9, "acc": 0.5}
    assert [(each.step, each.timestamp, each.value) for each in store.history(run_id, "loss")] == [
        (0, 2000, 0.5),
        (1, 2001, 0.25),
        (2, 2002, 0.125),
    ]
    dataset = RunDataset("iris", "abcd", "http", '{"url": "https://example.com/a.csv"}', "{}", None)
    assert [(each.name, each.digest, each.source, each.schema) for each in run.datasets] == [
        (dataset.name, dataset.digest, dataset.source, dataset.schema)
    ]
    assert run.datasets[0].tags == {"mlflow.data.context": "training"}
    model = store.models.all()[0]
    assert (model.name, model.status, model.params, model.source_run_id) == ("forest", "READY", {"trees": "9"}, run_id)
    assert model.tags["kind"] == "test"
    assert run.model_outputs == (ModelOutput(model.id, 7),)
    assert run.metrics["acc"] == MetricPoint("acc", 0.5, 2500, 1, model.id, "iris", "abcd")
    assert [(each.key, each.value, each.run_id) for each in model.metrics] == [("acc", 0.5, run_id)]
    assert store.artifacts.read(run_id, "notes/a.txt") == b"hello"
    others = {each.name: each for each in store.all() if each.id != run_id}
    assert (others["inner"].tags["mlflow.parentRunId"], others["inner"].status) == (run_id, "FAILED")
    assert others["gone"].deleted is not None


@pytest.mark.slow
def test_file_store_is_brought_whole(project, cli, shared):
    folder = _written(shared)
    assert (
        "3 runs, 2 experiments, 1 logged model, 1 file"
        in cli(project, "exp", "import", str(folder / "mlruns"), "--artifacts", str(folder / "files-artifacts")).out
    )
    _check(project, (folder / "files.id").read_text())


@pytest.mark.slow
def test_database_is_brought_whole(project, cli, shared):
    folder = _written(shared)
    assert "3 runs, 2 experiments, 1 logged model, 1 file" in cli(project, "exp", "import", f"sqlite:///{folder}/mlflow.db").out
    _check(project, (folder / "database.id").read_text())


@pytest.mark.slow
def test_server_is_brought_whole_and_only_once(project, cli, shared, server):
    assert "3 runs, 2 experiments, 1 logged model, 1 file" in cli(project, "exp", "import", server).out
    _check(project, (_written(shared) / "database.id").read_text())
    again = json.loads(cli(project, "exp", "import", server, "--json").out)["sources"][0]
    assert [again[key] for key in ("runs", "updated", "unchanged", "experiments", "models", "files")] == [0, 0, 3, 0, 0, 0]


def test_trials_and_runs_of_another_repository_are_brought(project, cli, tmp_path):
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    git(other, "commit", "--quiet", "--allow-empty", "--message", "Begin")
    head = git(other, "rev-parse", "HEAD").strip()
    for ref in (f"refs/exps/{head[:2]}/{head[2:]}/fast-ada", "refs/exps/stash", "refs/exps/exec/EXEC_BASELINE"):
        git(other, "update-ref", ref, head)
    RunStore(other).create(name="first", run_id=RUN, start_time=1)
    RunStore(other).update(RUN, status="FINISHED", end_time=2)
    told = cli(project, "exp", "import", "../other").out
    assert "1 trial, 1 run" in told
    assert git(project, "for-each-ref", "--format=%(refname)", "refs/exps").split() == [
        f"refs/exps/{head[:2]}/{head[2:]}/fast-ada"
    ]
    assert RunStore(project).get(RUN).name == "first"
    assert "nothing new (2 known already)" in cli(project, "exp", "import", "../other").out


def test_trial_of_the_same_name_stays(project, cli, tmp_path):
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(project), str(other))
    head = git(project, "rev-parse", "HEAD").strip()
    ref = f"refs/exps/{head[:2]}/{head[2:]}/fast-ada"
    for each in (project, other):
        tree = git(each, "rev-parse", "HEAD^{tree}").strip()
        commit = git(each, "commit-tree", tree, "-p", head, "-m", str(each)).strip()
        git(each, "update-ref", ref, commit)
    before = git(project, "rev-parse", ref)
    assert "the trial fast-ada differs from the one here, which stays" in cli(project, "exp", "import", "../other").out
    assert git(project, "rev-parse", ref) == before


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nothing", "no such file or folder"),
        (".", "no file store of MLflow"),
        ("text.txt", "no database of SQLite"),
        ("postgresql://u:secret@host/db", "are read through MLflow's own server"),
        ("--from=git", "Missing argument"),
    ],
)
def test_what_is_no_source_is_refused(project, cli, source, said):
    (project / "sub").mkdir()
    (project / "sub" / "text.txt").write_text("hello")
    done = cli(project / "sub", "exp", "import", source)
    assert done.code == 2
    assert said in done.err
    assert "secret" not in done.err


def test_several_sources_are_brought_at_once(project, cli, tmp_path):
    old_database(tmp_path / "mlflow.db")
    file_store(tmp_path / "mlruns")
    document = json.loads(cli(project, "exp", "import", "../mlflow.db", "../mlruns", "--json").out)
    assert [each["runs"] + each["kept"] + each["updated"] for each in document["sources"]] == [1, 1]


def test_what_was_imported_is_told_to_a_caller(project, monkeypatch, tmp_path):
    file_store(tmp_path / "mlruns")
    monkeypatch.chdir(project)
    result = import_experiments([str(tmp_path / "mlruns")])
    assert [(each.title, each.experiments, each.unchanged) for each in result.sources] == [("the file store mlruns", 1, 0)]
    assert result.exit_code == 0


def test_files_can_be_left_out(project, cli, tmp_path):
    file_store(tmp_path / "mlruns")
    assert "file" not in cli(project, "exp", "import", "../mlruns", "--no-artifacts").out.partition("mlruns: ")[2]
    assert RunStore(project).artifacts.paths(RUN) == []


def test_nothing_of_a_source_reaches_the_terminal_as_it_is(project, cli, tmp_path):
    file_store(tmp_path / "mlruns", run_id="a\x1b[31mb")
    assert "\x1b" not in cli(project, "exp", "import", "../mlruns").out
