"""Jobs as processes of this machine: what they get, how they end, and what is left of them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.executors import local, shell
from mlgit.executors.local import Local
from mlgit.executors.protocol import Job
from mlgit.executors.table import WORTH_IT, make

pytestmark = pytest.mark.slow  # real processes, many of them


@pytest.fixture(params=["in this process", "in a process of its own"])
def made(request):
    """Makes executors of both kinds, by the number of their slots; all are stopped in the end."""
    all_made = []

    def make_one(slots):
        expected = WORTH_IT if request.param == "in a process of its own" else 1
        all_made.append(make("local", jobs=slots, expected=expected))
        return all_made[-1]

    yield make_one
    for each in all_made:
        each.stop()


@pytest.fixture
def executor(made):
    """An executor with two slots."""
    return made(2)


def job(folder, *commands, name="a", timeout=None, **env):
    return Job(name, commands, folder, env, folder / f"logs/{name}.log", timeout)


def run(executor, *jobs):
    """Submit jobs and wait for all of them; the outcomes by name."""
    for each in jobs:
        executor.submit(each)
    found = {}
    deadline = time.monotonic() + 30
    while len(found) < len(jobs):
        assert time.monotonic() < deadline
        found |= {outcome.name: outcome for outcome in executor.wait(1.0)}
    return found


def until(holds):
    """Wait for a condition."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def is_gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat") as stream:
        return stream.read().rpartition(")")[2].split()[0] == "Z"


def test_command_runs_in_its_folder_with_its_variables(tmp_path, executor):
    run(executor, job(tmp_path, 'pwd; echo "$GREETING"', GREETING="good day"))
    assert (tmp_path / "logs/a.log").read_text() == f"{tmp_path}\ngood day\n"


def test_environment_of_the_caller_is_there_too(tmp_path, made, monkeypatch):
    monkeypatch.setenv("OF_THE_CALLER", "é")
    executor = made(1)
    run(executor, job(tmp_path, 'echo "$OF_THE_CALLER"'))
    executor.stop()
    assert (tmp_path / "logs/a.log").read_text() == "é\n"


def test_both_outputs_go_to_the_log_in_order(tmp_path, executor):
    run(executor, job(tmp_path, "echo 1; echo 2 >&2; echo 3"))
    assert (tmp_path / "logs/a.log").read_text() == "1\n2\n3\n"


def test_log_of_the_last_time_is_replaced(tmp_path, executor):
    run(executor, job(tmp_path, "echo first"))
    run(executor, job(tmp_path, "echo second"))
    assert (tmp_path / "logs/a.log").read_text() == "second\n"


def test_input_is_empty(tmp_path, executor):
    run(executor, job(tmp_path, "cat; echo end"))
    assert (tmp_path / "logs/a.log").read_text() == "end\n"


def test_nothing_of_this_process_is_handed_on_but_the_outputs(tmp_path, executor):
    with open(tmp_path / "not-for-you", "w"):
        run(executor, job(tmp_path, "ls -l /proc/self/fd | grep -c not-for-you || true"))
    assert (tmp_path / "logs/a.log").read_text() == "0\n"


def test_commands_run_one_after_the_other(tmp_path, executor):
    outcome = run(executor, job(tmp_path, "echo 1", "echo 2", "echo 3"))["a"]
    assert (outcome.code, outcome.command) == (0, "echo 3")
    assert (tmp_path / "logs/a.log").read_text() == "1\n2\n3\n"


def test_first_command_that_fails_is_the_last(tmp_path, executor):
    outcome = run(executor, job(tmp_path, "echo 1", "exit 7", "echo 3"))["a"]
    assert (outcome.code, outcome.command) == (7, "exit 7")
    assert (tmp_path / "logs/a.log").read_text() == "1\n"


def test_each_command_has_a_shell_of_its_own(tmp_path, executor):
    run(executor, job(tmp_path, "A=1; cd /", 'echo "$A"; pwd'))
    assert (tmp_path / "logs/a.log").read_text() == f"\n{tmp_path}\n"


def test_command_ended_by_a_signal_has_its_number_negative(tmp_path, executor):
    assert run(executor, job(tmp_path, "kill -9 $$"))["a"].code == -9


def test_command_ignores_no_signal_that_this_process_ignores(tmp_path, executor):
    outcome = run(executor, job(tmp_path, "yes | head -n 1 > /dev/null; kill -PIPE $$; echo still here"))["a"]
    assert outcome.code == -signal.SIGPIPE


def test_two_jobs_run_at_once(tmp_path, executor):
    meet = "echo here > {0} & cat {1}; wait"
    os.mkfifo(tmp_path / "one")
    os.mkfifo(tmp_path / "other")
    found = run(
        executor,
        job(tmp_path, meet.format("one", "other"), name="a"),
        job(tmp_path, meet.format("other", "one"), name="b"),
    )
    assert {outcome.code for outcome in found.values()} == {0}


def test_job_past_its_timeout_is_ended(tmp_path, executor):
    outcome = run(executor, job(tmp_path, "sleep 60", timeout=0.1))["a"]
    assert (outcome.timed_out, outcome.code) == (True, -signal.SIGTERM)


def test_timeout_counts_for_all_commands_together(tmp_path, executor):
    outcome = run(executor, job(tmp_path, "true", "sleep 60", "echo never", timeout=0.2))["a"]
    assert (outcome.timed_out, outcome.command) == (True, "sleep 60")


def test_job_that_ends_well_after_its_timeout_has_failed_all_the_same(tmp_path, executor):
    outcome = run(executor, job(tmp_path, "trap 'exit 0' TERM; echo up; while :; do sleep 0.01; done", timeout=0.2))["a"]
    assert (outcome.timed_out, outcome.code) == (True, -signal.SIGTERM)


def test_job_that_ignores_the_end_is_killed(tmp_path, made, monkeypatch):
    monkeypatch.setattr(local, "GRACE_SECONDS", 0.1)
    outcome = run(made(1), job(tmp_path, "trap '' TERM; while :; do sleep 0.01; done", timeout=0.1))["a"]
    assert (outcome.timed_out, outcome.code) == (True, -signal.SIGKILL)


def test_what_a_command_leaves_in_the_background_ends_with_it(tmp_path, executor):
    run(executor, job(tmp_path, "sleep 600 & echo $! > child"))
    until(lambda: is_gone(int((tmp_path / "child").read_text())))


def test_what_an_earlier_command_left_ends_with_the_job(tmp_path, executor):
    run(executor, job(tmp_path, "sleep 600 & echo $! > child", "true"))
    until(lambda: is_gone(int((tmp_path / "child").read_text())))


def test_stop_ends_jobs_and_their_children(tmp_path, made):
    executor = made(1)
    executor.submit(job(tmp_path, "sleep 600 & echo $! > child; echo $$ > shell; wait"))
    until(lambda: (tmp_path / "shell").exists() and (tmp_path / "shell").read_text().endswith("\n"))
    executor.stop()
    assert is_gone(int((tmp_path / "shell").read_text()))
    until(lambda: is_gone(int((tmp_path / "child").read_text())))


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="shows what a process was started with")
def test_stop_ends_what_a_running_job_started_in_a_session_of_its_own(tmp_path, made):
    executor = made(1)
    executor.submit(job(tmp_path, "setsid sh -c 'echo $$ > child; exec sleep 600' & echo $$ > shell; wait"))
    until(lambda: (tmp_path / "child").exists() and (tmp_path / "child").read_text().endswith("\n"))
    executor.stop()
    assert is_gone(int((tmp_path / "child").read_text()))


def test_stop_kills_what_ignores_the_end(tmp_path, made, monkeypatch):
    monkeypatch.setattr(local, "GRACE_SECONDS", 0.1)
    executor = made(1)
    executor.submit(job(tmp_path, "trap '' TERM; echo $$ > shell; while :; do sleep 0.01; done"))
    until(lambda: (tmp_path / "shell").exists() and (tmp_path / "shell").read_text().endswith("\n"))
    executor.stop()
    assert is_gone(int((tmp_path / "shell").read_text()))


def test_stop_twice_is_as_good_as_once(made):
    executor = made(1)
    executor.stop()
    executor.stop()


def test_signal_handling_is_as_before_after_stop(made):
    before = signal.getsignal(signal.SIGCHLD)
    made(1).stop()
    assert signal.getsignal(signal.SIGCHLD) == before


def test_no_file_stays_open_after_stop(tmp_path, made):
    before = len(os.listdir("/proc/self/fd"))
    executor = made(1)
    run(executor, job(tmp_path, "true"))
    executor.stop()
    assert len(os.listdir("/proc/self/fd")) == before


def test_waiting_for_nothing_sleeps_through(tmp_path, executor):
    run(executor, job(tmp_path, "true"))
    rounds, deadline = 0, time.monotonic() + 0.2
    while time.monotonic() < deadline:
        assert executor.wait(0.05) == []
        rounds += 1
    assert rounds < 100


@pytest.fixture
def with_environment(monkeypatch):
    """An executor made in another environment."""
    made = []

    def make_one(**env):
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        made.append(Local(slots=1))
        return made[-1]

    yield make_one
    for each in made:
        each.stop()


def test_shell_that_is_not_there_is_named(tmp_path, with_environment):
    with pytest.raises(MlgitError, match="/no/such/shell"):
        with_environment(SHELL="/no/such/shell").submit(job(tmp_path, "true"))


def test_shell_that_goes_away_between_commands_fails_the_job(tmp_path, with_environment):
    (tmp_path / "sh").symlink_to("/bin/sh")
    executor = with_environment(SHELL=str(tmp_path / "sh"))
    assert run(executor, job(tmp_path, "rm sh", "true"))["a"].code == 127


def program(path, says):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {says}\n")
    path.chmod(0o755)


@pytest.mark.parametrize("first", ["here", "", "./here", "~/here"])
def test_program_is_the_one_the_shell_would_find(tmp_path, with_environment, first):
    program(tmp_path / "elsewhere/greet", "elsewhere")
    for below in ("here/greet", "greet"):
        program(tmp_path / "folder" / below, "here")
    path = f"{first}:{tmp_path}/elsewhere:{os.environ['PATH']}"
    executor = with_environment(PATH=path)
    run(executor, job(tmp_path / "folder", "greet", name="direct"), job(tmp_path / "folder", "greet; true", name="shell"))
    logs = tmp_path / "folder/logs"
    assert (logs / "direct.log").read_text() == (logs / "shell.log").read_text()


def test_program_that_may_be_run_and_not_read_is_left_to_the_shell(tmp_path, with_environment):
    program(tmp_path / "bin/greet", "hello")
    (tmp_path / "bin/greet").chmod(0o111)
    executor = with_environment(PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    assert run(executor, job(tmp_path, "greet"))["a"].code in (0, 2, 126)


def test_script_without_interpreter_runs_in_the_shell(tmp_path, with_environment):
    program(tmp_path / "bin/greet", "hello")
    (tmp_path / "bin/greet").write_text("echo $((1 + 1))\n")
    executor = with_environment(PATH=f"{tmp_path}/bin:{os.environ['PATH']}")
    run(executor, job(tmp_path, "greet"))
    assert (tmp_path / "logs/a.log").read_text() == "2\n"


@pytest.mark.parametrize(
    "command",
    ["no-such-program", "cd", "ls  -d   .", "expr 1 + 1", "ls -d {a,b}", "env A=1 sh -c pwd", "A=1 env", "ls *", "test -d ."],
)
def test_command_does_what_it_does_in_a_shell(tmp_path, executor, command):
    found = run(executor, job(tmp_path, command, name="direct"), job(tmp_path, f"{command}; exit $?", name="shell"))
    assert found["direct"].code == found["shell"].code
    logs = [(tmp_path / f"logs/{name}.log").read_text() for name in ("direct", "shell")]
    assert logs[0].splitlines()[:1] == logs[1].splitlines()[:1]


@pytest.mark.parametrize(
    ("path", "options"),
    [
        ("/bin/bash", ["--noprofile", "--norc"]),
        ("/usr/bin/zsh", ["--no-rcs"]),
        ("/opt/fish", ["--no-config"]),
        ("/bin/sh", []),
        ("/bin/dash", []),
    ],
)
def test_shell_starts_without_the_users_files(path, options):
    assert list(shell.argv("x", shell=path)) == [path, *options, "-c", "x"]


def test_unknown_executor_is_refused_with_those_there_are():
    with pytest.raises(MlgitError, match="no executor 'slurm'"):
        make("slurm", jobs=1)


def test_executor_is_made_by_name():
    executor = make("local", jobs=3)
    executor.stop()
    assert executor.slots == 3
