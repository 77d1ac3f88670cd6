from __future__ import annotations

import os
import threading

import pytest

from mlgit.experiments.run import MetricPoint
from mlgit.experiments.runs import RunStore
from tests.experiments.stores import begun, ended, killed, repository, spool_of, until
from tests.kit import FULL, git


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(repository(tmp_path / "project"))


def log(store: RunStore, run_id: str, key: str, count: int) -> None:
    for step in range(count):
        store.log_batch(run_id, metrics=[MetricPoint(key, step / 7, 1000 + step, step)])


def test_four_processes_log_to_one_run(store):
    run = store.create()
    pids = [begun(lambda name=name: log(RunStore(store.root), run.id, name, 200)) for name in "abcd"]
    assert [ended(pid) for pid in pids] == [0] * 4
    store.update(run.id, status="FINISHED")
    assert {name: len(store.history(run.id, name)) for name in "abcd"} == dict.fromkeys("abcd", 200)
    assert not spool_of(store, run.id).exists()


def test_forks_share_a_store_that_was_opened_before(store):
    run = store.create()
    log(store, run.id, "before", 3)
    pids = [begun(lambda name=name: log(store, run.id, name, 100)) for name in "ab"]
    log(store, run.id, "c", 100)
    assert [ended(pid) for pid in pids] == [0, 0]
    assert {name: len(store.history(run.id, name)) for name in "abc"} == dict.fromkeys("abc", 100)
    store.update(run.id, status="FINISHED")
    assert len(RunStore(store.root).points(run.id)) == 303


def test_threads_share_a_store(store):
    run = store.create()
    threads = [threading.Thread(target=log, args=(store, run.id, name, 100)) for name in "abcd"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(store.points(run.id)) == 400


def test_others_see_what_is_logged_at_once(store):
    other = RunStore(store.root)
    run = store.create()
    for step in range(3):
        store.log_batch(run.id, metrics=[MetricPoint("loss", 0.5, step, step)], tags={"at": str(step)})
        assert other.get(run.id).metrics["loss"].step == step
        assert [each.tags["at"] for each in other.all()] == [str(step)]
        assert len(other.history(run.id, "loss")) == step + 1


@pytest.mark.slow
@pytest.mark.parametrize("turn", range(20 if FULL else 3))
def test_killed_writer_loses_nothing_that_was_confirmed(store, turn):
    run = store.create()
    reader, writer = os.pipe()

    def work() -> None:
        own = RunStore(store.root)
        step = 0
        while True:
            own.log_batch(run.id, metrics=[MetricPoint("loss", 0.1, step, step)])
            os.write(writer, b".")
            step += 1

    pid = begun(work)
    os.close(writer)
    confirmed = 0
    while confirmed < 50 + 37 * turn:
        confirmed += len(os.read(reader, 4096))
    killed(pid)
    while more := os.read(reader, 1 << 16):
        confirmed += len(more)
    os.close(reader)
    steps = [each.step for each in store.history(run.id, "loss")]
    assert steps == list(range(len(steps)))
    assert confirmed <= len(steps) <= confirmed + 1


def test_line_cut_short_is_passed_over_and_the_next_one_stands_alone(store):
    run = store.create()
    log(store, run.id, "loss", 2)
    with spool_of(store, run.id).open("ab") as stream:
        stream.write(b'["m","loss",0.5,10')
    assert len(store.history(run.id, "loss")) == 2
    log(store, run.id, "more", 1)
    found = RunStore(store.root)
    assert (len(found.history(run.id, "loss")), len(found.history(run.id, "more"))) == (2, 1)
    store.update(run.id, status="FINISHED")
    assert [each.key for each in store.points(run.id)] == ["loss", "loss", "more"]


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[]", b"{}", b'["m"]', b'["m","loss",[],0,0]', b'["s",7]', b"[" * 5000])
def test_broken_line_is_passed_over(store, line):
    run = store.create()
    log(store, run.id, "loss", 1)
    with spool_of(store, run.id).open("ab") as stream:
        stream.write(line + b"\n")
    log(store, run.id, "loss", 2)
    found = RunStore(store.root)
    assert len(found.history(run.id, "loss")) == 2  # the first point was logged twice, and counts once
    found.update(run.id, status="FINISHED")
    assert len(RunStore(store.root).history(run.id, "loss")) == 2


def test_run_of_a_killed_process_is_killed_and_is_sealed_by_the_next_command(store):
    made = store.root / "made"

    def work() -> None:
        own = RunStore(store.root)
        run = own.create(name="lost")
        own.log_batch(run.id, metrics=[MetricPoint("loss", 0.5, 1, 1)])
        made.write_text(run.id)
        threading.Event().wait()

    pid = begun(work)
    until(lambda: made.exists() and len(made.read_text()) == 32)
    run_id = made.read_text()
    assert store.get(run_id).status == "RUNNING"
    assert store.seal_lost() == ()
    killed(pid)
    assert store.get(run_id).status == "KILLED"
    assert store.seal_lost() == (run_id,)
    found = RunStore(store.root).get(run_id)
    assert (found.status, found.commit != "", found.metrics["loss"].value) == ("KILLED", True, 0.5)
    assert found.end_time is not None
    assert list((store.root / ".git/mlgit/live/writers").iterdir()) == []


def test_run_that_another_process_goes_on_with_runs_again(store):
    def work() -> None:
        RunStore(store.root).create(run_id="a" * 32)

    assert ended(begun(work)) == 0
    assert store.get("a" * 32).status == "KILLED"
    store.log_batch("a" * 32, tags={"more": "yes"})
    assert store.get("a" * 32).status == "RUNNING"
    assert store.seal_lost() == ()


def test_run_sealed_by_a_process_that_was_killed_before_it_took_the_spool_away(store):
    run_id = "a" * 32
    spool = spool_of(store, run_id)

    def work() -> None:
        own = RunStore(store.root)
        log(own, own.create(run_id=run_id).id, "loss", 3)
        content = spool.read_bytes()
        own.update(run_id, status="FINISHED", end_time=5000)
        spool.write_bytes(content + b'["s",{"end_time":5000,"status":"FINISHED"}]\n')

    assert ended(begun(work)) == 0
    commit = git(store.root, "rev-parse", f"refs/mlgit/runs/{run_id}")
    assert store.get(run_id).status == "FINISHED"
    assert store.seal_lost() == (run_id,)
    assert (store.get(run_id).commit, len(store.history(run_id, "loss"))) == (commit, 3)


def test_resumed_run_goes_on_where_it_was(store):
    run = store.create()
    log(store, run.id, "loss", 3)
    store.update(run.id, status="FINISHED", end_time=7)
    other = RunStore(store.root)
    other.update(run.id, status="RUNNING")
    assert other.get(run.id).status == "RUNNING"
    other.log_batch(run.id, metrics=[MetricPoint("loss", 9.0, 2000, 9)])
    assert len(store.history(run.id, "loss")) == 4
    other.update(run.id, status="FAILED", end_time=9)
    assert (store.get(run.id).status, store.get(run.id).end_time) == ("FAILED", 9)
    assert git(store.root, "rev-list", "--count", f"refs/mlgit/runs/{run.id}", "^HEAD") == "2"


def test_what_is_no_spool_stops_nobody(store):
    run = store.create()
    spool_of(store, "b" * 32).write_bytes(b"")
    spool_of(store, "c" * 32).mkdir()
    (store.root / ".git/mlgit/live/x.jsonl").symlink_to("/dev/zero")
    spool_of(store, "d" * 32).symlink_to("/dev/zero")
    assert [each.id for each in store.all()] == [run.id]
