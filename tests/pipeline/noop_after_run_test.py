"""The answer "nothing changed" right after a run, whose files are too young for their stamps to be trusted."""

from __future__ import annotations

import os
import shutil
import time

import pytest

from mlgit.adapters.system import stat_signature
from mlgit.adapters.system.stat_signature import RACY_NS
from mlgit.commands.open_project import open_project
from mlgit.pipeline import noop
from tests.kit import mlgit, repository, write_tree
from tests.pipeline.unchanged import FILES, SLOW, age, answer, edit, imported

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def root(tmp_path, cli):
    """A project right after its first run."""
    root = write_tree(repository(tmp_path / "p"), FILES)
    age(root)
    assert cli(root, "run").code == 0
    return root


def test_run_that_has_just_made_files_and_folders_leaves_the_answer(root, cli):
    for _ in range(5):  # how old its files are at the end differs
        age(root)
        assert cli(root, "run", "--force").code == 0
        assert answer(str(root)) == (2, 0)


NESTED = """\
stages:
  one:
    cmd: mkdir -p made/in logs/x && cp raw.txt made/in/one
    deps: [raw.txt]
    outs: [made/in/one]
"""


@pytest.fixture
def nested(tmp_path, cli):
    """A project right after the run that made folders beside its outputs."""
    root = write_tree(repository(tmp_path / "p"), {**FILES, "dvc.yaml": NESTED})
    age(root)
    assert cli(root, "run").code == 0
    return root


def test_run_that_makes_folders_for_its_outputs_leaves_the_answer_and_the_pipeline(nested, monkeypatch):
    assert answer(str(nested)) == (1, 0)
    monkeypatch.chdir(nested)
    opened = open_project()
    opened.ledger.close()
    assert opened.kept
    assert {"made/", "made/in/", "logs/", "logs/x/"} <= opened.searched.keys()


@pytest.mark.parametrize(
    "change",
    [
        edit("logs/x/dvc.yaml", "stages: {z: {cmd: echo}}\n"),
        edit("made/x.dvc", "outs: [{path: y}]\n"),
        edit("made/in/.gitignore", "/two\n"),
        edit("logs/.dvcignore", "x\n"),
        lambda root: (root / "logs/x/new").mkdir(),
    ],
)
def test_change_in_a_folder_that_the_run_made_ends_the_answer(nested, change):
    change(nested)
    assert answer(str(nested)) is None


@pytest.mark.parametrize("path", ["raw.txt", "model.txt", "parts/in/two", "parts/one", "params.yaml", "dvc.yaml"])
def test_change_right_after_a_run_that_keeps_size_and_time_is_seen(root, cli, path):
    assert cli(root, "run", "--force").code == 0
    before = (root / path).stat()
    text = (root / path).read_text()
    (root / path).write_text(text.translate({ord(old): new for old, new in zip("rw23", "wr32", strict=True)}))
    os.utime(root / path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (root / path).stat().st_size == before.st_size
    assert answer(str(root)) is None
    assert path == "dvc.yaml" or cli(root, "status").code == 1


def test_change_of_a_file_within_one_tick_of_the_clock_is_seen(tmp_path):
    path = f"{write_tree(tmp_path, {'.dvc/tmp/x': '', 'file': 'one'})}/file"
    kept = noop.look([path], since=time.time_ns())
    (tmp_path / "file").write_text("two")
    kept.files = [(path, *stat_signature.of(path))]  # as if the clock had stood still
    noop.save(str(tmp_path), kept, stages=1, frozen=0)
    assert noop.compare(str(tmp_path)).changed == {path}


def test_folder_is_kept_when_a_change_of_its_files_would_show(tmp_path):
    write_tree(tmp_path, {"folder/in/file": "one"})
    assert noop.look([f"{tmp_path}/folder"], since=time.time_ns()).newer
    assert time.time_ns() - (tmp_path / "folder/in/file").stat().st_ctime_ns > RACY_NS


def test_folder_with_times_to_come_is_not_kept(tmp_path):
    write_tree(tmp_path, {"folder/file": "one"})
    os.utime(tmp_path / "folder/file", (4e9, 4e9))
    assert noop.look([f"{tmp_path}/folder"], since=time.time_ns()) is None


def test_name_that_comes_within_one_tick_of_the_clock_is_seen(tmp_path):
    (tmp_path / ".dvc").mkdir()
    kept = noop.look([], searched={f"{tmp_path}/": [".dvc"]}, since=time.time_ns())
    assert kept.searched[0][1] == ()  # too young to be believed: names are compared
    write_tree(tmp_path, {"dvc.yaml": ""})
    noop.save(str(tmp_path), kept, stages=1, frozen=0)
    assert noop.compare(str(tmp_path)).changed == {f"{tmp_path}/"}


def test_searched_folder_that_goes_right_after_a_command_is_seen(tmp_path):
    write_tree(tmp_path, {".dvc/tmp/x": "", "sub/dvc.yaml": ""})
    kept = noop.look([], searched={f"{tmp_path}/sub/": ["dvc.yaml"]}, since=time.time_ns())
    shutil.rmtree(tmp_path / "sub")
    noop.save(str(tmp_path), kept, stages=1, frozen=0)
    assert noop.compare(str(tmp_path)).changed == {f"{tmp_path}/sub/"}


def test_status_right_after_a_run_is_answered_without_a_slow_import(root):
    edit("raw.txt", "other\n")(root)
    assert mlgit(root, "run").code == 0
    edit("status.txt", "")(root)  # where a shell puts what `status` says
    said, modules = imported(root, "status")
    assert (said, modules & SLOW) == (["up to date: 2 stages"], set())
