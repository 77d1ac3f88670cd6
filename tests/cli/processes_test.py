"""`mlgit run` as a process among others: signals, locks, and stages that really run side by side."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.kit import dvc, lock, mlgit, repository, write_tree
from tests.pipeline.differential import run_dvc, run_mlgit

pytestmark = pytest.mark.slow  # real repositories, many times

LONG = """\
stages:
  early:
    cmd: cat raw.txt > early
    deps: [raw.txt]
    outs: [early]
  long:
    cmd: sleep 600 & echo $! > {pids}/child; echo half > long; echo $$ > {pids}/shell; wait
    deps: [early]
    outs: [long]
"""


def until(holds):
    """Wait for a condition."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def ignore(numbers):
    """Have these signals ignored, as `nohup` and a job in the background of a script have it, and no other."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN if number in numbers else signal.SIG_DFL)


class Running:
    """`mlgit run` at work on a stage that does not end by itself."""

    def __init__(self, folder, *, ignoring=()):
        self.root = write_tree(repository(folder / "p"), {"raw.txt": "raw\n"})
        self._pids = folder / "pids"
        self._pids.mkdir()
        write_tree(self.root, {"dvc.yaml": LONG.format(pids=self._pids)})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlgit", "run"],
            cwd=self.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=lambda: ignore(ignoring),  # noqa: PLW1509 - nothing else is inherited
        )
        until(lambda: (self._pids / "shell").exists() and self.pid("shell"))

    def pid(self, name):
        return int((self._pids / name).read_text() or 0)

    def end(self, number):
        """Send a signal and wait for the end; the exit code and everything said."""
        self.process.send_signal(number)
        said = self.process.communicate(timeout=30)[0]
        return self.process.returncode, said

    def all_gone(self):
        return is_gone(self.pid("shell")) and is_gone(self.pid("child"))


@contextmanager
def running(folder, *, ignoring=()):
    """A run that is ended in any case."""
    found = Running(folder, ignoring=ignoring)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.end(signal.SIGKILL)
        until(found.all_gone)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_ends_its_stage_and_records_what_is_done(tmp_path, number):
    with running(tmp_path) as run:
        code, said = run.end(number)
        assert (code, "interrupted" in said, "Traceback" in said) == (130, True, False)
        assert run.all_gone()
        assert list(lock(run.root)["stages"]) == ["early"]
        assert json.loads((run.root / ".dvc/tmp/rwlock").read_text()) == {"write": {}, "read": {}}
        left = run_mlgit(run.root, "status", "--json").json
        assert {row["name"]: row["status"] for row in left["stages"]} == {"early": "up-to-date", "long": "stale"}


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_signal_that_the_caller_ignores_ends_nothing(tmp_path, number):
    with running(tmp_path, ignoring={number}) as run:
        run.process.send_signal(number)
        assert run.process.poll() is None
        code, said = run.end(signal.SIGTERM)
        assert (code, "interrupted" in said) == (130, True)
        assert run.all_gone()


def test_run_can_be_ended_whatever_the_caller_ignores(tmp_path):
    everything = {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP}
    with running(tmp_path, ignoring=everything) as run:
        assert run.end(signal.SIGTERM)[0] == 130
        assert run.all_gone()


def calls(argv, root, ignoring):
    at = {"cwd": root, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    found = subprocess.Popen(argv, **at, preexec_fn=lambda: ignore(ignoring))  # noqa: PLW1509 - nothing else is inherited
    said = found.communicate(timeout=60)[0]
    return found.returncode, said


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="there is no /proc")
def test_stages_ignore_what_those_of_dvc_ignore(tmp_path):
    seen, stages = {}, 20  # so many are started by a fork
    for name in ("dvc", "mlgit"):
        each = {f"s{at}": {"cmd": f"grep SigIgn /proc/self/status > o{at}", "outs": [f"o{at}"]} for at in range(stages)}
        root = write_tree(repository(tmp_path / name), {"dvc.yaml": json.dumps({"stages": each})})
        asked = ["repro", "-s", "s0"] if name == "dvc" else ["run"]
        done = calls([sys.executable, "-m", name, *asked], root, {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT})
        assert done[0] == 0, done[1]
        ignored = int((root / "o0").read_text().split()[1], 16)
        seen[name] = ignored & 0x7FFFFFFF  # above are those that the C library keeps for itself
    assert seen["mlgit"] == seen["dvc"]


def test_further_interrupts_change_nothing(tmp_path):
    with running(tmp_path) as run:
        for number in (signal.SIGINT, signal.SIGINT, signal.SIGTERM):
            run.process.send_signal(number)
        code, said = run.end(signal.SIGINT)
        assert (code, "Traceback" in said) == (130, False)
        until(run.all_gone)


def test_killed_run_leaves_no_process_behind_and_the_next_command_works(tmp_path):
    with running(tmp_path) as run:
        run.end(signal.SIGKILL)
        until(run.all_gone)
        write_tree(run.root, {"dvc.yaml": (run.root / "dvc.yaml").read_text().replace("sleep 600", "sleep 0")})
        assert run_mlgit(run.root, "run").code == 0
        assert "up to date" in run_dvc(run.root, "status").out


def test_two_runs_and_dvc_respect_each_other(tmp_path):
    with running(tmp_path) as run:
        second = mlgit(run.root, "run")
        assert second.code == 2
        assert f"another `mlgit run` is at work in this clone: process {run.process.pid}" in second.err
        beside = dvc(run.root, "repro", "--single-item", "early", "--force")
        assert beside.code != 0
        assert str(run.process.pid) in beside.said
        assert run_mlgit(run.root, "status").code == 1
        assert not is_gone(run.pid("child"))


def test_independent_stages_run_side_by_side(tmp_path, cli):
    root = repository(tmp_path / "p")
    for name in ("one", "other"):
        os.mkfifo(tmp_path / name)
    meet = f"echo here > {tmp_path}/{{0}} & cat {tmp_path}/{{1}} > {{0}}; wait"
    stages = {name: {"cmd": meet.format(name, to), "outs": [name]} for name, to in (("one", "other"), ("other", "one"))}
    write_tree(root, {"dvc.yaml": json.dumps({"stages": stages})})
    assert cli(root, "run", "-j2").code == 0


EXOTIC = """\
stages:
  outside:
    cmd: cat {outside} > copied
    deps: [{outside}]
    outs: [copied]
  remote:
    cmd: cat plain > sent
    deps: [plain]
    outs:
    - sent:
        remote: store
  plain:
    cmd: cat imported > plain
    deps: [imported]
    outs: [plain]
"""


@pytest.fixture
def exotic(tmp_path):
    """A project with an import, an external dependency and an output with a remote of its own."""
    outside, source = tmp_path / "outside.txt", tmp_path / "source.txt"
    outside.write_text("outside\n")
    source.write_text("source\n")
    root = write_tree(repository(tmp_path / "p"), {"dvc.yaml": EXOTIC.format(outside=outside)})
    assert run_dvc(root, "remote", "add", "--quiet", "store", str(tmp_path / "store")).code == 0
    assert run_dvc(root, "import-url", "--quiet", str(source), "imported").code == 0
    return root


def check_clean(root):
    said = run_dvc(root, "status").out
    assert "up to date" in said, said
    assert run_mlgit(root, "status").code == 0
    counts = run_mlgit(root, "run", "--json").json["counts"]
    assert counts == {"ran": 0, "restored": 0, "verified": 0, "unchanged": 4, "failed": 0, "skipped": 0}


@pytest.mark.slow
def test_stages_that_only_dvc_understands_run_in_the_same_run(exotic):
    done = run_mlgit(exotic, "run")
    assert done.code == 0, done.out
    assert (exotic / "sent").read_text() == "source\n"
    check_clean(exotic)


@pytest.mark.slow
def test_change_outside_the_project_runs_the_stage_that_reads_it(exotic, tmp_path):
    run_mlgit(exotic, "run")
    (tmp_path / "outside.txt").write_text("changed\n")
    states = {row["name"]: row["state"] for row in run_mlgit(exotic, "run", "--json").json["stages"]}
    assert states["outside"] == "ran"
    assert (exotic / "copied").read_text() == "changed\n"
    check_clean(exotic)


@pytest.mark.slow
def test_failing_stage_that_only_dvc_understands_fails_like_any_other(exotic, tmp_path):
    text = (exotic / "dvc.yaml").read_text().replace("cat plain > sent", "exit 4")
    (exotic / "dvc.yaml").write_text(text)
    done = run_mlgit(exotic, "run", "--keep-going")
    assert done.code == 1
    assert "stage 'remote' failed: exit code 4" in done.out
    assert sorted(lock(exotic)["stages"]) == ["outside", "plain"]


@pytest.mark.slow
def test_external_dependency_that_is_gone_is_named(exotic, tmp_path):
    (tmp_path / "outside.txt").unlink()
    done = run_mlgit(exotic, "run")
    assert done.code in (1, 2)
    assert "outside.txt" in done.out
    assert "defect" not in done.out


@pytest.mark.slow
def test_tracked_data_that_is_gone_and_not_cached_is_named(tmp_path):
    root = write_tree(
        repository(tmp_path / "p"),
        {"data.csv": "1\n", "dvc.yaml": "stages: {a: {cmd: cat data.csv > out, deps: [data.csv], outs: [out]}}"},
    )
    assert run_dvc(root, "add", "--quiet", "data.csv").code == 0
    (root / "data.csv").unlink()
    shutil.rmtree(root / ".dvc" / "cache")
    done = run_mlgit(root, "run")
    assert done.code == 1
    assert "data.csv" in done.out
    assert not (root / "out").exists()
