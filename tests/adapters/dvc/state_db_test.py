"""DVC's state database: what mlgit writes there is what DVC would have written, and DVC reads no file again."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from mlgit.adapters.dvc import state_db
from mlgit.adapters.dvc.hashing import Fingerprints, Fresh
from tests.kit import dvc, program, repository, write_tree
from tests.kit.forked import mlgit

pytestmark = pytest.mark.slow  # many repositories, and DVC itself


@pytest.fixture
def project(tmp_path):
    return repository(tmp_path / "project")


def database_of(project: Path) -> Path:
    """Where DVC keeps its state of a project, as mlgit works it out; DVC's own rows are found there, or tests fail."""
    return Path(state_db._folder(project, "", getpass.getuser()), "hashes/local/cache.db")


def rows(database: Path) -> dict[str, Any]:
    with sqlite3.connect(database) as connection:
        return {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM Cache")}


def fresh(project: Path, *paths: str) -> list[Fresh]:
    prints = Fingerprints(project, project / ".dvc/tmp/mlgit")
    for path in paths:
        prints.digest(path)
    return prints.fresh


@pytest.fixture
def _tell_all(monkeypatch):
    monkeypatch.setattr(state_db, "_MANY_FILES", 1)
    monkeypatch.setattr(state_db, "_FILES", 1)


def odd_data(project: Path) -> list[str]:
    write_tree(project, {"data/a": "a", "data/sub/é x": "b" * 3000, "data/empty": "", 'data/q"uote': "q", "one.bin": b"\0\xff"})
    (project / "data/link").symlink_to("a")
    os.utime(project / "data/a", ns=(1_234_567_890_123_456_789, 1_234_567_890_123_456_789))
    os.utime(project / "data/empty", ns=(0, 0))
    os.utime(project / "one.bin", ns=(1_999_999_999_999_999_999, 1_999_999_999_999_999_999))
    return ["data", "one.bin"]


@pytest.mark.usefixtures("_tell_all")
def test_rows_are_those_that_dvc_writes(project):
    paths = odd_data(project)
    assert dvc(project, "add", "-q", "--no-commit", *paths).code == 0
    theirs = rows(database_of(project))
    database_of(project).unlink()
    state_db.save(project, fresh(project, *paths))
    ours = rows(database_of(project))
    assert len(ours) == 6
    assert ours == {path: value for path, value in theirs.items() if path in ours}


@pytest.mark.usefixtures("_tell_all")
@pytest.mark.parametrize("made_by", ["dvc", "mlgit"])
def test_dvc_takes_the_digests_as_its_own(project, made_by):
    paths = odd_data(project)
    if made_by == "dvc":
        assert dvc(project, "status", "-q").code == 0
    state_db.save(project, fresh(project, *paths))
    script = (
        "import sys; from dvc.repo import Repo; from dvc.fs import localfs\n"
        "repo = Repo('.')\n"
        "for path in sys.argv[1:]: print(repo.state.get(repo.root_dir + '/' + path, localfs)[1].value)\n"
        "print(len(repo.state.hashes), repo.state.hashes.check())\n"
    )
    found = run_python(project, script, "data/a", "data/empty", "one.bin")
    assert found.splitlines() == [
        "0cc175b9c0f1b6a831c399e269772661",
        "d41d8cd98f00b204e9800998ecf8427e",
        hashlib.md5(b"\0\xff").hexdigest(),
        "6 []",
    ]


def run_python(project: Path, script: str, *args: str) -> str:
    done = program(project, [sys.executable, "-c", script, *args])
    assert done.code == 0, done.said
    return done.out


def test_after_a_large_add_dvc_hashes_nothing(project):
    write_tree(project, {f"data/{number % 7}/{number}": str(number) for number in range(2100)})
    done = mlgit(project, "add", "data")
    assert done.code == 0, done.said
    script = (
        "import dvc_data.hashfile.build as build\n"
        "def refuse(*args, **kwargs): raise AssertionError(args)\n"
        "build.hash_file = refuse\n"
        "from dvc.repo import Repo\n"
        "print(Repo('.').status())\n"
    )
    assert run_python(project, script) == "{}\n"


def test_changed_file_is_not_believed(project):
    write_tree(project, {f"data/{number}": str(number) for number in range(2100)})
    assert mlgit(project, "add", "data").code == 0
    (project / "data/7").write_text("changed")
    assert "modified" in dvc(project, "status").out


def test_small_work_opens_no_database(project):
    write_tree(project, {"data/a": "a"})
    assert mlgit(project, "add", "data").code == 0
    assert not database_of(project).exists()


@pytest.mark.usefixtures("_tell_all")
@pytest.mark.parametrize("fault", ["not a database", "other tables", "locked", "unwritable", "folder"])
def test_fault_of_the_database_is_nobodys_concern(project, fault, monkeypatch):
    monkeypatch.setattr(state_db, "_WAIT", 0.01)
    write_tree(project, {"data/a": "a"})
    state_db.save(project, fresh(project, "data"))
    database = database_of(project)
    held = None
    if fault == "not a database":
        database.write_text("something else" * 1000)
    elif fault == "other tables":
        database.unlink()
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE Cache (a, b)")
    elif fault == "locked":
        held = sqlite3.connect(database, isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
    elif fault == "folder":
        database.unlink()
        database.mkdir()
    else:
        monkeypatch.setenv("DVC_SITE_CACHE_DIR", "/proc/nowhere")
    state_db.save(project, fresh(project, "data"))
    if held:
        held.close()
