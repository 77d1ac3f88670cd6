"""What a clone or an archive brings in the places of mlgit's own files: no answer rests on it, and no command fails on it."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from mlgit.adapters.dvc.hashing import Fingerprints
from mlgit.adapters.system.stat_signature import RACY_NS
from mlgit.pipeline import noop
from tests.kit import repository

FILES = {
    "dvc.yaml": "stages:\n  a:\n    cmd: mkdir -p d && cp in d/x\n    deps: [in]\n    outs: [d]\n",
    "in": "1\n",
    "mlgit.yaml": "mlgit: 1\n",
}
READING = (("status",), ("dag",), ("diff", "HEAD"), ("model", "list"), ("doctor",))
BROUGHT = {
    "a folder": lambda path: os.makedirs(f"{path}/x/y"),
    "a pipe": os.mkfifo,
    "a device": lambda path: os.symlink("/dev/zero", path),
    "a link to itself": lambda path: os.symlink(path, path),
    "a link out": lambda path: os.symlink(f"{os.environ['HOME']}/precious", path),
    "a link to nothing": lambda path: os.symlink(f"{os.environ['HOME']}/nothing", path),
    "a terabyte": lambda path: (Path(path).touch(), os.truncate(path, 1 << 40)),
    "something deep": lambda path: Path(path).write_text("[" * 200_000),
    "other types": lambda path: Path(path).write_text('{"write": 5, "read": [1]}'),
    "odd entries": lambda path: Path(path).write_text('{"write": {"\\ud800": {"pid": 1e999, "cmd": 5}}, "read": {"a": 5}}'),
    "a number of no process": lambda path: Path(path).write_text(
        '{"write": {"/x": {"pid": 1000000000000000000000, "cmd": ""}}, "read": {}}'
    ),
}
NOTES = ("noop", "resolved", "fingerprints", "objects", "timings", "trees", "logs", "logs/a.log", "signatures")
DVCS = ("../lock", "../rwlock", "../rwlock.lock", "../btime", "run.lock")


@pytest.fixture
def root(tmp_path):
    root = repository(tmp_path / "p", FILES)
    Path(os.environ["HOME"], "precious").write_text("precious\n")
    yield root
    assert Path(os.environ["HOME"], "precious").read_text() == "precious\n"
    assert not os.path.lexists(f"{os.environ['HOME']}/nothing")


def bring(root, name, what):
    path = os.path.normpath(root / ".dvc/tmp/mlgit" / name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    what(path)


@pytest.mark.slow
@pytest.mark.parametrize("what", BROUGHT.values(), ids=BROUGHT)
def test_questions_are_answered_whatever_lies_in_the_places_of_notes(root, cli, what):
    for name in (*NOTES, *DVCS):
        if name != "logs/a.log":
            bring(root, name, what)
    for command in READING:
        done = cli(root, *command)
        assert done.code in (0, 1), done.said


@pytest.mark.slow
@pytest.mark.parametrize("what", BROUGHT.values(), ids=BROUGHT)
def test_run_works_or_names_what_is_in_its_way(root, cli, what):
    for name in ("noop", "resolved", "fingerprints", "objects", "timings", "trees", "logs/a.log"):
        bring(root, name, what)
    done = cli(root, "run")
    assert done.code in (0, 1), done.said
    assert done.code == 0 or "logs/a.log: no log can be written there" in done.said
    bring(root, "../rwlock-", what)
    os.replace(root / ".dvc/tmp/rwlock-", root / ".dvc/tmp/rwlock") if not (root / ".dvc/tmp/rwlock-").is_dir() else None
    (root / "in").write_text("2\n")
    done = cli(root, "run")
    assert done.code in (0, 1, 2), done.said


@pytest.mark.parametrize("name", ["../lock", "../rwlock.lock", "run.lock"])
@pytest.mark.parametrize("what", ["a folder", "a pipe", "a link out", "a device"])
def test_lock_that_is_no_file_is_named_and_left(root, cli, name, what):
    bring(root, name, BROUGHT[what])
    done = cli(root, "run")
    assert "not a file that processes can lock" in done.said
    assert done.code == (1 if name == "../rwlock.lock" else 2)


@pytest.mark.parametrize("link", [".dvc/tmp", ".dvc/tmp/mlgit", ".dvc/tmp/mlgit/logs"])
def test_nothing_is_written_through_a_folder_that_is_a_link(root, cli, tmp_path, link):
    (tmp_path / "outside").mkdir()
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(tmp_path / "outside")
    for command in READING:
        assert cli(root, *command).code in (0, 1)
    done = cli(root, "run")
    assert (done.code, f"{link}: a symbolic link" in done.said) == (1 if link.endswith("logs") else 2, True), done.said
    assert os.listdir(tmp_path / "outside") == []


def as_another(monkeypatch, tmp_path):
    """Whoever packs an archive has a key of their own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "theirs"))


def test_answer_of_another_user_is_not_believed(root, cli, tmp_path, monkeypatch):
    time.sleep(2 * RACY_NS / 1e9)
    with monkeypatch.context() as patch:
        as_another(patch, tmp_path)
        noop.save(str(root), noop.look([f"{root}/in"], since=time.time_ns()), stages=1, frozen=0)
        assert not noop.compare(str(root)).changed
    assert noop.compare(str(root)) is None
    assert cli(root, "status").code == 1


def test_digests_of_another_user_are_not_believed(root, tmp_path, monkeypatch):
    time.sleep(2 * RACY_NS / 1e9)
    with monkeypatch.context() as patch:
        as_another(patch, tmp_path)
        theirs = Fingerprints(root, root / ".dvc/tmp/mlgit")
        theirs.digest("in")
        row = theirs._rows["in"]
        theirs._rows["in"] = (*row[:-1], "0" * 32)
        theirs.save()
        assert Fingerprints(root, root / ".dvc/tmp/mlgit").digest("in").md5 == "0" * 32
    assert Fingerprints(root, root / ".dvc/tmp/mlgit").digest("in").md5 == "b026324c6904b2a9cb4b88d6d61c81d1"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_never_ends_is_refused_in_the_place_of_parameters(tmp_path, cli, kind):
    declared = FILES["dvc.yaml"].replace("    outs", "    params: [a]\n    outs")
    root = repository(tmp_path / "p", {**FILES, "dvc.yaml": declared, "params.yaml": "a: 1\n"})
    (root / "params.yaml").unlink()
    os.mkfifo(tmp_path / "pipe")
    os.symlink(tmp_path / "pipe", root / "params.yaml") if kind == "link" else os.mkfifo(root / "params.yaml")
    assert cli(root, "status").code == 2
    assert "params.yaml: a device, pipe" in cli(root, "run").err


@pytest.mark.slow
@pytest.mark.parametrize(("place", "leads_to"), [("dvc.lock", "nothing"), (".gitignore", "precious")])
def test_no_link_out_of_the_repository_is_written_through(root, cli, place, leads_to):
    os.symlink(f"{os.environ['HOME']}/{leads_to}", root / place)
    done = cli(root, "run")
    assert done.code == 2
    assert place in done.err
    (root / place).unlink()
    os.symlink("real", root / place)
    assert cli(root, "run").code == 0
    assert (root / place).is_symlink()
