"""Run stores in small repositories, and processes that log to them."""

from __future__ import annotations

import os
import signal
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from mlgit.experiments.runs import RunStore
from tests.kit import git


def repository(folder: Path, *options: str) -> Path:
    """A repository with one commit and one tracked file."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", *options)
    (folder / "train.py").write_text("print('one')\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "Begin")
    return folder


def begun(work: Callable[[], None]) -> int:
    """Do work in a fork of this process; its process id, to be waited for. The fork ends as the work does."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:  # nothing of pytest may run on in the fork
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> int:
    """Wait for a fork; its exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def killed(pid: int) -> None:
    """Kill a fork, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    assert ended(pid) == -signal.SIGKILL


def until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to it in time"
        time.sleep(0.005)


def spool_of(store: RunStore, run_id: str) -> Path:
    """Where the spool of a run lies, or would."""
    return store.root / ".git" / "mlgit" / "live" / f"{run_id}.jsonl"
