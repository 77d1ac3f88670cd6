"""Links between workspace and cache: what is there already, what is impossible, and nothing left beside outputs."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

from mlgit.adapters.dvc.links import NoLinkError
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache
from mlgit.adapters.system.digests import Content, Member, listing_md5
from tests.kit import write_tree

ONE, TWO, NONE = "c4ca4238a0b923820dcc509a6f75849b", "c81e728d9d4c2f636f067f89cc14862c", "d41d8cd98f00b204e9800998ecf8427e"


def made(tmp_path, *types):
    return Cache(Settings(tmp_path / "cache", types), memo=tmp_path / "own/objects")


def stored(tmp_path, cache):
    """A folder of three files, stored by `cache`: content and members."""
    write_tree(tmp_path, {"out/a": "1", "out/in/b": "2", "out/none": ""})
    members = [Member("a", ONE), Member("in/b", TWO), Member("none", NONE)]
    content = Content(listing_md5(members), 2, 3)
    cache.add_folder(str(tmp_path / "out"), members, content)
    return content, members


def names(tmp_path):
    return sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file())


@pytest.mark.parametrize("types", [("hardlink",), ("symlink",), ("hardlink", "symlink"), ("reflink", "hardlink", "copy")])
def test_linking_twice_leaves_nothing_beside_the_files_of_a_folder(tmp_path, types):
    cache = made(tmp_path, *types)
    content, members = stored(tmp_path, cache)
    for restored in (False, False, True, True):
        cache.relink(content, members, str(tmp_path / "out"), restored=restored)
        assert names(tmp_path) == ["a", "in/b", "none"]
    assert [path for path in (tmp_path / "own").iterdir() if path.name.endswith(".tmp")] == []


def test_hard_link_is_replaced_by_itself_without_a_leftover(tmp_path):
    cache = made(tmp_path, "hardlink")
    content, members = stored(tmp_path, cache)
    cache.relink(content, members, str(tmp_path / "out"))
    cache._replace(str(tmp_path / "out/a"), ONE, cache.links, is_exec=False)
    assert names(tmp_path) == ["a", "in/b", "none"]
    assert list((tmp_path / "own").iterdir()) == []


def test_without_a_possible_link_nothing_is_touched(tmp_path):
    cache = made(tmp_path, "reflink")
    content, _ = stored(tmp_path, cache)
    if cache.links.can_clone(str(tmp_path)):
        pytest.skip("this file system shares blocks")
    with pytest.raises(NoLinkError, match=r"cache\.type: reflink") as refused:
        cache.checkout(content, str(tmp_path / "out"))
    assert (refused.value.hint or "").endswith("`dvc config cache.type reflink,copy`")
    assert names(tmp_path) == ["a", "in/b", "none"]


def test_file_of_a_folder_stays_a_copy_where_copies_are_allowed(tmp_path):
    cache = made(tmp_path, "symlink", "copy")
    content, members = stored(tmp_path, cache)
    assert not cache.relink(content, members, str(tmp_path / "out"))
    assert cache.relink(content, members, str(tmp_path / "out"), restored=True)
    assert all((tmp_path / "out" / member.path).is_symlink() for member in members)


def test_object_of_an_executable_output_that_is_a_link_stays_sound_and_executable(tmp_path):
    cache = made(tmp_path, "hardlink")
    (tmp_path / "tool").write_text("1")
    cache.add_file(str(tmp_path / "tool"), ONE)
    cache.relink(Content(ONE, 1, None, isexec=True), [], str(tmp_path / "tool"))
    assert cache.has(ONE)
    assert stat.S_IMODE((tmp_path / "tool").stat().st_mode) == 0o544


def test_output_that_stays_and_leads_nowhere_is_left_alone(tmp_path):
    write_tree(tmp_path, {"out/a": "1"})
    os.symlink("nowhere", tmp_path / "out/lost")
    made(tmp_path, "copy").unprotect(str(tmp_path / "out"))
    assert os.readlink(tmp_path / "out/lost") == "nowhere"


@pytest.fixture
def shared_place():
    """A folder that every user may write to."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    place = Path(tempfile.mkdtemp())
    place.chmod(0o777)
    yield place
    shutil.rmtree(place)


@contextlib.contextmanager
def somebody_else():
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize("types", [("copy",), ("hardlink", "copy"), ("symlink",)])
def test_object_of_another_user_is_read_and_linked_as_far_as_it_may(shared_place, types):
    stored = made(shared_place, *types)
    (shared_place / "source").write_text("1")
    stored.add_file(str(shared_place / "source"), ONE)
    os.chmod(stored.path(ONE), 0o644)  # as copied by other means
    with somebody_else():
        cache = Cache(Settings(shared_place / "cache", types, shared=True))
        assert cache.has(ONE)
        cache.checkout(Content(ONE, 1, None, isexec=True), str(shared_place / "out"))
        cache.relink(Content(ONE, 1, None, isexec=True), [], str(shared_place / "out"))
        assert (shared_place / "out").read_text() == "1"


def test_file_of_another_user_that_is_tracked_is_replaced_where_its_mode_may_not_be_changed(shared_place):
    (shared_place / "file").write_text("1")
    (shared_place / "file").chmod(0o640)
    with somebody_else():
        cache = Cache(Settings(shared_place / "cache", ("copy",), shared=True))
        cache.add_file(str(shared_place / "file"), ONE)
        assert cache.relink(Content(ONE, 1), [], str(shared_place / "file"))
    assert (shared_place / "file").stat().st_uid == 65534
