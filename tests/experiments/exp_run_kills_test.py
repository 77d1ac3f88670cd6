"""SIGKILL at random moments of a search: the same command goes on, nothing that is recorded runs again, nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from mlgit.commands.exp_run import SweepPlan, exp_run
from tests.kit import FULL, git
from tests.kit.experiments import commands_run, metrics_of, searched_project, trial_refs, untouched

pytestmark = pytest.mark.slow

N_TRIALS, KILLS = (100, 30) if FULL else (20, 5)
PLAN = SweepPlan((f"train.depth=1..{N_TRIALS}",))
# Each training says that it began and that it ended, by the depth that it tries.
FILES = {
    "train.py": (
        "import json, os, time\n"
        "depth = int(open('params.yaml').read().split('depth: ')[1].split()[0])\n"
        "told = os.open(os.environ['RAN'], os.O_WRONLY | os.O_CREAT | os.O_APPEND)\n"
        "os.write(told, f'began-{depth}\\n'.encode())\n"
        "open('model.txt', 'w').write(f'{depth}')\n"
        "time.sleep(0.02)\n"  # work, of which a kill may take the half
        "json.dump({'score': depth}, open('metrics.json', 'w'))\n"
        "os.write(told, f'ended-{depth}\\n'.encode())\n"
    ),
}


def begun():
    """A search in a process of its own, which leads a session; its id."""
    pid = os.fork()
    if not pid:
        os.setsid()
        code = 1
        with suppress(Exception):
            code = exp_run(PLAN, jobs=2).exit_code
        os._exit(code)
    return pid


def workers_of(pid):
    """The processes that a process started."""
    with suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as stream:
        return [int(word) for word in stream.read().split()]
    return []


def kill_at_random(pid, root, rng, *, more):
    """Kill the search, or its whole session, or a worker of it, when some more trials are recorded and a moment has passed."""
    wanted = len(trial_refs(root)) + more
    deadline = time.monotonic() + 60
    while len(trial_refs(root)) < wanted and time.monotonic() < deadline and os.waitpid(pid, os.WNOHANG) == (0, 0):
        pass
    time.sleep(rng.random() * 0.1)  # no waiting: the moment within a trial
    kind = rng.choice(["alone", "session", "worker"])
    victims = workers_of(pid) if kind == "worker" else []
    with suppress(ProcessLookupError):
        if victims:
            os.kill(rng.choice(victims), signal.SIGKILL)
            os.kill(pid, signal.SIGTERM)
        else:
            (os.killpg if kind == "session" else os.kill)(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def test_killed_search_goes_on(tmp_path, monkeypatch):
    root = searched_project(tmp_path / "project", monkeypatch, FILES)
    rng = random.Random(20)
    before, recorded = untouched(root), {}
    for _ in range(KILLS):
        kill_at_random(begun(), root, rng, more=rng.randrange(1, N_TRIALS // KILLS))
        now = trial_refs(root)
        assert recorded.items() <= now.items()  # none is lost, and none was made anew
        recorded = now
        known_then = commands_run(root)
        ended = {word for word in known_then if word.startswith("ended")}
        assert len(ended) >= len(recorded)
    result = exp_run(PLAN, jobs=2)
    assert [each.message for each in result.failed] == []
    assert len(trial_refs(root)) == N_TRIALS
    assert recorded.items() <= trial_refs(root).items()
    assert [metrics_of(root, each.commit)["score"] for each in result.trials] == list(range(1, N_TRIALS + 1))
    assert untouched(root) == before
    assert git(root, "fsck", "--connectivity-only", "--no-dangling") == ""
    # a training that ended was recorded, or the kill came before that: at most one a worker and kill runs twice
    told = commands_run(root)
    assert sum(told.count(word) - 1 for word in set(told) if word.startswith("ended")) <= 2 * KILLS
    assert not list((root / ".git/mlgit/queue/trials").iterdir())
