from __future__ import annotations

import os
import signal
import threading

import pytest

from mlgit.adapters.system import presence
from mlgit.adapters.system.fork_lock import ForkLock
from mlgit.errors import MlgitError
from tests.experiments.stores import begun, ended, killed, until


def present(folder: str, told: str) -> None:
    """Be there, say so in a file, and stay."""
    name = presence.token(folder)
    with open(f"{told}.tmp", "w") as stream:
        stream.write(name)
    os.rename(f"{told}.tmp", told)
    threading.Event().wait()


def test_process_is_there_until_it_is_killed(tmp_path):
    folder, told = str(tmp_path / "writers"), tmp_path / "told"
    pid = begun(lambda: present(folder, str(told)))
    until(told.exists)
    name = told.read_text()
    assert presence.is_there(folder, name)
    presence.sweep(folder)
    assert presence.is_there(folder, name)
    killed(pid)
    assert not presence.is_there(folder, name)
    presence.sweep(folder)
    assert os.listdir(folder) == []


def test_own_token_is_one_and_stays_when_it_is_asked_for(tmp_path):
    folder = str(tmp_path / "writers")
    name = presence.token(folder)
    assert presence.token(folder) == name
    assert presence.is_there(folder, name)

    def work() -> None:
        assert presence.is_there(folder, name)
        assert presence.token(folder) != name

    for _ in range(2):
        presence.sweep(folder)
        assert ended(begun(work)) == 0


def test_child_that_outlives_its_parent_does_not_stand_for_it(tmp_path):
    folder, told, child = str(tmp_path / "writers"), tmp_path / "told", tmp_path / "child"

    def work() -> None:
        presence.token(folder)
        pid = begun(lambda: threading.Event().wait())
        child.write_text(str(pid))
        present(folder, str(told))

    pid = begun(work)
    until(told.exists)
    killed(pid)
    try:
        assert not presence.is_there(folder, told.read_text())
    finally:
        os.kill(int(child.read_text()), 9)


@pytest.mark.parametrize("name", ["", "../x", "a" * 32, "A" * 32])
def test_what_is_no_token_is_not_there(tmp_path, name):
    assert not presence.is_there(str(tmp_path), name)


def test_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MlgitError):
        presence.token(str(tmp_path / "file" / "writers"))


def test_lock_that_another_thread_holds_is_open_in_a_fork():
    lock, is_held, is_done = ForkLock(), threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            is_held.set()
            is_done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(60)

    def work() -> None:
        signal.alarm(60)
        with lock:
            pass

    try:
        assert ended(begun(work)) == 0
    finally:
        is_done.set()
        thread.join()
