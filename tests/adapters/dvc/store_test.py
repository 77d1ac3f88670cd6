"""DVC's cache on disk, its settings and its locks: laid out as DVC does, and nothing wrong handed out."""

from __future__ import annotations

import fcntl
import json
import os
import stat

import pytest
from dvc.config import Config

from mlgit.adapters.dvc import settings
from mlgit.adapters.dvc.settings import Settings
from mlgit.adapters.dvc.store import Cache, DamagedObjectError
from mlgit.adapters.system import locks
from mlgit.adapters.system.digests import Content, Member, listing_md5, parse_listing
from mlgit.errors import MlgitError
from tests.kit import write_tree

ONE, TWO = "c4ca4238a0b923820dcc509a6f75849b", "c81e728d9d4c2f636f067f89cc14862c"  # of "1" and "2"


@pytest.fixture
def cache(tmp_path):
    """A cache that links as told: `cache("hardlink")`."""
    return lambda *types: Cache(Settings(tmp_path / "cache", types or ("copy",)))


def stored(cache, tmp_path, *types):
    (tmp_path / "source").write_text("1")
    made = cache(*types)
    made.add_file(str(tmp_path / "source"), ONE)
    return made


def folder(tmp_path, made):
    """A stored folder of two files; its content."""
    write_tree(tmp_path, {"folder/a": "1", "folder/in/b": "2"})
    members = [Member("a", ONE), Member("in/b", TWO)]
    content = Content(listing_md5(members), 2, 2)
    made.add_folder(str(tmp_path / "folder"), members, content)
    return content


def test_object_lies_under_its_md5_read_only(cache, tmp_path):
    stored(cache, tmp_path)
    path = tmp_path / "cache/files/md5" / ONE[:2] / ONE[2:]
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("1", 0o444)


def test_nothing_half_written_stays(cache, tmp_path):
    stored(cache, tmp_path)
    assert [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()] == [ONE[2:]]


def test_file_that_changed_meanwhile_is_not_stored(cache, tmp_path):
    (tmp_path / "source").write_text("2")
    made = cache()
    with pytest.raises(MlgitError, match="changed while it was stored"):
        made.add_file(str(tmp_path / "source"), ONE)
    assert not made.has(ONE)
    assert [path for path in (tmp_path / "cache").rglob("*") if path.is_file() and path.name == ONE[2:]] == []


def test_folder_that_is_not_what_it_is_said_to_be_is_not_stored(cache, tmp_path):
    write_tree(tmp_path, {"folder/a": "1"})
    with pytest.raises(MlgitError, match="changed while it was stored"):
        cache().add_folder(str(tmp_path / "folder"), [], Content(f"{ONE}.dir", 1, 1))


def test_object_whose_mode_tells_of_an_edit_is_checked(cache, tmp_path):
    made = stored(cache, tmp_path)
    path = tmp_path / "cache/files/md5" / ONE[:2] / ONE[2:]
    path.chmod(0o644)
    assert made.has(ONE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_object_that_was_edited_is_removed(cache, tmp_path):
    made = stored(cache, tmp_path)
    path = tmp_path / "cache/files/md5" / ONE[:2] / ONE[2:]
    path.chmod(0o644)
    path.write_text("rotten")
    assert not made.has(ONE)
    assert not path.exists()


@pytest.mark.parametrize("kinds", ["copy", "hardlink", "symlink", "reflink,copy"])
def test_edited_object_with_the_mode_of_a_good_one_is_not_handed_out(cache, tmp_path, kinds):
    made = stored(cache, tmp_path, *kinds.split(","))
    path = tmp_path / "cache/files/md5" / ONE[:2] / ONE[2:]
    path.chmod(0o644)
    path.write_text("x")
    path.chmod(0o444)
    with pytest.raises(DamagedObjectError):
        made.checkout(Content(ONE, 1), str(tmp_path / "out"))
    assert not made.has(ONE)


@pytest.mark.parametrize(
    ("kinds", "is_link", "names", "writable"),
    [
        (("copy",), False, 1, True),
        (("hardlink",), False, 2, False),
        (("symlink",), True, 1, False),
        (("reflink", "copy"), False, 1, True),
        (("reflink", "hardlink"), False, 2, False),
    ],
)
def test_restored_file_is_linked_as_configured(cache, tmp_path, kinds, is_link, names, writable):
    made = stored(cache, tmp_path, *kinds)
    out = tmp_path / "below/out"
    made.checkout(Content(ONE, 1), str(out))
    if made.objects.has_reflink and kinds[0] == "reflink":
        pytest.skip("this file system shares blocks")
    assert (out.read_text(), out.is_symlink(), out.stat().st_nlink) == ("1", is_link, names)
    assert bool(out.stat().st_mode & 0o200) == writable


@pytest.mark.parametrize("kind", ["hardlink", "symlink"])
def test_copy_can_be_asked_for_whatever_is_configured(cache, tmp_path, kind):
    made = stored(cache, tmp_path, kind)
    made.checkout(Content(ONE, 1), str(tmp_path / "out"), as_copy=True)
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "out").stat().st_nlink == 1


def test_empty_files_are_never_hard_links(cache, tmp_path):
    (tmp_path / "source").touch()
    made, md5 = cache("hardlink"), "d41d8cd98f00b204e9800998ecf8427e"
    made.add_file(str(tmp_path / "source"), md5)
    made.checkout(Content(md5, 0), str(tmp_path / "out"))
    assert (tmp_path / "out").stat().st_nlink == 1


def test_executable_file_is_restored_executable(cache, tmp_path):
    made = stored(cache, tmp_path)
    made.checkout(Content(ONE, 1, None, True), str(tmp_path / "out"))
    assert os.access(tmp_path / "out", os.X_OK)


def test_folder_replaces_what_lies_there(cache, tmp_path):
    made = cache()
    content = folder(tmp_path, made)
    write_tree(tmp_path, {"out/stray": "x"})
    made.checkout(content, str(tmp_path / "out"))
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")) == [
        "a",
        "in",
        "in/b",
    ]


def test_folder_lacks_when_one_of_its_files_does(cache, tmp_path):
    made = cache()
    content = folder(tmp_path, made)
    assert made.has_all(content.md5)
    (tmp_path / "cache/files/md5" / TWO[:2] / TWO[2:]).unlink()
    assert not cache().has_all(content.md5)


@pytest.mark.parametrize("path", ["../out", "/etc/out", "a/../../out", "", "a//b", "./a", ".."])
def test_listing_that_leads_out_of_its_folder_is_none(path):
    with pytest.raises(ValueError, match="not the list"):
        parse_listing(json.dumps([{"md5": ONE, "relpath": path}]).encode())


@pytest.mark.parametrize("md5", ["../../x", "", "c4ca", f"{ONE}.dir"])
def test_listing_with_an_md5_that_is_none_is_none(md5):
    with pytest.raises(ValueError, match="not the list"):
        parse_listing(json.dumps([{"md5": md5, "relpath": "a"}]).encode())


def test_output_that_stays_can_be_written_to_without_harm_to_the_cache(cache, tmp_path):
    made = stored(cache, tmp_path, "hardlink")
    made.checkout(Content(ONE, 1), str(tmp_path / "out"))
    made.unprotect(str(tmp_path / "out"))
    (tmp_path / "out").write_text("2")
    assert (tmp_path / "cache/files/md5" / ONE[:2] / ONE[2:]).read_text() == "1"


CONFIGURATIONS = [
    "",
    "[cache]\n    type = hardlink,symlink\n",
    "[cache]\ntype=symlink",
    "[cache]  # where\n    type = hardlink  # fast\n    dir = 'a # b'  # quoted\n",
    "[cache]\n    type = hardlink\n    dir = place#1\n",
    '[cache]\n    type = "reflink,copy"\n    shared = group\n',
    "# comment\n[core]\n    analytics = false\n[cache]\n    dir = ../elsewhere\n",
    "[cache]\n    dir = /absolute/place\n['remote \"x\"']\n    url = /tmp/x\n    version_aware = true\n",
]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_settings_are_those_that_dvc_reads(tmp_path, text):
    write_tree(tmp_path, {".dvc/config": text})
    theirs = Config(str(tmp_path / ".dvc"), local_dvc_dir=str(tmp_path / ".dvc"))
    ours = settings.load(tmp_path / ".dvc")
    assert list(ours.link_types) == list(theirs["cache"].get("type") or ["reflink", "copy"])
    assert str(ours.cache_folder) == os.path.normpath(os.path.join(tmp_path / ".dvc", theirs["cache"].get("dir") or "cache"))


def test_configuration_of_the_clone_goes_over_that_of_the_project(tmp_path):
    write_tree(tmp_path, {".dvc/config": "[cache]\n    type = copy\n", ".dvc/config.local": "[cache]\n    type = hardlink\n"})
    assert settings.load(tmp_path / ".dvc").link_types == ("hardlink",)


def test_lock_names_who_holds_it(tmp_path):
    with (
        locks.held(tmp_path / "lock", timeout=0, busy="busy", note="process 7\n"),
        pytest.raises(MlgitError, match="busy: process 7"),
        locks.held(tmp_path / "lock", timeout=0, busy="busy"),
    ):
        pass


def test_lock_is_free_again_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locks.held(tmp_path / "lock", timeout=0, busy="busy"):
        raise ZeroDivisionError
    with open(tmp_path / "lock") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.fixture
def busy(tmp_path):
    """The table of busy paths, and what stands in it."""
    return locks.BusyPaths(tmp_path, "mlgit run"), lambda: json.loads((tmp_path / "rwlock").read_text())


def test_running_stage_stands_in_the_table_as_dvc_writes_it(busy):
    paths, table = busy
    paths.change(enter=[("a", ["/p/in"], ["/p/out"])])
    me = {"pid": os.getpid(), "cmd": "mlgit run"}
    assert table() == {"write": {"/p/out": me}, "read": {"/p/in": [me]}}


def test_stage_that_ended_leaves_the_table(busy):
    paths, table = busy
    paths.change(enter=[("a", ["/p/in"], ["/p/out"]), ("b", ["/p/in"], [])])
    paths.change(leave=["a"])
    assert table() == {"write": {}, "read": {"/p/in": [{"pid": os.getpid(), "cmd": "mlgit run"}]}}


@pytest.mark.parametrize(
    ("table", "read", "written", "is_refused"),
    [
        ({"write": {"/p/x": 1}}, ["/p/x"], [], True),
        ({"write": {"/p/x": 1}}, [], ["/p/x"], True),
        ({"write": {"/p/x": 1}}, ["/p/x/below"], [], True),
        ({"write": {"/p/x/below": 1}}, ["/p/x"], [], True),
        ({"write": {"/p/x": 1}}, ["/p/xy"], [], False),
        ({"read": {"/p/x": [1]}}, ["/p/x"], [], False),
        ({"read": {"/p/x": [1]}}, [], ["/p/x"], True),
    ],
)
def test_paths_are_refused_as_far_as_others_use_them(tmp_path, table, read, written, is_refused):
    info = {"pid": os.getppid(), "cmd": "dvc repro"}
    full = {
        "write": dict.fromkeys(table.get("write", {}), info),
        "read": {path: [info] for path in table.get("read", {})},
    }
    (tmp_path / "rwlock").write_text(json.dumps(full))
    paths = locks.BusyPaths(tmp_path, "mlgit run")
    for ask in (lambda: paths.refuse(read, written), lambda: paths.change(enter=[("a", read, written)])):
        try:
            ask()
            refused = False
        except MlgitError as error:
            refused = "in use by `dvc repro`" in error.message
        assert refused == is_refused


def test_entries_of_others_stay(busy, tmp_path):
    paths, table = busy
    info = {"pid": os.getppid(), "cmd": "dvc repro"}
    (tmp_path / "rwlock").write_text(json.dumps({"write": {"/p/x": info}, "read": {}}))
    paths.change(enter=[("a", ["/p/in"], [])])
    paths.change(leave=["a"])
    assert table() == {"write": {"/p/x": info}, "read": {}}
