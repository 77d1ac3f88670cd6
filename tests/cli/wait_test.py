"""`mlgit run --wait`: two runs in one clone, one after the other."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from mlgit.adapters.system import locks
from tests.cli.processes_test import running
from tests.kit import mlgit, repository, write_tree

pytestmark = pytest.mark.slow  # real processes


def second(root, *args):
    """Another run, up to the line in which it says whom it waits for."""
    argv = [sys.executable, "-m", "mlgit", "run", *args]
    child = subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr
    return child, child.stderr.readline()


def test_other_run_is_named_and_waited_for_and_what_it_left_is_read(tmp_path):
    with running(tmp_path) as run:
        child, said = second(run.root, "--wait")
        assert f"process {run.process.pid}, since " in said
        assert "waiting for it to end" in said
        write_tree(run.root, {"dvc.yaml": (run.root / "dvc.yaml").read_text().replace("sleep 600", "sleep 0")})
        run.process.send_signal(signal.SIGINT)
        out, _ = child.communicate(timeout=60)
    assert (child.returncode, "1 ran, 1 unchanged" in out) == (0, True), out


def test_interrupt_ends_the_waiting_and_nothing_else(tmp_path):
    with running(tmp_path) as run:
        child, _ = second(run.root, "--wait")
        child.send_signal(signal.SIGINT)
        assert child.wait(timeout=60) == 130
        assert run.process.poll() is None


@pytest.fixture
def busy(tmp_path):
    """A project whose run lock somebody else holds."""
    root = repository(tmp_path / "p", {"dvc.yaml": "stages:\n  a: {cmd: echo x > x, outs: [x]}\n"})
    lock = root / ".dvc" / "tmp" / "mlgit" / "run.lock"
    with locks.held(lock, timeout=0, busy="", note="process 7, since noon\n"):
        yield root


def test_waiting_has_an_end_where_one_is_given(busy):
    done = mlgit(busy, "run", "--wait=0.1s")
    assert (done.code, "is at work in this clone: process 7, since noon" in done.err) == (2, True), done.said
    assert "`mlgit run --wait`" in mlgit(busy, "run").err
    assert mlgit(busy, "run", "--wait=0.1s", "--dry-run").code == 0
    assert not (busy / "x").exists()


def test_word_after_the_option_is_a_target(tmp_path, cli):
    root = repository(tmp_path / "p", {"dvc.yaml": "stages:\n  a: {cmd: echo x > x, outs: [x]}\n"})
    assert cli(root, "run", "--wait", "nothing").code == 2
    assert cli(root, "run", "--wait", "a").code == 0
    assert cli(root, "run", "--wait=1m", "--", "a").code == 0
    assert "--wait=soon: not a duration; write 90s, 30m or 2h" in cli(root, "run", "--wait=soon").err
