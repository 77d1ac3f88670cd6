"""Processes that log runs one after the other, killed at any instant: what was confirmed is there, and nothing twice."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments.run import MetricPoint
from mlgit.experiments.runs import RunStore
from tests.experiments.stores import begun, ended, repository, spool_of
from tests.kit import FULL, git

pytestmark = pytest.mark.slow  # many processes


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(repository(tmp_path / "project"))


def log_for_ever(store: RunStore, said: int, start: int) -> None:
    """Log runs of five points, and say of each when it was begun, and when it ended."""
    os.setsid()
    own = RunStore(store.root)
    number = start
    while True:
        run_id = f"{number:032x}"
        own.create(run_id=run_id, name=f"run {number}")
        os.write(said, f"b {run_id}\n".encode())
        for step in range(5):
            own.log_batch(run_id, metrics=[MetricPoint("loss", 1 / (step + 1), step, step)], params={f"p{step}": "1"})
        own.update(run_id, status="FINISHED", end_time=1)
        os.write(said, f"e {run_id}\n".encode())
        number += 1


@pytest.mark.parametrize("with_git", [False, True])
def test_runs_survive_kills_at_any_instant(store, with_git):
    seeded = random.Random(7)
    begun_ids, ended_ids = set(), set()
    for turn in range(30 if FULL else 6):
        reader, writer = os.pipe()
        pid = begun(lambda turn=turn, writer=writer: log_for_ever(store, writer, 1000 * turn + 1))
        os.close(writer)
        said = os.read(reader, 1 << 16)
        end = time.monotonic() + seeded.uniform(0, 0.15)
        while time.monotonic() < end:
            said += os.read(reader, 1 << 16)
        (os.killpg if with_git else os.kill)(pid, signal.SIGKILL)
        assert ended(pid) == -signal.SIGKILL
        while more := os.read(reader, 1 << 16):
            said += more
        os.close(reader)
        rows = [row.split() for row in said.decode().splitlines()]
        begun_ids |= {run_id for kind, run_id in rows if kind == "b"}
        ended_ids |= {run_id for kind, run_id in rows if kind == "e"}
        for lock in (store.root / ".git/refs/mlgit").rglob("*.lock"):
            os.utime(lock, (1, 1))  # as if it lay there for long
        RunStore(store.root).seal_lost()
    found = {each.id: each for each in RunStore(store.root).all()}
    assert begun_ids <= found.keys()
    assert {each for each in ended_ids if found[each].status != "FINISHED"} == set()
    assert {each.status for each in found.values()} <= {"FINISHED", "KILLED"}
    for run_id in ended_ids:
        assert [each.step for each in store.history(run_id, "loss")] == [0, 1, 2, 3, 4]
    assert all(each.commit for each in found.values())
    assert not list((store.root / ".git/mlgit/live").glob("*.jsonl"))
    assert git(store.root, "fsck", "--strict", "--no-dangling").strip() == ""


def test_lock_that_a_killed_git_left_behind_is_taken_away_once_it_is_old(store):
    run = store.create()
    lock = store.root / f".git/refs/mlgit/runs/{run.id}.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    with pytest.raises(MlgitError, match="refs cannot be written"):
        store.update(run.id, status="FINISHED")
    assert spool_of(store, run.id).exists()
    assert store.get(run.id).status == "FINISHED"
    os.utime(lock, (1, 1))
    store.log_batch(run.id, tags={"more": "yes"})
    assert store.get(run.id).commit
    assert not lock.exists()


def test_run_that_cannot_be_sealed_now_keeps_no_other_one_from_it(store):
    def work() -> None:
        own = RunStore(store.root)
        for letter in "ab":
            own.create(run_id=letter * 32)

    assert ended(begun(work)) == 0
    lock = store.root / f".git/refs/mlgit/runs/{'a' * 32}.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    assert store.seal_lost() == ("b" * 32,)
    assert store.get("a" * 32).status == "KILLED"
    lock.unlink()
    assert store.seal_lost() == ("a" * 32,)
