"""What a lock or a `.dvc` file names is on the disk before they are, and there are few waits for the disk."""

from __future__ import annotations

import os

import pytest

from mlgit.adapters.system import files, fsync
from mlgit.adapters.system.fsync import Settling
from mlgit.errors import MlgitError
from mlgit.executors import local
from tests.kit import dvc, repository, write_tree

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

STAGES = "stages:\n" + "".join(f"  s{n}: {{cmd: cp in.txt {n}.txt, deps: [in.txt], outs: [{n}.txt]}}\n" for n in range(40))


@pytest.fixture
def diary(monkeypatch):
    """What is asked of the disk, in order: ("settle", objects there), ("file",), ("replace", name), (event,)."""
    rows = []
    monkeypatch.delenv("MLGIT_FSYNC")
    replace = os.replace

    def settled(descriptor):
        folder = os.readlink(f"/proc/self/fd/{descriptor}") if os.path.isdir("/proc/self/fd") else ""
        rows.append(("settle", sum(len(names) for at, _, names in os.walk(f"{folder}/files/md5"))))

    def replaced(source, target):
        replace(source, target)
        rows.append(("replace", os.path.basename(target)))

    monkeypatch.setattr(fsync, "_sync_file_system", settled)
    monkeypatch.setattr(os, "fsync", lambda descriptor: rows.append(("file",)))
    monkeypatch.setattr(os, "replace", replaced)
    return rows


def around(diary, name):
    """What precedes and follows the last time that a file of this name was put in place."""
    at = max(number for number, row in enumerate(diary) if row == ("replace", name))
    return diary[:at], diary[at + 1 :]


def test_objects_are_settled_before_the_lock_and_the_lock_before_the_end(tmp_path, cli, diary):
    root = repository(tmp_path / "p", {"dvc.yaml": STAGES, "in.txt": "in\n"})
    assert cli(root, "run").code == 0
    before, after = around(diary, "dvc.lock")
    assert before[-1] == ("file",)
    assert [row for row in before if row[0] == "settle"][-1] == ("settle", 1)
    assert "settle" in [row[0] for row in after]


def test_waits_for_the_disk_do_not_grow_with_the_stages(tmp_path, cli, diary):
    root = repository(tmp_path / "p", {"dvc.yaml": STAGES, "in.txt": "in\n"})
    assert cli(root, "run").code == 0
    waits = [row for row in diary if row[0] in ("settle", "file")]
    locks = diary.count(("replace", "dvc.lock"))
    assert locks < 40
    assert len(waits) <= 3 * locks + 1
    diary.clear()
    assert cli(root, "run").code == 0
    assert [row for row in diary if row[0] in ("settle", "file")] == []


def test_what_is_finished_is_settled_when_a_run_fails_or_is_interrupted(tmp_path, cli, diary, monkeypatch):
    stages = "stages:\n  a: {cmd: cp in.txt a.txt, deps: [in.txt], outs: [a.txt]}\n  b: {cmd: exit 3, deps: [a.txt]}\n"
    root = repository(tmp_path / "p", {"dvc.yaml": stages, "in.txt": "in\n"})
    assert cli(root, "run").code == 1
    before, after = around(diary, "dvc.lock")
    assert ("settle", 1) in before
    assert "settle" in [row[0] for row in after]
    diary.clear()
    (root / "in.txt").write_text("other\n")
    submit, calls = local.Local.submit, []

    def interrupted(self, job):
        calls.append(job.name)
        if job.name == "b":
            raise KeyboardInterrupt
        submit(self, job)

    monkeypatch.setattr(local.Local, "submit", interrupted)
    assert cli(root, "run").code == 130
    assert calls == ["a", "b"]
    before, after = around(diary, "dvc.lock")
    assert ("settle", 2) in before
    assert "settle" in [row[0] for row in after]


@pytest.mark.parametrize("link", ["copy", "hardlink"])
def test_added_data_is_settled_before_its_file_and_before_it_becomes_a_link(tmp_path, cli, diary, link):
    root = repository(tmp_path / "p")
    write_tree(root, {"data.txt": "data\n"})
    assert dvc(root, "config", "cache.type", link).code == 0
    diary.clear()
    assert cli(root, "add", "data.txt").code == 0
    before, after = around(diary, "data.txt.dvc")
    assert before[-1] == ("file",)
    assert ("settle", 1) in before
    assert "settle" in [row[0] for row in after]
    if link == "hardlink":
        before, _ = around(diary, "data.txt")
        assert ("settle", 1) in before


def test_a_slow_disk_is_waited_for_seldom_but_at_the_end(monkeypatch):
    settled, now = [], [100.0]

    def settle(folder):
        settled.append(now[0])
        now[0] += 1.0

    monkeypatch.setattr(fsync.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(fsync, "settle", settle)
    settling = Settling("x")
    for _ in range(100):
        now[0] += 0.25
        settling.settle(surely=False)
    assert len(settled) == 2
    settling.settle(surely=True)
    assert len(settled) == 3


def test_a_disk_that_fails_is_said(tmp_path, monkeypatch):
    monkeypatch.delenv("MLGIT_FSYNC")

    def broken(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(fsync, "_sync_file_system", broken)
    with pytest.raises(MlgitError, match="the disk did not take what was written: Input/output error"):
        fsync.settle(str(tmp_path))


def test_real_calls_reach_the_system(tmp_path, monkeypatch):
    monkeypatch.delenv("MLGIT_FSYNC")
    fsync.settle(str(tmp_path))
    fsync.settle(str(tmp_path / "is not there"))
    files.write_atomic(tmp_path / "x", "1", durable=True)
    assert (tmp_path / "x").read_text() == "1"
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.close(descriptor)
    with pytest.raises(OSError, match="Bad file descriptor"):
        fsync._sync_file_system(descriptor)


def test_nothing_is_waited_for_where_nothing_has_to_last(tmp_path, diary, monkeypatch):
    monkeypatch.setenv("MLGIT_FSYNC", "0")
    fsync.settle(str(tmp_path))
    files.write_atomic(tmp_path / "x", "1", durable=True)
    assert diary == [("replace", "x")]
