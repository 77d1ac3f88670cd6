"""Files: what is written is all there or not at all, and what cannot be read is told."""

from __future__ import annotations

import os

import pytest

from mlgit.adapters.system import files
from mlgit.errors import MlgitError
from tests.kit import write_tree


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("content", "written"), [("é\n", "é\n".encode()), (b"\x00\xff", b"\x00\xff"), ("a\r\nb", b"a\r\nb"), ("", b"")]
)
def test_what_is_written_is_the_file(tmp_path, content, written):
    files.write_atomic(tmp_path / "file", content)
    assert (tmp_path / "file").read_bytes() == written
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o444])
def test_rewritten_file_keeps_its_mode(tmp_path, mode):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(mode)
    files.write_atomic(tmp_path / "file", "new")
    assert (tmp_path / "file").stat().st_mode & 0o777 == mode
    assert (tmp_path / "file").read_text() == "new"


def test_new_file_follows_the_umask(tmp_path):
    files.write_atomic(tmp_path / "file", "new")
    (tmp_path / "plain").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_mode_can_be_told(tmp_path):
    files.write_atomic(tmp_path / "file", "new", mode=0o600)
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_write_goes_through_a_link(tmp_path):
    write_tree(tmp_path, {"far/file": "old"})
    (tmp_path / "link").symlink_to("far/file")
    files.write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far/file").read_text() == "new"


def test_write_through_a_link_to_nothing_makes_the_file(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far/file")
    files.write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "far/file").read_text() == "new"


def test_write_does_not_change_other_names_of_the_old_file(tmp_path):
    (tmp_path / "file").write_text("old")
    os.link(tmp_path / "file", tmp_path / "cached")
    files.write_atomic(tmp_path / "file", "new")
    assert (tmp_path / "cached").read_text() == "old"


def test_failed_write_leaves_nothing_behind(tmp_path):
    write_tree(tmp_path, {"file/inside": "old"})
    with pytest.raises(MlgitError, match="file: cannot be written: "):
        files.write_atomic(tmp_path / "file", "new")
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file/inside").read_text() == "old"


def test_write_into_a_missing_folder_is_told(tmp_path):
    with pytest.raises(MlgitError, match="cannot be written: No such file or directory"):
        files.write_atomic(tmp_path / "missing" / "file", "new")


def test_longest_name_can_be_written(tmp_path):
    files.write_atomic(tmp_path / ("é" * 127), "new")
    assert names(tmp_path) == ["é" * 127]


def test_umask_is_read_without_changing_it():
    before = os.umask(0)
    os.umask(before)
    assert files.current_umask() == before
    after = os.umask(0)
    os.umask(after)
    assert after == before


def test_missing_file_is_called_by_its_name(tmp_path):
    with pytest.raises(MlgitError) as caught:
        files.read_text(tmp_path / "params.yaml", name="params.yaml")
    assert caught.value.message == "params.yaml: no such file"


def test_file_without_a_name_is_called_by_its_path(tmp_path):
    with pytest.raises(MlgitError) as caught:
        files.read_bytes(tmp_path / "a")
    assert caught.value.message == f"{tmp_path}/a: no such file"


def test_folder_cannot_be_read_as_a_file(tmp_path):
    with pytest.raises(MlgitError, match="here: cannot be read: Is a directory"):
        files.read_text(tmp_path, name="here")


def test_text_that_is_not_utf8_is_told_with_line_and_offset():
    with pytest.raises(MlgitError) as caught:
        files.decode(b"a\nb\xe9", name="f")
    assert caught.value.message == "f: line 2: not UTF-8 text (byte 0xe9 at offset 3)"
    assert caught.value.hint == "save the file as UTF-8"


def test_byte_order_mark_is_no_text():
    assert files.decode(b"\xef\xbb\xbfa", name="f") == "a"


@pytest.mark.parametrize("make", ["file", "link", "folder", "nothing"])
def test_remove_takes_whatever_is_there(tmp_path, make):
    write_tree(tmp_path, {"kept/inside": "x"})
    target = tmp_path / "target"
    if make == "file":
        target.touch()
    elif make == "link":
        target.symlink_to("kept")
    elif make == "folder":
        write_tree(target, {"a/b": "x"})
    files.remove(target)
    assert names(tmp_path) == ["kept"]
    assert (tmp_path / "kept/inside").exists()


def test_folder_is_read_in_order_with_slashes(tmp_path):
    write_tree(tmp_path, {"b/c": "1", "b/a/x": "2", "a": b"\xff", "__pycache__/x.pyc": "3", ".hidden": "4"})
    assert list(files.read_folder(tmp_path).items()) == [(".hidden", b"4"), ("a", b"\xff"), ("b/a/x", b"2"), ("b/c", b"1")]


@pytest.mark.parametrize("kind", ["link", "folder-link", "pipe"])
def test_folder_with_anything_but_files_is_refused(tmp_path, kind):
    write_tree(tmp_path, {"sub/file": "x"})
    if kind == "pipe":
        os.mkfifo(tmp_path / "sub/odd")
    else:
        (tmp_path / "sub/odd").symlink_to("/etc/hostname" if kind == "link" else "/etc")
    with pytest.raises(MlgitError, match=r"shelf/sub/odd: a symbolic link or special file"):
        files.read_folder(tmp_path, name="shelf")


def test_temporary_folder_is_gone_afterwards():
    with files.temporary_folder("test") as folder:
        (folder / "file").touch()
    assert not folder.exists()
