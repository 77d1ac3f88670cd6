"""Notes between commands: believed only as this user's mlgit wrote them, and never written through a link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlgit.adapters.system import state_files
from mlgit.errors import MlgitError


@pytest.fixture
def note(tmp_path):
    """Where a note would lie in a project."""
    return str(tmp_path / ".dvc/tmp/mlgit/noop")


def another_user(monkeypatch, tmp_path):
    """Whoever sends a clone has a key of their own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other/state"))


def in_place(path, *, bring):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    bring(path)


def sparse(path):
    with open(path, "wb") as stream:
        stream.write(b"mlgit\0\0\1")
        stream.truncate(1 << 40)


BROUGHT = {
    "nothing": lambda path: None,
    "an empty file": lambda path: open(path, "wb").close(),
    "a terabyte": sparse,
    "a folder": os.mkdir,
    "a pipe": os.mkfifo,
    "a link to a device": lambda path: os.symlink("/dev/zero", path),
    "a link to itself": lambda path: os.symlink(path, path),
}


def test_note_reads_as_it_was_written(note):
    state_files.write(note, b"first", rest=b"rest" * 1000)
    assert state_files.read(note) == b"first"
    assert state_files.read_whole(note) == (b"first", b"rest" * 1000)


@pytest.mark.parametrize("bring", BROUGHT.values(), ids=BROUGHT)
def test_what_is_no_note_is_neither_read_nor_waited_for(note, bring):
    state_files.write(note + "-other", b"makes the key")
    in_place(note, bring=bring)
    assert state_files.read(note) is None
    assert state_files.read_whole(note) is None


def test_note_of_another_user_is_not_believed(note, tmp_path, monkeypatch):
    state_files.write(note, b"mine")
    mine = Path(note).read_bytes()
    with monkeypatch.context() as patch:
        another_user(patch, tmp_path)
        state_files.write(note, b"theirs")
        assert state_files.read(note) == b"theirs"
    assert state_files.read(note) is None
    Path(note).write_bytes(mine)
    assert state_files.read(note) == b"mine"


@pytest.mark.parametrize("at", [0, 7, 15, 30, 60, 100, 119, -1])
def test_note_with_a_byte_changed_is_not_believed(note, at):
    state_files.write(note, b"first", rest=b"rest")
    content = bytearray(Path(note).read_bytes())
    content[at] ^= 1
    Path(note).write_bytes(content)
    assert state_files.read_whole(note) is None


@pytest.mark.parametrize("change", [lambda told: told[:-1], lambda told: told + b"x", lambda told: told[:100]])
def test_note_cut_short_or_longer_is_not_believed(note, change):
    state_files.write(note, b"first", rest=b"rest")
    content = Path(note).read_bytes()
    Path(note).write_bytes(change(content))
    assert state_files.read(note) is None


def test_note_does_not_stand_for_another(note, tmp_path):
    state_files.write(note, b"one")
    os.replace(note, f"{note}-other")
    assert state_files.read(f"{note}-other") is None


@pytest.mark.parametrize("below", ["tmp", "tmp/mlgit"])
def test_no_link_is_followed_to_write(tmp_path, note, below):
    (tmp_path / "outside").mkdir()
    (tmp_path / ".dvc" / below).parent.mkdir(parents=True)
    (tmp_path / ".dvc" / below).symlink_to(tmp_path / "outside")
    with pytest.raises(MlgitError, match=f"{below}: a symbolic link"):
        state_files.write(note, b"x")
    assert os.listdir(tmp_path / "outside") == []


def test_link_in_the_place_of_a_note_is_replaced(tmp_path, note):
    (tmp_path / "outside").write_text("theirs")
    in_place(note, bring=lambda path: os.symlink(tmp_path / "outside", path))
    state_files.write(note, b"x")
    assert state_files.read(note) == b"x"
    assert (tmp_path / "outside").read_text() == "theirs"


def test_file_in_the_place_of_a_folder_is_named(tmp_path, note):
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/tmp").touch()
    with pytest.raises(MlgitError, match="tmp: not a folder"):
        state_files.write(note, b"x")


def test_nothing_is_left_of_what_could_not_be_written(note):
    in_place(note, bring=os.mkdir)
    with pytest.raises(MlgitError, match="noop: cannot be written"):
        state_files.write(note, b"x")
    assert os.listdir(os.path.dirname(note)) == ["noop"]


def test_key_is_the_owners_alone_and_a_bad_one_is_made_anew(note, tmp_path):
    state_files.write(note, b"x")
    key = f"{os.environ['XDG_STATE_HOME']}/mlgit/key"
    assert (os.stat(key).st_mode & 0o777, os.path.getsize(key)) == (0o600, 32)
    assert os.listdir(os.path.dirname(key)) == ["key"]
    for spoil in (lambda: os.chmod(key, 0o644), lambda: os.truncate(key, 0)):
        spoil()
        assert state_files.read(note) is None
        state_files.write(note, b"y")
        assert state_files.read(note) == b"y"


@pytest.mark.parametrize("home", ["relative", "/dev/null/state"])
def test_without_a_home_nothing_is_kept(note, monkeypatch, home):
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", home)
    state_files.write(note, b"x")
    assert not os.path.exists(note)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_no_key_is_made_in_a_home_of_another(note, monkeypatch, tmp_path):
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", 12345, -1)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home/state"))
    state_files.write(note, b"x")
    assert os.listdir(tmp_path / "home") == []
