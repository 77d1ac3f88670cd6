"""`mlgit doctor`: every kind of damage is found, told and mended; and a run never hands out what is damaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlgit.adapters.dvc import objects
from tests.kit import dvc, git, repository, write_tree
from tests.registry.projects import made

pytestmark = pytest.mark.slow  # many repositories, and DVC itself

PIPELINE = """\
stages:
  make:
    cmd: mkdir -p out && cp raw.csv out/a && cp raw.csv big && echo b > out/b && echo ran >> ran.log
    deps: [raw.csv]
    outs: [out, big]
"""


@pytest.fixture
def project(tmp_path, cli):
    """A project after a run: a folder and a file in the cache, and a tracked file."""
    root = repository(tmp_path / "project", {"dvc.yaml": PIPELINE})
    write_tree(root, {"raw.csv": "1,2,3\n"})
    assert cli(root, "add", "raw.csv").code == 0
    assert cli(root, "run").code == 0
    return root


def object_of(root: Path, content: bytes) -> Path:
    found = [path for path in (root / ".dvc/cache/files/md5").glob("??/*") if path.read_bytes() == content]
    assert len(found) == 1
    return found[0]


def damage(path: Path, content: bytes) -> None:
    """Other bytes of the same size, times and mode, as a broken disk or a careless program leaves them."""
    found = path.stat()
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    path.chmod(found.st_mode & 0o777)


def dead_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_tags_of_models_that_were_moved_or_vanished_are_found_and_left_alone(tmp_path, cli):
    root = made(tmp_path / "project", cli)
    for args in (
        ("register", "churn"),
        ("promote", "churn", "prod", "--new-environment"),
        ("promote", "churn", "staging", "--new-environment"),
    ):
        assert cli(root, "model", *args).code == 0
    assert kinds(cli(root, "doctor", "--json")) == []
    git(root, "tag", "-f", "-a", "-m", "Assigning", "churn#prod#1", "HEAD")
    git(root, "tag", "-d", "churn#staging#2")
    done = cli(root, "doctor", "--fix", "--json")
    assert done.code == 1
    assert {("tag", "churn#prod#1"), ("tag", "churn#staging#2")} <= {*kinds(done)}
    assert not any(row["fixed"] for row in done.json["findings"])
    git(root, "tag", "-d", "churn#prod#1", "churn@v0.0.1")
    assert ("tag", "churn@v0.0.1") in kinds(cli(root, "doctor", "--json"))


def kinds(done) -> list[tuple[str, str]]:
    return [(row["kind"], row["path"]) for row in done.json["findings"]]


def test_healthy_project(project, cli):
    for args in ((), ("--deep",), ("--fix",)):
        done = cli(project, "doctor", *args)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("nothing wrong")
    assert cli(project, "doctor", "--json").json == {"schema": 1, "healthy": True, "findings": []}


def test_damaged_object_is_found_by_deep_and_removed_by_fix(project, cli):
    path = object_of(project, b"b\n")
    damage(path, b"c\n")
    assert cli(project, "doctor").code == 0  # read-only: believed, as DVC believes it
    done = cli(project, "doctor", "--deep", "--json")
    assert done.code == 1
    shown = path.relative_to(project).as_posix()
    assert ("object", shown) in kinds(done)
    assert "(of 'out')" in done.json["findings"][0]["message"]
    assert path.exists()
    assert cli(project, "doctor", "--deep", "--fix").code == 1  # the folder lacks a file now
    assert not path.exists()
    assert cli(project, "run", "--force").code == 0
    assert cli(project, "doctor", "--deep").code == 0


def test_restored_cache_is_cleared_of_what_is_damaged_whatever_the_workspace_lacks(project, cli):
    kept, path = object_of(project, b"1,2,3\n"), object_of(project, b"b\n")
    damage(path, b"c\n")
    (project / "big").unlink()
    (project / "raw.csv").unlink()
    found = cli(project, "doctor", "--cache", "--deep", "--json")
    assert (found.code, kinds(found)) == (1, [("object", path.relative_to(project).as_posix())])
    assert cli(project, "doctor", "--cache", "--deep", "--fix").code == 0
    assert (path.exists(), kept.exists()) == (False, True)
    assert cli(project, "doctor", "--cache", "--deep").code == 0


def test_writable_and_emptied_objects_are_found_without_deep(project, cli):
    one, other = object_of(project, b"b\n"), object_of(project, b"1,2,3\n")
    damage(one, b"c\n")
    one.chmod(0o644)
    damage(other, b"")
    found = kinds(cli(project, "doctor", "--json"))
    assert {("object", path.relative_to(project).as_posix()) for path in (one, other)} <= set(found)


def test_writable_object_that_is_sound_is_no_finding(project, cli):
    object_of(project, b"b\n").chmod(0o644)
    assert cli(project, "doctor").code == 0


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b'[{"md5": 1}]'])
def test_broken_listing_is_found_without_deep(project, cli, content):
    path = next((project / ".dvc/cache/files/md5").glob("??/*.dir"))
    damage(path, content)
    assert ("object", path.relative_to(project).as_posix()) in kinds(cli(project, "doctor", "--json"))
    cli(project, "doctor", "--fix")
    assert not path.exists()


def test_listing_that_lacks_a_file(project, cli):
    object_of(project, b"b\n").unlink()
    done = cli(project, "doctor", "--json")
    assert done.code == 1
    assert [row["kind"] for row in done.json["findings"]] == ["listing"]
    assert done.json["findings"][0]["message"].startswith("1 of 2 files")


def test_content_that_is_nowhere(project, cli):
    object_of(project, b"1,2,3\n").unlink()
    (project / "big").unlink()
    (project / "raw.csv").write_text("changed")
    done = cli(project, "doctor", "--json")
    assert done.code == 1
    assert {row["path"]: row["hint"] for row in done.json["findings"] if row["kind"] == "output"} == {
        "raw.csv": "`dvc pull raw.csv.dvc`",
        "big": "`dvc pull make` fetches it, `mlgit run make` makes it",
    }


def test_leftovers_of_dead_processes_are_removed_and_of_living_ones_kept(project, cli):
    pid, store = dead_process(), project / ".dvc/cache/files/md5"
    folder = next(store.glob("??")).name
    dead = [
        f".dvc/cache/files/md5/{folder}/.mlgit-{objects.machine()}-{pid}-0.tmp",
        f".dvc/cache/files/md5/.mlgit-{objects.machine()}-{pid}-1.tmp",
        f".dvc/tmp/rwlock.{pid}.tmp",
        ".dvc.lock.abcd_123.tmp",
        f".dvc/cache/files/md5/{folder}/.dvcs-own-name-of-old.tmp",
    ]
    living = [
        f".dvc/cache/files/md5/{folder}/.mlgit-{objects.machine()}-{os.getpid()}-0.tmp",
        f".dvc/cache/files/md5/{folder}/.dvcs-own-name.tmp",
        ".dvc.lock.young_12.tmp",
        "data.tmp",
    ]
    write_tree(project, dict.fromkeys([*dead, *living], "half"))
    old = time.time() - 100_000
    for name in (dead[3], dead[4], "data.tmp"):
        os.utime(project / name, (old, old))
    done = cli(project, "doctor", "--json")
    assert done.code == 1
    assert sorted(kinds(done)) == sorted(("leftover", name) for name in dead)
    done = cli(project, "doctor", "--fix")
    assert (done.code, f"{len(dead)} findings, 0 left" in done.out) == (0, True)
    assert not any((project / name).exists() for name in dead)
    assert all((project / name).exists() for name in living)


def test_entries_of_dead_processes_are_taken_out_of_the_table(project, cli):
    mine = {"pid": os.getpid(), "cmd": "me"}
    dead = {"pid": dead_process(), "cmd": "dvc repro"}
    table = {
        "write": {f"{project}/x": dead, f"{project}/y": mine},
        "read": {f"{project}/z": [dead, mine], f"{project}/w": [dead]},
    }
    write_tree(project, {".dvc/tmp/rwlock": json.dumps(table)})
    done = cli(project, "doctor", "--json")
    assert [row["message"] for row in done.json["findings"]] == [
        f"'{name}' is entered as in use by `dvc repro`, which is dead" for name in "wxz"
    ]
    assert cli(project, "doctor", "--fix").code == 0
    kept = {"write": {f"{project}/y": mine}, "read": {f"{project}/z": [mine]}}
    assert json.loads((project / ".dvc/tmp/rwlock").read_text()) == kept


@pytest.mark.parametrize("content", ["", "[]", '{"write": {"x": 1}}'])
def test_broken_table_of_busy_paths(project, cli, content):
    write_tree(project, {".dvc/tmp/rwlock": content})
    assert kinds(cli(project, "doctor", "--json")) == [("lock", ".dvc/tmp/rwlock")]
    assert cli(project, "doctor", "--fix").code == 0
    assert dvc(project, "status", "-q").code == 0


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("dvc.lock", "", "empty"),
        ("dvc.lock", "schema: '2.0'\nstages:\n  make:\n<<<<<<< HEAD\n", "dvc.lock"),
        ("raw.csv.dvc", "outs: nothing\n", "raw.csv.dvc"),
        ("dvc.yaml", "stages: [", "dvc.yaml"),
    ],
)
def test_file_that_cannot_be_read(project, cli, path, text, said):
    (project / path).write_text(text)
    done = cli(project, "doctor", "--json")
    assert done.code == 1
    assert any(row["kind"] == "file" and said in row["message"] and row["hint"] for row in done.json["findings"]), done.out


def test_all_broken_files_are_told_at_once(project, cli):
    write_tree(project, {"raw.csv.dvc": "outs: nothing\n", "sub/dvc.yaml": "stages: 3\n"})
    assert {path for kind, path in kinds(cli(project, "doctor", "--json")) if kind == "file"} == {"raw.csv.dvc", "sub/dvc.yaml"}


@pytest.mark.parametrize("types", ["copy", "hardlink", "symlink"])
@pytest.mark.parametrize("content", [b"b\n", b"1,2,3\n"])
def test_damaged_object_is_never_restored(project, cli, types, content):
    (project / ".dvc/config.local").write_text(f"[cache]\n    type = {types}\n")
    damage(object_of(project, content), content[::-1])
    for name in ("big", "out/a", "out/b"):
        (project / name).unlink()
    (project / "out").rmdir()
    done = cli(project, "run", "--json")
    assert done.code == 0, done.said
    if content == b"b\n":
        assert done.json["counts"]["ran"] == 1
    assert (project / "out/b").read_bytes() == b"b\n"
    assert (project / "out/a").read_bytes() == (project / "big").read_bytes() == b"1,2,3\n"
    assert cli(project, "doctor", "--deep").code == 0


@pytest.mark.parametrize("types", ["copy", "hardlink"])
def test_large_damaged_object_is_never_restored(project, cli, types):
    (project / ".dvc/config.local").write_text(f"[cache]\n    type = {types}\n")
    content = b"0123456789abcdef" * 100_000
    (project / "raw.csv").write_bytes(content)
    assert cli(project, "add", "raw.csv").code == 0
    assert cli(project, "run").code == 0
    (project / "big").unlink()
    assert cli(project, "run", "--json").json["counts"]["restored"] == 1
    path = object_of(project, content)
    (project / "big").unlink()
    path.chmod(0o644)
    path.write_bytes(content[::-1])
    path.chmod(0o444)
    (project / "raw.csv").unlink()
    (project / "raw.csv").write_bytes(content)
    done = cli(project, "run", "--json")
    assert (done.code, done.json["counts"]["restored"]) == (0, 0), done.said
    assert (project / "big").read_bytes() == content


def test_mlgit_yaml_that_cannot_be_read_is_a_finding(tmp_path, cli):
    root = repository(tmp_path, {"mlgit.yaml": "mlgit: 1\nmodells: {}\n"})
    done = cli(root, "doctor")
    assert done.code == 1
    assert done.out.startswith("mlgit.yaml: ")
    assert "modells" in done.out


@pytest.mark.parametrize("path", ["mlgit.yaml", "params.yaml", "more.json", "cards/churn.yaml", ".github/workflows/check.yml"])
def test_file_that_is_no_yaml_is_named_with_what_to_type(tmp_path, cli, path):
    stage = "stages: {a: {cmd: touch o, params: [p, more.json: [q]], outs: [o]}}\n"
    sound = {"dvc.yaml": stage, "params.yaml": "p: 1\n", "more.json": '{"q": 1}', "cards/churn.yaml": "a: 1\n"}
    root = repository(tmp_path / "project", sound)
    assert cli(root, "doctor").code == 0
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("# mlgit\na: {}\n  b: 1\n")
    done = cli(root, "doctor", "--json")
    assert (done.code, [each["path"] for each in done.json["findings"]]) == (1, [path])
    assert "git checkout" in done.json["findings"][0]["hint"]
