from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlgit.errors import MlgitError
from mlgit.experiments import run_artifacts
from mlgit.experiments.runs import RunStore
from tests.experiments.stores import repository
from tests.kit import git

LARGE = b"0123456789abcdef" * 10_000


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(repository(tmp_path / "project"))


def file(folder: Path, content: bytes, name: str = "file") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("ends", [False, True])
def test_files_are_read_as_they_were_logged(store, tmp_path, ends):
    run_id = store.create().id
    store.artifacts.put(run_id, {"model/weights": file(tmp_path, LARGE), "model/a b.txt": file(tmp_path, b"small", "other")})
    if ends:
        store.update(run_id, status="FINISHED")
    found = RunStore(store.root).artifacts
    assert [(each.path, each.size) for each in found.inside(run_id)] == [("model", None)]
    assert [(each.path, each.size) for each in found.inside(run_id, "model/")] == [
        ("model/a b.txt", 5),
        ("model/weights", len(LARGE)),
    ]
    assert (found.read(run_id, "model/weights"), found.read(run_id, "model/a b.txt")) == (LARGE, b"small")
    assert found.inside(run_id, "model/weights") == []
    assert found.paths(run_id, "model") == ["model/a b.txt", "model/weights"]


def test_small_files_stand_in_the_commit_and_large_ones_do_not(store, tmp_path):
    run_id = store.create().id
    store.artifacts.put(run_id, {"weights": file(tmp_path, LARGE), "a/b/c.txt": file(tmp_path, b"small", "other")})
    store.update(run_id, status="FINISHED")
    listed = git(store.root, "ls-tree", "-r", "--name-only", f"refs/mlgit/runs/{run_id}:artifacts")
    assert listed.splitlines() == ["a/b/c.txt"]
    for path in Path(store.root, ".git/mlgit/artifacts/files").rglob("*"):
        if path.is_file():
            path.unlink()
    assert store.artifacts.read(run_id, "a/b/c.txt") == b"small"
    with pytest.raises(MlgitError, match="is not in this clone"):
        store.artifacts.read(run_id, "weights")


def test_commit_takes_no_more_small_files_than_its_share(store, tmp_path):
    run_id = store.create().id
    sources = {f"{number:03}": file(tmp_path, os.urandom(60_000), str(number)) for number in range(30)}
    store.artifacts.put(run_id, sources)
    store.update(run_id, status="FINISHED")
    sizes = git(store.root, "ls-tree", "-r", "-l", f"refs/mlgit/runs/{run_id}:artifacts").splitlines()
    assert len(sizes) == run_artifacts.SMALL_TOGETHER // 60_000
    assert all(store.artifacts.read(run_id, path) == source.read_bytes() for path, source in sources.items())


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "", ".", "a\\b", "a\nb", "a\x00b", "x" * 2000])
def test_path_that_leads_out_is_refused(store, tmp_path, path):
    run_id = store.create().id
    with pytest.raises(MlgitError, match="no path of a logged file"):
        store.artifacts.put(run_id, {path: file(tmp_path, b"x")})
    with pytest.raises(MlgitError, match="no path of a logged file"):
        store.artifacts.get(run_id, path, to=tmp_path / "to")


@pytest.mark.parametrize("name", [".git/config", "a/.GIT/x", ".gitmodules", "git~1/x", ".g\u200cit/x"])
def test_name_that_git_would_obey_never_stands_in_a_tree(store, tmp_path, name):
    run_id = store.create().id
    store.artifacts.put(run_id, {name: file(tmp_path, b"x")})
    store.update(run_id, status="FINISHED")
    assert git(store.root, "ls-tree", "-r", f"refs/mlgit/runs/{run_id}:artifacts") == ""
    assert store.artifacts.read(run_id, name) == b"x"
    assert git(store.root, "fsck", "--strict", "--no-dangling").strip() == ""


def test_file_is_no_folder_at_the_same_time(store, tmp_path):
    run_id = store.create().id
    store.artifacts.put(run_id, {"a/b": file(tmp_path, b"x")})
    for path in ("a", "a/b/c"):
        with pytest.raises(MlgitError):
            store.artifacts.put(run_id, {path: file(tmp_path, b"x")})


def test_file_of_a_run_that_ended_is_replaced_and_taken_away(store, tmp_path):
    run_id = store.create().id
    store.artifacts.put(run_id, {"a/b": file(tmp_path, b"one"), "a/c": file(tmp_path, b"one")})
    store.update(run_id, status="FINISHED")
    store.artifacts.put(run_id, {"a/b": file(tmp_path, b"two")})
    assert store.artifacts.read(run_id, "a/b") == b"two"
    store.artifacts.delete(run_id, "a/b")
    assert store.artifacts.paths(run_id) == ["a/c"]
    store.artifacts.delete(run_id)
    assert RunStore(store.root).artifacts.paths(run_id) == []


def test_files_of_a_logged_model_are_kept_as_those_of_a_run(store, tmp_path):
    model = store.models.create("0", name="first")
    store.artifacts.put(model.id, {"MLmodel": file(tmp_path, b"flavors: {}"), "data/model.bin": file(tmp_path, LARGE, "m")})
    store.models.finalize(model.id, status="READY")
    found = RunStore(store.root)
    assert found.artifacts.paths(model.id) == ["MLmodel", "data/model.bin"]
    assert found.artifacts.read(model.id, "data/model.bin") == LARGE
    assert found.models.get(model.id).status == "READY"


@pytest.mark.parametrize(
    "listed", ['{"../../x": [1, "%s"]}', '{"/x": [1, "%s"]}', '{"x": [1, "../../../%s"]}', '{"x": [-1, "%s"]}']
)
def test_hostile_list_of_files_is_refused(store, listed):
    run_id = store.create().id
    store.update(run_id, status="FINISHED")
    text = f'{{"schema": 1, "files": {listed % ("a" * 32)}}}'
    (store.root / "list").write_text(text)
    blob = git(store.root, "hash-object", "-w", "list")
    rows = git(store.root, "ls-tree", f"refs/mlgit/runs/{run_id}") + f"\n100644 blob {blob}\tartifacts.json\n"
    (store.root / "rows").write_text(rows)
    tree = git(store.root, "-c", "alias.make=!git mktree <rows", "make")
    git(store.root, "update-ref", f"refs/mlgit/runs/{run_id}", git(store.root, "commit-tree", "-m", "x", tree))
    with pytest.raises(MlgitError, match="not what mlgit writes"):
        RunStore(store.root).artifacts.paths(run_id)


def test_link_and_pipe_are_not_waited_for(store, tmp_path):
    run_id = store.create().id
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        with pytest.raises(MlgitError):
            store.artifacts.put(run_id, {"x": path})


def test_orphans_are_the_contents_that_nobody_keeps_and_that_are_not_new(store, tmp_path):
    run_id = store.create().id
    store.artifacts.put(run_id, {"a": file(tmp_path, LARGE), "b": file(tmp_path, LARGE + b"2", "b")})
    store.update(run_id, status="FINISHED")
    model = store.models.create("0", name="first")
    store.artifacts.put(model.id, {"c": file(tmp_path, LARGE + b"3", "c")})
    live = store.create().id
    store.artifacts.put(live, {"d": file(tmp_path, LARGE + b"4", "d")})
    store.artifacts.delete(run_id, "a")
    assert store.orphans() == []
    for path in Path(store.root, ".git/mlgit/artifacts/files").rglob("*"):
        os.utime(path, (1, 1))
    assert [path.read_bytes() for path in store.orphans()] == [LARGE]
