from __future__ import annotations

from pathlib import Path

import pytest

from mlgit.experiments import run_transfer
from mlgit.experiments.runs import RunStore
from tests.kit import dvc, git
from tests.kit.forked import mlgit
from tests.kit.sharing import make

pytestmark = pytest.mark.slow  # a pipeline runs, and is pushed

LARGE = b"0123456789abcdef" * 10_000


@pytest.fixture
def project(tmp_path) -> Path:
    return make(tmp_path)


def logged(root: Path, content: bytes = LARGE) -> str:
    store = RunStore(root)
    run = store.create(name="first")
    (root.parent / "weights").write_bytes(content)
    (root.parent / "note").write_bytes(b"small")
    store.artifacts.put(run.id, {"model/weights": root.parent / "weights", "note": root.parent / "note"})
    store.update(run.id, status="FINISHED")
    return run.id


def clone(project: Path) -> Path:
    top = project.parent / "elsewhere"
    top.mkdir()
    git(top, "clone", "--quiet", "../origin.git", "project")
    (top / "project/.dvc/config.local").write_text(f"['remote \"there\"']\n    url = {project.parent / 'there'}\n")
    return top / "project"


def test_push_sends_runs_with_their_files_and_a_clone_brings_them(project):
    run_id = logged(project)
    done = mlgit(project, "push")
    assert done.code == 0, done.err
    assert [path.stat().st_size for path in (project.parent / "there/mlgit/files/md5").glob("*/*")] == [len(LARGE)]
    other = clone(project)
    assert mlgit(other, "pull").code == 0
    found = RunStore(other)
    assert found.get(run_id) == RunStore(project).get(run_id)
    assert found.artifacts.read(run_id, "note") == b"small"
    moved = run_transfer.bring(other, other / ".dvc", refs={f"refs/mlgit/runs/{run_id}"})
    assert (moved.n_files, moved.n_bytes, moved.notes) == (1, len(LARGE), ())
    assert found.artifacts.read(run_id, "model/weights") == LARGE


def test_pushed_again_nothing_is_sent(project):
    logged(project)
    assert mlgit(project, "push").code == 0
    assert run_transfer.send(project, project / ".dvc") == run_transfer.MovedFiles()
    there = next((project.parent / "there/mlgit").rglob("??/*"))
    there.chmod(0o644)
    there.write_bytes(b"cut short")
    assert run_transfer.send(project, project / ".dvc", dry_run=True).n_files == 1
    assert run_transfer.send(project, project / ".dvc").n_files == 1
    assert there.read_bytes() == LARGE


def test_no_garbage_collection_takes_the_files_of_runs(project):
    run_id = logged(project)
    assert mlgit(project, "push").code == 0
    for options in ("-w", "-a", "--all-experiments"):
        done = dvc(project, "gc", options, "-c", "-f", "-r", "there")
        assert done.code == 0, done.err
    git(project, "gc", "--quiet", "--prune=now")
    assert RunStore(project).artifacts.read(run_id, "model/weights") == LARGE
    assert len(list((project.parent / "there/mlgit").rglob("??/*"))) == 1


def test_damaged_file_on_the_remote_is_not_taken(project):
    logged(project)
    assert mlgit(project, "push").code == 0
    there = next((project.parent / "there/mlgit").rglob("??/*"))
    there.chmod(0o644)
    there.write_bytes(LARGE[::-1])
    other = clone(project)
    assert mlgit(other, "pull").code == 0
    with pytest.raises(run_transfer.remotes.DamagedRemoteError):
        run_transfer.bring(other, other / ".dvc")


def test_push_seals_a_lost_run_first(project):
    spool = project / ".git/mlgit/live" / f"{'a' * 32}.jsonl"
    store = RunStore(project)
    store.create(run_id="a" * 32)
    spool.write_text("".join(line for line in spool.read_text().splitlines(keepends=True) if '["w"' not in line))
    done = mlgit(project, "push")
    assert done.code == 0, done.err
    assert RunStore(project).get("a" * 32).status == "KILLED"
    assert "refs/mlgit/runs/" + "a" * 32 in git(project, "ls-remote", "origin")


def test_without_a_remote_the_files_stay_and_it_is_said(project):
    logged(project)
    (project / ".dvc/config").write_text("")
    moved = run_transfer.send(project, project / ".dvc")
    assert "stay in this clone" in moved.notes[0]
