"""SIGKILL at random moments of a run: what was reported stays recorded, and every command works after it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlgit.adapters.formats import documents
from tests.kit import FULL, dvc, repository
from tests.kit.forked import mlgit

pytestmark = pytest.mark.slow

KILLS = 200 if FULL else 3
STAGES = 60
MARK = "mlgit-kill-test"


def _pipeline() -> str:
    rows = ["stages:"]
    for number in range(STAGES):
        need = "in" if number < 4 else f"o{number - 4}"
        rows += [
            f"  s{number}:",
            f"    cmd: ': {MARK}; sleep 0.01; cat {need} > o{number}'",
            f"    deps: [{need}]",
            f"    outs: [o{number}]",
        ]
    return "\n".join(rows) + "\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    return repository(tmp_path_factory.mktemp("kills") / "project", {"dvc.yaml": _pipeline(), "in": "0\n"})


def _reported(root: Path, *, until: int) -> set[str]:
    """Start a run, kill it after so many lines of output, and return the stages it reported as finished."""
    child = subprocess.Popen([sys.executable, "-m", "mlgit", "run", "-j3"], cwd=root, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line)
        if len(lines) == until:
            os.kill(child.pid, signal.SIGKILL)
            break
    lines += child.stdout.read().splitlines()  # what stood in the pipe was said, too
    child.wait()
    return {words[1] for words in map(str.split, lines) if words and words[0] in ("ran", "restored")}


def _left_behind() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if MARK.encode() in command:
                found.append(entry.name)
    return found


def _await_silence() -> None:
    deadline = time.monotonic() + 20
    while _left_behind():
        assert time.monotonic() < deadline, "a stage's process outlived the run"
        time.sleep(0.02)


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_run_keeps_what_it_reported(project, number):
    rng = random.Random(number)
    (project / "in").write_text(f"{number}\n")
    reported = _reported(project, until=rng.randint(1, 2 * STAGES))
    _await_silence()
    lock = project / "dvc.lock"
    recorded = documents.parse_yaml(lock.read_text(), name="dvc.lock")["stages"] if lock.exists() else {}
    assert reported <= recorded.keys()
    digests = {stage: entry["outs"][0]["md5"] for stage, entry in recorded.items()}
    assert len({digests[stage] for stage in reported}) <= 1  # all of this run's content, none of the run before
    assert mlgit(project, "status").code in (0, 1)
    if number % 10 == 0:
        assert dvc(project, "status").code == 0
    done = mlgit(project, "run")
    assert (done.code, mlgit(project, "status").code) == (0, 0), done.said
