"""The answer "nothing changed" from stats: given when it is true, and never when it is not."""

from __future__ import annotations

import json
import marshal
import re
import shutil
import time

import pytest

from mlgit import __version__
from mlgit.adapters.system import state_files
from mlgit.adapters.system.stat_signature import RACY_NS
from mlgit.commands.noop_cache import untouched
from mlgit.commands.open_project import open_project
from mlgit.pipeline import noop
from tests.kit import lock, mlgit, repository, write_tree
from tests.pipeline.unchanged import FILES, PIPELINE, SLOW, age, answer, edit, imported, known

pytestmark = pytest.mark.slow  # real repositories, many times


@pytest.fixture
def root(tmp_path, cli):
    """A project that is up to date, and known to be."""
    root = write_tree(repository(tmp_path / "p"), FILES)
    assert cli(root, "run").code == 0
    known(root, cli)
    return root


def rewrite(path):
    return lambda root: (root / path).write_bytes((root / path).read_bytes())


def lose_object(root, *, of):
    md5 = next(out["md5"] for stage in lock(root)["stages"].values() for out in stage["outs"] if out["path"] == of)
    (root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()


def lose_member(root):
    md5 = "26ab0db90d72e28ad0ba1e22ee510510"  # of "2\n"
    (root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]).unlink()


CHANGES = {
    "dvc.yaml edited": edit("dvc.yaml", PIPELINE.replace("cat raw", "cat  raw")),
    "dvc.yaml only touched": rewrite("dvc.yaml"),
    "a parameter": edit("params.yaml", "depth: 4\n"),
    "the parameter file lost": lambda root: (root / "params.yaml").unlink(),
    "a dependency": edit("raw.txt", "war\n"),
    "a dependency only touched": rewrite("raw.txt"),
    "a dependency replaced by one of equal size": lambda root: (
        edit("new", "war\n")(root),
        (root / "new").replace(root / "raw.txt"),
    ),
    "an output": edit("model.txt", "war\n"),
    "an output lost": lambda root: (root / "model.txt").unlink(),
    "a file of an output folder": edit("parts/in/two", "3\n"),
    "a file more in an output folder": edit("parts/in/three", "3\n"),
    "a file lost from an output folder": lambda root: (root / "parts/in/two").unlink(),
    "the lock edited": lambda root: (root / "dvc.lock").write_text(
        (root / "dvc.lock").read_text().replace("depth: 3", "depth: 4")
    ),
    "the lock lost": lambda root: (root / "dvc.lock").unlink(),
    "an object of the cache lost": lambda root: lose_object(root, of="model.txt"),
    "the list of a folder lost from the cache": lambda root: lose_object(root, of="parts"),
    "a file of a folder lost from the cache": lose_member,
    "the cache lost": lambda root: shutil.rmtree(root / ".dvc/cache"),
    "a new dvc.yaml in a subfolder": edit("sub/dvc.yaml", "stages: {b: {cmd: echo}}\n"),
    "a new .dvc file in a subfolder": edit("sub/x.dvc", "outs: []\n"),
    "a new subfolder with a dvc.yaml": lambda root: write_tree(root, {"new/dvc.yaml": "stages: {b: {cmd: echo}}\n"}),
    ".gitignore edited": edit(".gitignore", "/sub\n"),
    "a new .gitignore": edit("sub/.gitignore", "*\n"),
    ".dvcignore edited": edit(".dvcignore", "*.tmp\n"),
    "a new mlgit.yaml": edit("mlgit.yaml", "mlgit: 1\n"),
    "what Git passes over edited": edit(".git/info/exclude", "/model.txt\n"),
    "configuration edited": edit(".dvc/config", "[cache]\n    type = symlink\n"),
    "configuration of this clone": edit(".dvc/config.local", "[cache]\n    dir = /nowhere\n"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_change_ends_the_answer(root, change):
    CHANGES[change](root)
    assert answer(str(root)) is None


@pytest.mark.parametrize(
    "change", [change for change in CHANGES if change not in ("configuration of this clone", "the parameter file lost")]
)
def test_run_that_starts_from_the_answer_leaves_out_nothing_that_is_stale(root, cli, change):
    CHANGES[change](root)
    kept = noop.compare(str(root))
    planned = json.loads(cli(root, "run", "--dry-run", "--json").out)["stages"]
    done = cli(root, "run", kept=kept)
    assert done.code == 0, done
    for stage in [stage["name"] for stage in planned if stage["plan"] == "run"][:1]:  # what follows may be current after it
        assert re.search(rf"(ran|restored|verified) +{re.escape(stage)}\b", done.out), done.out
    noop.forget(str(root))
    assert cli(root, "status").code == ("subfolder" in change and "dvc.yaml" in change)  # its stage runs always


def current_stages(root, monkeypatch):
    monkeypatch.chdir(root)
    opened = open_project()
    current = untouched(opened, noop.compare(str(root)))
    opened.ledger.close()
    return [opened.pipeline.graph.stages[number].name for number in current]


def test_run_that_starts_from_the_answer_looks_at_what_changed_only(root, monkeypatch):
    (root / "model.txt").unlink()
    assert current_stages(root, monkeypatch) == ["clean"]


def test_stage_behind_a_stale_one_is_looked_at(root, monkeypatch):
    edit("raw.txt", "war\n")(root)
    assert current_stages(root, monkeypatch) == []


def test_changed_pipeline_is_looked_at_as_a_whole(root, cli, monkeypatch):
    edit("params.yaml", "depth: 4\n")(root)
    (root / "dvc.lock").write_text((root / "dvc.lock").read_text() + "\n")
    time.sleep(RACY_NS / 1e9)
    assert cli(root, "status", "clean").code == 0  # keeps the pipeline as it is now, but gives no answer about all of it
    assert current_stages(root, monkeypatch) == []


def test_touched_file_costs_one_look_and_is_known_again(root, cli):
    rewrite("raw.txt")(root)
    assert known(root, cli) == (2, 0)


@pytest.mark.parametrize(
    "change", [edit("note.txt", "x"), edit("sub/more.txt", "x"), lambda root: (root / "sub/notes.txt").unlink()]
)
def test_file_nobody_declared_makes_no_difference(root, change):
    change(root)
    assert answer(str(root)) == (2, 0)


def test_stale_project_has_no_answer(root, cli):
    edit("params.yaml", "depth: 4\n")(root)
    cli(root, "status")
    assert answer(str(root)) is None


def test_other_project_has_no_answer(root, tmp_path):
    shutil.copytree(root, tmp_path / "copy", symlinks=True)
    assert answer(str(tmp_path / "copy")) is None


@pytest.mark.parametrize("stage", ["always_changed: true, deps: [raw.txt]", "desc: callback", "deps: [/etc/hosts]"])
def test_project_that_has_to_be_looked_at_each_time_is_not_kept(tmp_path, cli, monkeypatch, stage):
    root = write_tree(repository(tmp_path / "p"), {"dvc.yaml": f"stages: {{a: {{cmd: echo, {stage}}}}}", "raw.txt": "x"})
    cli(root, "run")
    later = time.time_ns() + 10**9
    monkeypatch.setattr("time.time_ns", lambda: later)
    cli(root, "status")
    assert not (root / ".dvc/tmp/mlgit/noop").exists()


IN_BETWEEN = {
    "an input of a stage that is done": "echo later > raw.txt",
    "an output of a stage that is done": "echo later > early",
    "a parameter file": "echo 'depth: 9' > params.yaml",
    "dvc.yaml": "sed -i 's/echo late/echo  late/' dvc.yaml",
    "a new dvc.yaml": "mkdir extra; echo 'stages: {z: {cmd: echo}}' > extra/dvc.yaml",
    "a new dvc.yaml far down": "mkdir -p extra/a/b; echo 'stages: {z: {cmd: echo}}' > extra/a/b/dvc.yaml",
    "a dvc.yaml in a folder that is there": "echo 'stages: {z: {cmd: echo}}' > sub/dvc.yaml",
}


@pytest.mark.parametrize("change", IN_BETWEEN)
def test_edit_during_the_run_is_seen_by_the_next_command(tmp_path, cli, change):
    pipeline = f"""\
stages:
  early:
    cmd: cat raw.txt > early
    deps: [raw.txt]
    params: [depth]
    outs: [early]
  late:
    cmd: |
      {IN_BETWEEN[change]}
      echo late > late
    deps: [late-input]
    outs: [late]
"""
    root = write_tree(repository(tmp_path / "p"), {**FILES, "dvc.yaml": pipeline, "late-input": "x"})
    age(root)
    assert cli(root, "run", "-j1").code == 0
    assert answer(str(root)) is None
    assert cli(root, "status").code == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xff" * 100,
        marshal.dumps(5),
        marshal.dumps(("a", "b")),
        marshal.dumps((__version__, "ROOT", 2, 0, (5, [], [], [], []))),
        marshal.dumps((__version__, "ROOT", 2, 0, ([5], [], [], [], []))),
        marshal.dumps((__version__, "ROOT", 2, 0, ([("/x", 1, 2)], [], [], [], []))),
        marshal.dumps((__version__, "ROOT", 2, 0, ([(None, 1, 2, 3, 4)], [], [], [], []))),
        marshal.dumps((__version__, "ROOT", 2, 0, ([], [5], [], [], []))),
        marshal.dumps((__version__, "ROOT", 2, 0, ([], [], [("\0", b"")], [], []))),
        marshal.dumps((__version__, "ROOT", 2, 0, ([], [], [], [(5, None, [])], []))),
        marshal.dumps((__version__, "ROOT", 2, 0, ([], [], [], [], [None]))),
        marshal.dumps((__version__, "ROOT", "two", 0, ([], [], [], [], []))),
        marshal.dumps(("0.0.0", "ROOT", 2, 0, ([], [], [], [], []))),
    ],
)
def test_broken_answer_is_no_answer(root, content):
    if b"ROOT" in content:
        content = marshal.dumps(tuple(str(root) if each == "ROOT" else each for each in marshal.loads(content)))
    (root / ".dvc/tmp/mlgit/noop").write_bytes(content)
    assert answer(str(root)) is None
    state_files.write(f"{root}/.dvc/tmp/mlgit/noop", content)
    assert answer(str(root)) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00garbage",
        b"\xff" * 99,
        marshal.dumps([]),
        marshal.dumps((1, {"raw.txt": 5, "parts": (1,)})),
        b"[]",
        b'{"a": "b"}',
    ],
)
def test_broken_state_costs_time_only(root, cli, content):
    for path in (root / ".dvc/tmp/mlgit").rglob("*"):
        if path.is_file() and path.name != "run.lock":
            path.write_bytes(content)
    before = (root / "dvc.lock").read_bytes()
    assert cli(root, "status").code == 0
    assert cli(root, "run", "--force").code == 0
    assert (root / "dvc.lock").read_bytes() == before


def test_lost_state_costs_time_only(root, cli):
    shutil.rmtree(root / ".dvc/tmp/mlgit")
    assert cli(root, "status").code == 0
    assert cli(root, "run", "--json").json["counts"]["unchanged"] == 2


def test_version_imports_nothing_slow(tmp_path):
    said, modules = imported(tmp_path, "--version")
    assert (said, modules & SLOW) == ([f"mlgit {__version__}"], set())


@pytest.mark.parametrize("command", ["status", "run"])
def test_unchanged_project_is_answered_without_a_slow_import(root, command):
    said, modules = imported(root, command)
    assert modules & SLOW == set()
    assert said[0].startswith({"status": "up to date: 2 stages", "run": "2 unchanged in "}[command])


def test_short_answer_reads_like_the_long_one(root):
    short = mlgit(root, "status")
    noop.forget(str(root))
    assert mlgit(root, "status") == short


def test_answer_works_from_a_subfolder(root):
    said, modules = imported(root / "sub", "status")
    assert (said, modules & SLOW) == (["up to date: 2 stages"], set())
