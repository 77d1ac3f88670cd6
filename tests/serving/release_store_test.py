"""Folders of releases that several servers share: whole or not there, and kept as long as one of them lives."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from mlgit.errors import MlgitError
from mlgit.serving.release_store import ReleaseStore

HOLD = """\
import sys
from pathlib import Path
from mlgit.serving.release_store import ReleaseStore
store = ReleaseStore(Path(sys.argv[1]))
store.place("one", is_whole=lambda _: True, write=None)
print("held", flush=True)
sys.stdin.read()
"""


def written(text):
    def write(folder):
        folder.mkdir()
        (folder / "file").write_text(text)

    return write


def is_whole(folder):
    return (folder / "file").read_text() == "whole"


def folders(folder):
    return sorted(name for name in os.listdir(folder) if (folder / name).is_dir())


def test_folder_is_written_once_and_used_again(tmp_path):
    one, other = ReleaseStore(tmp_path), ReleaseStore(tmp_path)
    place = one.place("one", is_whole=is_whole, write=written("whole"))
    assert other.place("one", is_whole=is_whole, write=written("again")) == place
    assert (place / "file").read_text() == "whole"


def test_damaged_folder_is_written_anew(tmp_path):
    store = ReleaseStore(tmp_path)
    place = store.place("one", is_whole=is_whole, write=written("whole"))
    (place / "file").write_text("half")
    store.place("one", is_whole=is_whole, write=written("whole"))
    assert (place / "file").read_text() == "whole"
    assert folders(tmp_path) == ["one"]


def test_what_could_not_be_written_leaves_nothing(tmp_path):
    def fail(folder):
        folder.mkdir()
        raise MlgitError("no bytes")

    store = ReleaseStore(tmp_path)
    with pytest.raises(MlgitError, match="no bytes"):
        store.place("one", is_whole=is_whole, write=fail)
    assert folders(tmp_path) == []


def test_only_what_no_server_uses_is_removed(tmp_path):
    one, other = ReleaseStore(tmp_path), ReleaseStore(tmp_path)
    first = one.place("one", is_whole=is_whole, write=written("whole"))
    second = one.place("two", is_whole=is_whole, write=written("whole"))
    other.place("one", is_whole=is_whole, write=written("whole"))
    one.keep([second])
    assert first.is_dir()
    other.keep([])
    assert folders(tmp_path) == ["two"]
    one.close()
    other.keep([])
    assert os.listdir(tmp_path) == ["lock"]


def test_release_of_a_server_that_was_killed_is_free(tmp_path):
    store = ReleaseStore(tmp_path)
    place = store.place("one", is_whole=is_whole, write=written("whole"))
    argv = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout.readline() == b"held\n"
        store.keep([])
        assert place.is_dir()
        child.kill()
        child.wait()
    store.keep([])
    assert not place.exists()


def test_many_servers_at_once_share_one_folder(tmp_path):
    found, wrong = [], []

    def serve():
        store = ReleaseStore(tmp_path)
        try:
            for _ in range(5):
                place = store.place("one", is_whole=is_whole, write=written("whole"))
                found.append((place / "file").read_text())
                store.keep([])
        except Exception as error:
            wrong.append(error)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (wrong, set(found), len(found)) == ([], {"whole"}, 20)
    assert folders(tmp_path) == []


def test_slower_server_leaves_what_the_faster_one_wrote(tmp_path):
    slow, fast = ReleaseStore(tmp_path), ReleaseStore(tmp_path)
    seen = []

    def write(folder):
        seen.append(fast.place("one", is_whole=is_whole, write=written("whole")).stat().st_ino)
        written("whole")(folder)

    assert slow.place("one", is_whole=is_whole, write=write).stat().st_ino == seen[0]
    assert folders(tmp_path) == ["one"]


def test_only_its_owner_can_look_into_it(tmp_path):
    folder = tmp_path / "releases"
    ReleaseStore(folder).place("one", is_whole=is_whole, write=written("whole"))
    assert folder.stat().st_mode & 0o077 == 0
