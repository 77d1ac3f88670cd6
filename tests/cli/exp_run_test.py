"""`mlgit exp run` as it is typed: what it prints, and two terminals in one clone."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from mlgit.errors import EXIT_CANNOT_ANSWER, EXIT_NO, EXIT_YES
from tests.kit.experiments import commands_run, searched_project, trial_refs

WAITING = {
    # the first trial holds until a file lies beside the project
    "dvc.yaml": (
        "stages:\n"
        "  train:\n"
        "    cmd: echo train >> $RAN; while [ ! -e $RAN.go ]; do sleep 0.02; done; echo '{\"score\":1}' > metrics.json\n"
        "    params: [train.lr]\n"
        "    metrics:\n"
        "    - metrics.json:\n"
        "        cache: false\n"
    ),
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    return searched_project(tmp_path / "project", monkeypatch)


def test_lines_tell_trials_objective_and_the_best(cli, project):
    done = cli(project, "exp", "run", "--set", "train.lr=0.1,0.3", "-j1")
    names = list(trial_refs(project))
    best = next(name for name in names if name.startswith("lr-0.3"))
    assert done.code == EXIT_YES
    assert [line.split()[0] for line in done.out.splitlines()[:4]] == ["running", "finished", "running", "finished"]
    assert f"finished  {best}  score 0.96  (1 ran)" in done.out.replace("1 restored, ", "").replace(", 1 restored", "")
    assert f"best of 2 trials: {best}, score 0.96  (train.lr=0.3)" in done.out
    assert "2 known" in cli(project, "exp", "run", "--set", "train.lr=0.1,0.3").out


def test_json_is_one_document_and_nothing_else(cli, project):
    done = cli(project, "exp", "run", "--set", "train.lr=0.1,0.3", "--json")
    found = json.loads(done.out)
    assert (found["schema"], len(found["experiments"]), done.err) == (1, 2, "")
    assert found["best"] == found["experiments"][1]["name"]


def test_failure_is_shown_with_the_last_lines_and_code_1(cli, project):
    (project / "train.py").write_text("print('about to fail'); raise SystemExit('no luck')\n")
    done = cli(project, "exp", "run", "--set", "train.lr=0.1")
    assert done.code == EXIT_NO
    assert "stage 'train' failed: exit code 1" in done.out
    assert "no luck" in done.out
    assert "1 failed" in done.out


@pytest.mark.parametrize(
    "words",
    [
        ["--set", "train.lr"],
        ["--set", "train.nothing=1"],
        ["--set", "train.lr=1,2", "--until", "score"],
        ["--compute-if-unreachable"],
        ["--scheduler", "tcp://127.0.0.1:1"],
        ["no-such-stage", "--set", "train.lr=1"],
    ],
)
def test_what_cannot_be_done_is_said_with_code_2(cli, project, words):
    done = cli(project, "exp", "run", *words)
    assert (done.code, commands_run(project), trial_refs(project)) == (EXIT_CANNOT_ANSWER, [], {})
    assert "Traceback" not in done.said


@pytest.mark.slow
def test_search_of_another_terminal_is_taken_over(tmp_path, monkeypatch):
    project = searched_project(tmp_path / "project", monkeypatch, WAITING)
    command = [sys.executable, "-m", "mlgit", "exp", "run", "-j1", "--set"]
    first = subprocess.Popen([*command, "train.lr=1"], cwd=project, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not commands_run(project) and time.monotonic() < deadline:
        time.sleep(0.01)
    second = subprocess.Popen(
        [*command, "train.lr=2,3"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert second.stderr
    note = second.stderr.readline()
    (tmp_path / "project.ran.go").touch()
    said, _ = first.communicate(timeout=60)
    other, _ = second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert "at work in this clone" in note
    assert sum(line.startswith("finished ") for line in said.splitlines()) == 3
    assert "2 finished" in other
    assert len(trial_refs(project)) == 3
