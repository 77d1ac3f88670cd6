"""Many and large files: the same answers as one by one, whoever does the work, and whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from mlgit.adapters.dvc import ingest
from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.objects import Objects
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache, DamagedObjectError
from mlgit.adapters.system import dir_scan, fork_pool
from mlgit.errors import MlgitError
from tests.kit import write_tree

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


@pytest.fixture(params=[False, True], ids=["alone", "forked"])
def forked(request, monkeypatch):
    """Work done by one process, and by several (a test worker has threads, so it has to be told)."""
    monkeypatch.setattr(fork_pool, "may_fork", lambda: request.param)
    monkeypatch.setattr(fork_pool, "cpus", lambda: 3)
    monkeypatch.setattr(dir_scan, "MANY", 10)
    monkeypatch.setattr(dir_scan, "_SLICE", 20)
    return request.param


def small_files(root: Path) -> dict[str, bytes]:
    contents = {f"d{number % 5}/f{number}": b"%d" % (number % 70) * (number % 9) for number in range(300)}
    contents |= {"a": b"", "flat/" + "x" * 200: b"1", "deep/er/é": b"\xff"}
    contents |= {f"flat/{number}": b"%d" % number for number in range(100)}
    write_tree(root, contents)
    return contents


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def store(tmp_path: Path) -> Objects:
    return Objects(str(tmp_path / "store"), folder_mode=0o755, strip=0o022)


def placed(objects: Objects) -> dict[str, bytes]:
    paths = Path(objects.folder).rglob("*")
    return {path.parent.name + path.name: path.read_bytes() for path in paths if path.is_file()}


def test_take_all_hashes_and_places_every_file(tmp_path, forked):
    contents, objects = small_files(tmp_path / "data"), store(tmp_path)
    found = dir_scan.branches(str(tmp_path / "data"))
    taken = ingest.take_all(str(tmp_path / "data"), {below: inside[0] for below, inside in found.items()}, objects=objects)
    md5s = {
        below + name: taken[below].md5s.hex()[32 * at : 32 * at + 32]
        for below, inside in found.items()
        for at, name in enumerate(inside[0])
    }
    assert md5s == {path: md5(content) for path, content in contents.items()}
    assert placed(objects) == {md5(content): content for content in contents.values()}
    modes = {path.stat().st_mode & 0o777 for path in Path(objects.folder).glob("??/*")}
    assert modes == {0o444}
    for below, inside in found.items():
        rows = dir_scan.rows_of(taken[below].stamps)
        assert rows == [dir_scan.packed(os.stat(tmp_path / "data" / below / name)) for name in inside[0]]


def test_survey_sees_the_same_whoever_looks(tmp_path, forked):
    small_files(tmp_path)
    alone = dir_scan.survey(str(tmp_path))
    known = {below: state[1] for below, state in alone.items()}
    assert dir_scan.survey(str(tmp_path), known=known) == alone
    (tmp_path / "new/sub").mkdir(parents=True)
    (tmp_path / "new/sub/x").write_text("x")
    (tmp_path / "deep/er/é").unlink()
    (tmp_path / "deep/er").rmdir()
    (tmp_path / "flat/7").write_text("longer")
    (tmp_path / "d1/f1").rename(tmp_path / "d1/f1a")
    now = dir_scan.survey(str(tmp_path), known=known)
    assert now == dir_scan.survey(str(tmp_path))
    changed = {below for below in alone.keys() | now.keys() if alone.get(below) != now.get(below)}
    assert changed == {"", "new/", "new/sub/", "deep/", "deep/er/", "flat/", "d1/"}


def test_folder_moved_behind_a_link_is_not_followed(tmp_path, forked):
    small_files(tmp_path / "data")
    before = dir_scan.survey(str(tmp_path / "data"))
    (tmp_path / "data/d1").rename(tmp_path / "elsewhere")
    (tmp_path / "data/d1").symlink_to("../elsewhere", target_is_directory=True)
    now = dir_scan.survey(str(tmp_path / "data"), known={below: state[1] for below, state in before.items()})
    assert "d1/" not in now
    assert now[""] != before[""]


def test_only_changed_files_are_read_again(tmp_path, forked, monkeypatch):
    contents = small_files(tmp_path / "data")
    time.sleep(0.05)
    prints = Fingerprints(tmp_path, tmp_path / "kept")
    prints.digest("data")
    prints.save()
    (tmp_path / "data/d1/f1").write_text("changed")
    (tmp_path / "data/d2/new").write_text("new")
    (tmp_path / "data/d3/f3").unlink()
    read: list[str] = []
    real = ingest.take_all

    def watched(folder, names, **options):
        read.extend(below + name for below, each in names.items() for name in each)
        return real(folder, names, **options)

    monkeypatch.setattr(ingest, "take_all", watched)
    prints = Fingerprints(tmp_path, tmp_path / "kept")
    content = prints.digest("data")
    assert sorted(read) == ["d1/f1", "d2/new"]
    assert content == Fingerprints(tmp_path, tmp_path / "other").digest("data")
    assert content is not None
    assert content.nfiles == len(contents)


def test_lost_or_foreign_record_of_a_folder_costs_only_time(tmp_path):
    small_files(tmp_path / "data")
    prints = Fingerprints(tmp_path, tmp_path / "kept")
    content, members = prints.digest("data"), prints.members("data")
    prints.save()
    (file,) = (tmp_path / "kept/trees").iterdir()
    good = file.read_bytes()
    for bad in (b"", good[:40], good[:-5], good[:300] + b"x" + good[301:], good[:-30] + b"x" * 30):
        file.write_bytes(bad)
        prints = Fingerprints(tmp_path, tmp_path / "kept")
        assert (prints.digest("data"), prints.members("data")) == (content, members)


def test_error_in_a_fork_is_told_as_it_is(tmp_path, forked):
    def work(number: int) -> int:
        if number == 37:
            raise MlgitError("what", "why") if kind == "own" else FileNotFoundError(2, "No such file", "there")
        return number

    kind = "own"
    with pytest.raises(MlgitError, match="what"):
        fork_pool.spread(50, work)
    kind = "system"
    with pytest.raises(FileNotFoundError) as found:
        fork_pool.spread(50, work)
    assert found.value.filename == "there"
    assert fork_pool.spread(37, work) == list(range(37))


def test_killed_fork_is_an_error_and_leaves_no_zombie(monkeypatch):
    monkeypatch.setattr(fork_pool, "may_fork", lambda: True)
    monkeypatch.setattr(fork_pool, "cpus", lambda: 2)
    parent = os.getpid()

    def work(number: int) -> int:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)
        return number

    with pytest.raises(MlgitError, match="ended from outside"):
        fork_pool.spread(20, work)
    with suppress(ChildProcessError):  # there is no child at all, or those that are there are alive
        assert os.waitpid(-1, os.WNOHANG)[0] == 0


def test_threads_forbid_forks():
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    assert not fork_pool.may_fork()
    event.set()
    thread.join()


LARGE = b"0123456789abcdef" * (1 << 18)


@pytest.mark.parametrize("without", [(), ("copy_file_range",)])
def test_large_file_is_placed_while_it_is_hashed(tmp_path, monkeypatch, without):
    for name in without:
        monkeypatch.delattr(os, name)
    (tmp_path / "x").write_bytes(LARGE)
    told: list[float] = []
    digest, _ = ingest.take(str(tmp_path / "x"), store(tmp_path), tick=told.append)
    assert digest.hex() == md5(LARGE)
    assert placed(store(tmp_path)) == {md5(LARGE): LARGE}
    assert told[-1] == 1.0


@pytest.mark.parametrize("change", ["grown", "cut", "rewritten"])
def test_large_file_that_changes_while_it_is_stored_is_refused(tmp_path, monkeypatch, change):
    path = tmp_path / "x"
    path.write_bytes(LARGE)
    time.sleep(0.03)
    real = ingest._copy_piece

    def meanwhile(source, copy, size, at):
        if at == 0:
            if change == "rewritten":
                with open(path, "r+b") as stream:
                    stream.write(b"other")
            else:
                os.truncate(path, len(LARGE) + (10 if change == "grown" else -10))
        return real(source, copy, min(size, 1 << 20), at)

    monkeypatch.setattr(ingest, "_copy_piece", meanwhile)
    with pytest.raises(MlgitError, match="changed while it was stored"):
        ingest.take(str(path), store(tmp_path))
    assert placed(store(tmp_path)) == {}


def test_copy_that_fails_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "x").write_bytes(LARGE)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ingest, "_copy_piece", full)
    with pytest.raises(OSError, match="No space"):
        ingest.take(str(tmp_path / "x"), store(tmp_path))
    assert placed(store(tmp_path)) == {}


@pytest.mark.parametrize("strip", [0o077, 0o022])
def test_objects_are_read_only_for_all_under_any_umask(tmp_path, strip):
    before = os.umask(strip)
    try:
        objects = Objects(str(tmp_path / "store"), folder_mode=0o755, strip=strip)
        objects.place(b"x", md5(b"x"))
        (tmp_path / "x").write_bytes(LARGE)
        ingest.take(str(tmp_path / "x"), objects)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "store").glob("??/*")} == {0o444}


@pytest.mark.parametrize("types", [("copy",), ("hardlink",), ("symlink",), ("reflink", "copy")])
def test_folder_is_restored_and_damage_is_told(tmp_path, forked, types, monkeypatch):
    monkeypatch.setattr("mlgit.adapters.dvc.store._MANY", 10)
    contents = small_files(tmp_path / "data")
    cache = Cache(Settings(tmp_path / "cache", types), memo=tmp_path / "memo")
    prints = Fingerprints(tmp_path, tmp_path / "kept")
    content = prints.digest("data", into=cache.objects)
    assert content is not None
    cache.add_folder(str(tmp_path / "data"), prints.members("data"), content, placed=True)
    cache.checkout(content, str(tmp_path / "again"))
    again = {
        path.relative_to(tmp_path / "again").as_posix(): path.read_bytes()
        for path in (tmp_path / "again").rglob("*")
        if path.is_file()
    }
    assert again == contents
    victim = Path(cache.path(md5(contents["flat/77"])))
    victim.chmod(0o644)
    victim.write_bytes(b"99")
    victim.chmod(0o444)
    assert cache.has_all(content.md5)
    with pytest.raises(DamagedObjectError):
        cache.checkout(content, str(tmp_path / "third"))
    assert not victim.exists()
    assert not Cache(Settings(tmp_path / "cache", types)).has_all(content.md5)


def test_memory_of_complete_folders_ends_when_an_object_goes(tmp_path, monkeypatch):
    monkeypatch.setattr("mlgit.adapters.dvc.store._MANY", 10)
    contents = small_files(tmp_path / "data")
    settings, memo = Settings(tmp_path / "cache"), tmp_path / "memo"
    cache, prints = Cache(settings, memo=memo), Fingerprints(tmp_path, tmp_path / "kept")
    content = prints.digest("data", into=cache.objects)
    assert content is not None
    cache.add_folder(str(tmp_path / "data"), prints.members("data"), content)
    time.sleep(0.05)
    cache = Cache(settings, memo=memo)
    assert cache.has_all(content.md5)
    cache.save()
    cache = Cache(settings, memo=memo)
    with monkeypatch.context() as patch:
        patch.setattr(Cache, "members", lambda *args: pytest.fail("the folder was looked through again"))
        assert cache.has_all(content.md5)
    Path(cache.path(md5(contents["d1/f1"]))).unlink()
    assert not Cache(settings, memo=memo).has_all(content.md5)
