"""DVC's table of busy paths, as this process writes it beside what others wrote."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from pathlib import Path

from mlgit.adapters.system import locks
from mlgit.adapters.system.locks import BusyPaths


def test_table_holds_what_others_wrote_and_what_runs_here(tmp_path):
    other = {"pid": 1, "cmd": "dvc repro"}  # it always lives
    before = {"write": {"/z": other}, "read": {"/shared": [other]}}
    table = tmp_path / "rwlock"
    table.write_text(json.dumps(before))
    busy, me = BusyPaths(tmp_path, "mlgit run"), {"pid": os.getpid(), "cmd": "mlgit run"}
    busy.change(enter=[("a", ["/shared", "/q"], ["/w"]), ("b", ["/q"], ['/é \\ " w'])])
    assert json.loads(table.read_text()) == {
        "write": {"/z": other, "/w": me, '/é \\ " w': me},
        "read": {"/shared": [other, me], "/q": [me]},
    }
    busy.change(leave=["a"])
    assert json.loads(table.read_text()) == {"write": {"/z": other, '/é \\ " w': me}, "read": {"/shared": [other], "/q": [me]}}
    busy.change(leave=["b"])
    assert table.read_text() == json.dumps(before)


def test_table_says_what_runs_now_whatever_was_longer_before(tmp_path):
    table = tmp_path / "rwlock"
    busy, me = BusyPaths(tmp_path, "mlgit run"), {"pid": os.getpid(), "cmd": "mlgit run"}
    for name in ("/p/a long name", "/p/b", "/p/c" * 2000, "/p/d"):
        busy.change(enter=[(name, (), [name])])
        assert json.loads(table.read_text()) == {"write": {name: me}, "read": {}}
        busy.change(leave=[name], enter=[("kept", ["/p/in"], [])])
        assert json.loads(table.read_text()) == {"write": {}, "read": {"/p/in": [me]}}
        busy.change(leave=["kept"])
        assert table.read_text() == '{"write": {}, "read": {}}'


def test_table_that_another_process_writes_in_place_keeps_its_rows(tmp_path):
    table, other = tmp_path / "rwlock", {"pid": os.getppid(), "cmd": "dvc repro"}
    busy, me = BusyPaths(tmp_path, "mlgit run"), {"pid": os.getpid(), "cmd": "mlgit run"}
    for number in range(3):
        busy.change(enter=[(f"s{number}", [], [f"/p/{number}"])])
        kept = json.loads(table.read_text())["write"]
        table.write_text(json.dumps({"write": {**kept, f"/q/{number}": other}, "read": {}}))
    busy.change(leave=["s0", "s1"])
    assert json.loads(table.read_text())["write"] == {"/p/2": me, **{f"/q/{number}": other for number in range(3)}}


def test_lock_of_the_table_that_was_removed_is_made_anew(tmp_path):
    busy = BusyPaths(tmp_path, "mlgit run")
    busy.change(enter=[("a", [], ["/p/a"])])
    (tmp_path / "rwlock.lock").unlink()
    busy.change(enter=[("b", [], ["/p/b"])])
    assert (tmp_path / "rwlock.lock").read_text() == f" {os.getpid()}\n"


def test_lock_of_another_user_can_be_asked_about():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        lock = Path(folder) / "run.lock"
        with locks.held(lock, timeout=0, busy="in use"):
            pass
        lock.chmod(0o444)
        user = os.geteuid()
        try:
            if not user:
                os.seteuid(65534)  # nothing is forbidden to root
            assert not locks.is_shared(lock)
            with open(lock) as stream:
                fcntl.flock(stream, fcntl.LOCK_SH)
                assert locks.is_shared(lock)
        finally:
            os.seteuid(user)


def test_process_that_ended_and_was_not_waited_for_runs_no_more():
    pid = os.fork()
    if not pid:
        os._exit(0)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # it has ended, and is still in the table
        assert locks.is_alive(pid) is not os.path.isdir("/proc/self")
        assert locks.is_alive(os.getpid())
    finally:
        os.waitpid(pid, 0)
    assert not locks.is_alive(pid)
