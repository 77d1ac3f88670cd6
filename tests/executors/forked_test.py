"""Commands started by a process of their own: what is handed over, and what happens when one of the two is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from mlgit.errors import MlgitError
from mlgit.executors.forked import Apart
from mlgit.executors.table import WORTH_IT, make
from tests.executors.local_test import is_gone, job, run, until


@pytest.fixture
def executor():
    """An executor for two jobs at once, stopped in the end."""
    found = make("local", jobs=2, expected=WORTH_IT)
    yield found
    found.stop()


def test_many_jobs_are_started_apart():
    few, many = make("local", jobs=2, expected=WORTH_IT - 1), make("local", jobs=2, expected=WORTH_IT)
    few.stop()
    many.stop()
    assert not isinstance(few, Apart)
    assert isinstance(many, Apart)


def test_more_is_handed_over_while_commands_are_short(tmp_path, executor):
    assert executor.slots == 2
    while executor.slots == 2:
        run(executor, job(tmp_path, ":"))
    assert executor.slots > 2


def test_no_more_than_two_run_at_once_however_many_are_handed_over(tmp_path, executor):
    held = [job(tmp_path, f"mkdir {name}; while [ ! -e go ]; do sleep 0.01; done", name=name) for name in "abcd"]
    for each in held:
        executor.submit(each)
    until(lambda: (tmp_path / "a").exists() and (tmp_path / "b").exists())
    assert executor.wait(0.1) == []
    assert not (tmp_path / "c").exists()
    (tmp_path / "go").touch()
    ended = set()
    while len(ended) < 4:
        ended |= {(each.name, each.code) for each in executor.wait(1.0)}
    assert ended == {(name, 0) for name in "abcd"}


def test_long_commands_and_environments_arrive_whole(tmp_path, executor):
    value = "v" * 100_000
    run(executor, job(tmp_path, f'echo "${{#LONG}}"  # {value}', LONG=value))
    assert (tmp_path / "logs/a.log").read_text() == "100000\n"


def test_command_that_cannot_be_started_has_a_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("SHELL", "/no/such/shell")
    executor = make("local", jobs=1, expected=WORTH_IT)
    outcome = run(executor, job(tmp_path, "true"))["a"]
    executor.stop()
    assert outcome.code == 127
    assert "/no/such/shell" in outcome.made.problem[0]


def test_log_that_cannot_be_written_is_a_problem(tmp_path, executor):
    (tmp_path / "logs").write_text("a file")
    outcome = run(executor, job(tmp_path, "true"))["a"]
    assert "logs: not a folder" in outcome.made.problem[0]


def test_command_that_kills_its_parent_ends_all_jobs_and_says_so(tmp_path, executor):
    executor.submit(job(tmp_path, "echo $$ > other; exec sleep 600", name="b"))
    until(lambda: (tmp_path / "other").exists() and (tmp_path / "other").read_text().endswith("\n"))
    executor.submit(job(tmp_path, "kill -9 $PPID; exec sleep 600"))
    ended = {each.name: each for each in executor.wait(30)}
    assert {name: each.code for name, each in ended.items()} == {"a": -9, "b": -9}
    assert "was killed" in ended["a"].made.problem[0]
    assert is_gone(int((tmp_path / "other").read_text()))
    with pytest.raises(MlgitError, match="was killed"):
        executor.submit(job(tmp_path, "true"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_command_that_asks_its_parent_to_end_is_not_heard(tmp_path, executor, number):
    assert run(executor, job(tmp_path, f"kill -{int(number)} $PPID; echo on"))["a"].code == 0


KILLED = """
import sys
from pathlib import Path
from mlgit.executors.protocol import Job
from mlgit.executors.table import make

executor = make("local", jobs=2, expected=100)
executor.submit(Job("a", ("setsid sh -c 'echo $$ > far; exec sleep 600' & echo $$ > near; wait",), Path.cwd(), log=Path("log")))
executor.wait(None)
"""


def test_nothing_runs_on_when_the_scheduler_is_killed(tmp_path):
    scheduler = subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path)
    files = [tmp_path / "near", tmp_path / "far"]
    until(lambda: all(each.exists() and each.read_text().endswith("\n") for each in files))
    os.kill(scheduler.pid, signal.SIGKILL)
    scheduler.wait()
    until(lambda: all(is_gone(int(each.read_text())) for each in files))
