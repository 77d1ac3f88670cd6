"""SIGKILL at random moments of judging and pushing: the next command works, and every window has one verdict."""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from mlgit.errors import MlgitError
from mlgit.monitoring import verdict_refs, verdict_sync
from tests.kit import FULL, git
from tests.monitoring import chains
from tests.monitoring.chains import REF, recompute

pytestmark = pytest.mark.slow

KILLS = 50 if FULL else 6
DAYS = list(range(6))


def work(root, told):
    """Judge one day after the other, and push each; a byte on `told` for every step."""
    for day in DAYS:
        chains.run(root, [day])
        os.write(told, b"j")
        verdict_sync.share(root, REF, "origin", recompute=recompute)
        os.write(told, b"p")


def killed(root, rng, *, whole):
    """Do `work` in a process of its own, and kill it (or its whole session) in the middle; how far it had come."""
    reads, writes = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.close(reads)
        with suppress(Exception):
            work(root, writes)
        os._exit(0)
    os.close(writes)
    steps = os.read(reads, 1)
    for _ in range(rng.randrange(2 * len(DAYS) - 1)):
        steps += os.read(reads, 1)
    time.sleep(rng.random() * 0.05)  # no waiting: the moment within a step
    with suppress(ProcessLookupError):
        (os.killpg if whole else os.kill)(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    while more := os.read(reads, 100):  # to the end of what lived on
        steps += more
    os.close(reads)
    return steps


def with_way_out(act):
    """What Git tells to do where it was killed itself while it held a ref: take the lock away."""
    try:
        return act()
    except MlgitError as error:
        told = error.message
    lock = next((word for word in told.replace("'", " ").split() if word.endswith(".lock")), "")
    assert os.path.isabs(lock), told
    os.unlink(lock)
    return act()


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_runner_leaves_one_verdict_a_window(tmp_path, number):
    rng = random.Random(number)
    one, two = chains.clones(tmp_path)
    chains.run(two, [2, 0])
    verdict_sync.share(two, REF, "origin", recompute=recompute)
    steps = killed(one, rng, whole=number % 2 == 1)
    before = verdict_refs.load(one, REF)
    sent = git(tmp_path / "origin.git", "rev-parse", REF)
    assert len(before.entries) >= steps.count(b"j"[0]) - 1
    with_way_out(lambda: chains.run(one, DAYS))
    found = with_way_out(lambda: verdict_sync.share(one, REF, "origin", recompute=recompute))
    assert found.is_sent
    assert {each.commit for each in found.chain.entries} >= {sent}
    for root in (two, one):
        verdict_sync.share(root, REF, "origin", recompute=recompute)
        there = verdict_refs.load(root, REF)
        assert sorted(chains.days(there)) == DAYS
        assert len(there.entries) == len(DAYS)
        assert [each.verdict.martingale for each in there.verdicts] == [2.0**place for place in range(len(DAYS))]
        assert git(root, "fsck", "--connectivity-only", "--no-dangling") == ""
    assert verdict_refs.tip(one, REF) == verdict_refs.tip(two, REF) == git(tmp_path / "origin.git", "rev-parse", REF)
