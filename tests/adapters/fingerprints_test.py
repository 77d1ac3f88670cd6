"""Digests by stat: equal to DVC's, never out of date, and not read again without need."""

from __future__ import annotations

import errno
import os
import time

import pytest
from dvc_data.hashfile.build import build
from dvc_data.hashfile.db.local import LocalHashFileDB
from dvc_objects.fs import LocalFileSystem
from hypothesis import given
from hypothesis import strategies as st

from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.dvc.objects import Objects
from mlgit.adapters.system import stat_signature
from mlgit.adapters.system.stat_signature import RACY_NS
from mlgit.errors import MlgitError
from tests.kit import write_tree

names = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
names = names.filter(lambda name: name not in (".", "..", ".git", ".hg", ".dvc", ".dvcignore"))
paths = st.lists(names, min_size=1, max_size=3).map("/".join)


def by_dvc(folder, store):
    """What DVC calls the content of a path: md5, size, files."""
    odb = LocalHashFileDB(LocalFileSystem(), str(store), hash_name="md5")
    _, meta, made = build(odb, str(folder), LocalFileSystem(), "md5", dry_run=True)
    return made.hash_info.value, meta.size, meta.nfiles


@pytest.fixture
def prints(tmp_path):
    """Fingerprints as a new process would have them."""
    return lambda: Fingerprints(tmp_path, tmp_path / ".own")


def age(*paths):
    """Wait until the times of these paths can be trusted."""
    while time.time_ns() < max(os.stat(path).st_ctime_ns for path in paths) + 2 * RACY_NS:
        pass


def without_reading(monkeypatch, function):
    """Call a function while every reading of a file fails the test."""
    with monkeypatch.context() as patch:
        patch.setattr("mlgit.adapters.dvc.ingest.take", lambda *args, **kwargs: pytest.fail("read again"))
        patch.setattr("mlgit.adapters.dvc.ingest.take_all", lambda *args, **kwargs: pytest.fail("read again"))
        return function()


@given(files=st.dictionaries(paths, st.binary(max_size=20), min_size=1, max_size=6))
def test_digest_of_a_folder_is_that_of_dvc(tmp_path_factory, files):
    root = tmp_path_factory.mktemp("tree")
    kept = {}
    for path, content in files.items():  # a name cannot be a file and a folder
        if not any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in kept):
            kept[path] = content
    write_tree(root / "folder", kept)
    found = Fingerprints(root, root / ".own").digest("folder")
    assert (found.md5, found.size, found.nfiles) == by_dvc(root / "folder", root / "store")


@pytest.mark.parametrize("content", [b"", b"text\n", b"\r\n" * 5, bytes(range(256)) * 9000])
def test_digest_of_a_file_is_that_of_dvc(tmp_path, prints, content):
    (tmp_path / "file").write_bytes(content)
    found = prints().digest("file")
    assert (found.md5, found.size, found.nfiles) == (by_dvc(tmp_path / "file", tmp_path / "store")[0], len(content), None)


def test_empty_folders_do_not_count(tmp_path, prints):
    write_tree(tmp_path, {"one/a": "1", "other/a": "1"})
    (tmp_path / "other/empty").mkdir()
    assert prints().digest("one").md5 == prints().digest("other").md5


def test_folder_without_files_is_a_folder(tmp_path, prints):
    (tmp_path / "folder").mkdir()
    found = prints().digest("folder")
    assert (found.md5, found.size, found.nfiles) == by_dvc(tmp_path / "folder", tmp_path / "store")


def test_path_that_is_not_there_has_no_digest(prints):
    assert prints().digest("nothing") is None
    assert prints().digest("nothing/below") is None


def test_full_disk_of_the_cache_is_named(tmp_path, prints, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    write_tree(tmp_path, {"x": "1\n"})
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(MlgitError, match=f"x: cannot be stored: the disk of the cache, {tmp_path}/store, is full"):
        prints().digest("x", into=Objects(str(tmp_path / "store"), folder_mode=0o755, strip=0o022))


def test_path_below_a_file_has_no_digest(tmp_path, prints):
    (tmp_path / "file").touch()
    assert prints().digest("file/below") is None


def test_link_counts_as_what_it_leads_to(tmp_path, prints):
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    assert prints().digest("link") == prints().digest("file")


def test_executable_bit_is_seen_without_reading(tmp_path, prints):
    (tmp_path / "file").write_text("x")
    assert not prints().digest("file").isexec
    (tmp_path / "file").chmod(0o755)
    assert prints().digest("file").isexec


def test_pipe_is_refused(tmp_path, prints):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(MlgitError, match="pipe: neither a file nor a folder"):
        prints().digest("pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_file_that_cannot_be_read_is_named(tmp_path, prints):
    (tmp_path / "file").touch(0o000)
    with pytest.raises(MlgitError, match=r"file: cannot be read"):
        prints().digest("file")


def test_dvcignore_inside_a_folder_is_refused_as_in_dvc(tmp_path, prints):
    write_tree(tmp_path, {"folder/.dvcignore": "*\n", "folder/a": "1"})
    with pytest.raises(MlgitError, match=r"\.dvcignore"):
        prints().digest("folder")


def test_unchanged_file_is_not_read_again(tmp_path, prints, monkeypatch):
    (tmp_path / "file").write_text("x")
    age(tmp_path / "file")
    first = prints()
    known = first.digest("file")
    first.save()
    assert without_reading(monkeypatch, lambda: prints().digest("file")) == known


def test_unchanged_folder_is_not_read_again(tmp_path, prints, monkeypatch):
    write_tree(tmp_path, {"folder/a": "1", "folder/in/b": "2"})
    age(tmp_path / "folder/a", tmp_path / "folder/in/b", tmp_path / "folder")
    first = prints()
    known = first.digest("folder")
    first.save()
    assert without_reading(monkeypatch, lambda: prints().digest("folder")) == known


def test_members_of_an_unchanged_folder_are_known(tmp_path, prints):
    write_tree(tmp_path, {"folder/a": "1", "folder/in/b": "2"})
    age(tmp_path / "folder/a", tmp_path / "folder/in/b", tmp_path / "folder")
    first = prints()
    first.digest("folder")
    first.save()
    later = prints()
    later.digest("folder")
    assert [member.path for member in later.members("folder")] == ["a", "in/b"]


@pytest.mark.parametrize("content", [b"", b"garbage", None])
def test_members_survive_the_loss_of_what_was_kept(tmp_path, prints, content):
    write_tree(tmp_path, {"folder/a": "1", "folder/in/b": "2"})
    age(tmp_path / "folder/a", tmp_path / "folder/in/b", tmp_path / "folder")
    first = prints()
    first.digest("folder")
    known = first.members("folder")
    first.save()
    for path in (tmp_path / ".own").rglob("*"):
        if path.is_file():
            path.unlink() if content is None else path.write_bytes(content)
    later = prints()
    later.digest("folder")
    assert later.members("folder") == known


@pytest.mark.parametrize("path", ["file", "folder/a", "folder/in/b"])
def test_same_size_written_twice_within_a_tick_is_seen(tmp_path, prints, path):
    write_tree(tmp_path, {"file": "1", "folder/a": "1", "folder/in/b": "1"})
    target = path.partition("/")[0]
    for number in range(2, 30):
        first = prints()
        before = first.digest(target)
        first.save()
        with open(tmp_path / path, "r+") as stream:  # the same file: no new inode tells
            stream.write(str(number % 10))
        assert prints().digest(target) != before


def test_times_set_back_are_seen_by_the_change_time(tmp_path, prints):
    path = tmp_path / "file"
    path.write_text("1")
    age(path)
    first, times = prints(), os.stat(path)
    before = first.digest("file")
    first.save()
    with open(path, "r+") as stream:
        stream.write("2")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert prints().digest("file") != before


def test_file_replaced_by_an_older_one_of_equal_size_is_seen(tmp_path, prints):
    write_tree(tmp_path, {"old": "1", "file": "2"})
    age(tmp_path / "file")
    first = prints()
    before = first.digest("file")
    first.save()
    (tmp_path / "old").replace(tmp_path / "file")
    assert prints().digest("file") != before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "new").write_text("3"),
        lambda folder: (folder / "a").unlink(),
        lambda folder: (folder / "a").rename(folder / "c"),
        lambda folder: (folder / "in/b").rename(folder / "b"),
        lambda folder: (folder / "in").rename(folder / "out"),
        lambda folder: (folder / "in/b").write_text("3"),
    ],
)
def test_change_inside_a_folder_is_seen(tmp_path, prints, change):
    write_tree(tmp_path, {"folder/a": "1", "folder/in/b": "2"})
    age(tmp_path / "folder/a", tmp_path / "folder/in/b", tmp_path / "folder")
    first = prints()
    before = first.digest("folder")
    first.save()
    change(tmp_path / "folder")
    found = prints().digest("folder")
    assert found != before
    assert found.md5 == by_dvc(tmp_path / "folder", tmp_path / "store")[0]


def test_file_that_became_a_folder_is_a_folder(tmp_path, prints):
    (tmp_path / "x").write_text("1")
    first = prints()
    first.digest("x")
    first.save()
    (tmp_path / "x").unlink()
    write_tree(tmp_path, {"x/a": "1"})
    assert prints().digest("x").md5.endswith(".dir")


def test_stamp_taken_within_a_tick_is_not_trusted():
    assert stat_signature.is_racy((1000, 0, 1, 1), 1000 + RACY_NS)
    assert not stat_signature.is_racy((1000, 0, 1, 1), 1001 + RACY_NS)


def test_change_time_counts_as_well_as_the_time_of_writing():
    assert stat_signature.is_racy((0, 1000, 1, 1), 1000)
