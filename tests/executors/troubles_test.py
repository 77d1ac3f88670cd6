"""Workers that cannot work, and remotes that do not answer them: named, gone round where that helps, and never a defect."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

import mlgit as mlgit_package
from tests.executors.cluster import WAIT, Cluster, assert_same, project, spread, start, twin, until
from tests.executors.losses_test import CHAINS, chains
from tests.kit import commit, git, lock, mlgit, write_tree
from tests.kit.storage import SECRET, environment, storage
from tests.pipeline.differential import run_dvc

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

IN = {"in.txt": "in\n"}
ONE: dict[str, object] = {"s": {"cmd": "cat in.txt > s.txt", "deps": ["in.txt"], "outs": ["s.txt"]}}


def without(folder: Path, package: str) -> dict[str, str]:
    """The environment of a Python that lacks a package."""
    text = f"raise ModuleNotFoundError(\"No module named '{package}'\", name='{package}')\n"
    write_tree(folder, {f"{package}/__init__.py": text})
    return {"PYTHONPATH": str(folder)}


def on_small_disk(folder: Path, kib: int) -> list[str]:
    """What stands before a command whose folder is a disk of so many KiB; skips the test where that is not allowed."""
    alone = ["unshare", "--map-root-user", "--mount"]
    script = f'mount -t tmpfs -o size={kib}k tmpfs {folder} && exec "$@"'
    if shutil.which("unshare") is None or subprocess.run([*alone, "sh", "-c", "mount -t tmpfs tmpfs /tmp"]).returncode:
        pytest.skip("no disks can be made here")
    return [*alone, "sh", "-c", script, "sh"]


@pytest.mark.full
def test_many_stages_over_s3_go_round_the_workers_that_cannot_work(tmp_path):
    meet = tmp_path / "meet"
    meet.mkdir()
    (meet / "go").touch()
    files = {"text.txt": "a\nb\nc\n", "wait.sh": "echo x >> $MEET/$1\n", "params.yaml": "depth: 3\n", "raw.txt": "1\n2\n"}
    root = project(tmp_path / "project", chains(), files)
    git(root, "rm", "-q", "--cached", "raw.txt")
    assert run_dvc(root, "add", "raw.txt").code == 0
    with storage("s3", tmp_path / "server") as server:
        (root / ".dvc/config").write_text(server.config())
        commit(root, "Track the data")
        other = twin(root)
        env = {**environment(server, tmp_path), "MEET": str(meet)}
        with Cluster(tmp_path / "cluster", workers=3, env=env) as cluster:
            cluster.add_worker("nobody", env={"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
            cluster.add_worker("plain", env=without(tmp_path / "lacking", "dvc_s3"))
            cluster.add_worker("small", before=on_small_disk(cluster.folder / "small", 120))
            cluster.wait_for(6)
            done = mlgit(root, "run", "--executor", "dask", "--scheduler", cluster.address, env=env)
        assert done.code == 0, done.said
        assert mlgit(other, "run", env=env).code == 0
        assert_same(root, other, "score3.json", "parts4/deep/paa", f"clean{CHAINS - 1}.txt")
    for name, what in {"nobody": "credentials", "plain": "dvc[s3]", "small": "No space left on device"}.items():
        [line] = [line for line in done.err.splitlines() if f"the worker '{name}'" in line and "gets no more stages" in line]
        assert what in line, line
    assert SECRET not in done.said


def test_bare_worker_and_one_of_another_version_get_nothing(tmp_path):
    stages: dict[str, object] = {f"s{n}": {"cmd": f"echo $WORKER > {n}.txt", "outs": [f"{n}.txt"]} for n in range(9)}
    root = project(tmp_path / "p", stages)
    copied = shutil.copytree(Path(mlgit_package.__file__).parent, tmp_path / "other/mlgit")
    (copied / "__init__.py").write_text('__version__ = "0.0.9"\n')
    with Cluster(tmp_path / "cluster", workers=1, bare=True) as cluster:
        cluster.add_worker("bare", bare=True)
        cluster.add_worker("old", env={"PYTHONPATH": str(tmp_path / "other")})
        cluster.wait_for(3)
        done = spread(root, cluster)
    assert done.code == 0, done.said
    assert "the worker 'bare' (tcp://" in done.err
    assert "it cannot import mlgit; type `pip install" in done.err
    assert f"it has mlgit 0.0.9, the run has {mlgit_package.__version__}" in done.err
    assert {(root / f"{n}.txt").read_text() for n in range(9)} == {"worker0\n"}


def test_worker_without_mlgit_that_comes_late_does_not_take_the_run_down(tmp_path):
    root = project(
        tmp_path / "p",
        {"s": {"cmd": "sh wait.sh held && echo 1 > s.txt", "deps": ["wait.sh"], "outs": ["s.txt"]}},
        {"wait.sh": WAIT},
    )
    with Cluster(tmp_path / "cluster", workers=0, env={"MEET": str(tmp_path)}) as cluster:
        run = start(root, cluster)
        until((root / ".dvc/tmp/mlgit/run.lock").exists, "the run")
        cluster.add_worker("bare", bare=True)
        cluster.wait_for(1)
        cluster.add_worker("able")
        (tmp_path / "go").touch()
        out, _ = run.communicate(timeout=120)
    assert run.returncode == 0, out.decode()
    assert b"the worker 'bare' (tcp://" in out


def test_no_worker_at_all_is_said_and_has_an_end(tmp_path):
    root = project(tmp_path / "p", ONE, IN)
    with Cluster(tmp_path / "cluster", workers=0) as cluster:
        done = spread(root, cluster, "--timeout", "2s")
        assert done.code == 2, done.said
        assert f"no worker has come in the Dask cluster at {cluster.address}; waiting at most 2 s" in done.err
        assert f"no worker has come in the Dask cluster at {cluster.address} within 2 s" in done.err
        assert f"`dask worker {cluster.address}`" in done.err
    assert not (root / "dvc.lock").exists()


def test_run_ends_when_no_worker_that_can_work_is_left(tmp_path):
    root = project(tmp_path / "p", ONE, IN)
    with Cluster(tmp_path / "cluster", workers=0) as cluster:
        cluster.add_worker("bare", bare=True)
        cluster.wait_for(1)
        done = spread(root, cluster, "--timeout", "1s")
    assert done.code == 2, done.said
    assert "no worker is left that can run stages in the Dask cluster" in done.err
    assert done.err.count("it cannot import mlgit") == 2


@pytest.mark.parametrize("retries", [0, 2])
def test_remote_that_fails_in_mid_run_is_named_and_the_stage_retried_as_declared(tmp_path, retries):
    break_it = (
        'echo x >> "$MEET/ran" && touch "$MEET/broken" && while [ -e "$MEET/held" ]; do sleep 0.02; done && echo 1 > b.txt'
    )
    meta = {"mlgit": {"retries": retries, "retry_delay": "200ms"}}
    stages: dict[str, object] = {
        "a": {"cmd": "cat in.txt > a.txt", "deps": ["in.txt"], "outs": ["a.txt"]},
        "b": {"cmd": break_it, "deps": ["a.txt"], "outs": ["b.txt"], "meta": meta},
    }
    root = project(tmp_path / "p", stages, IN)
    (tmp_path / "held").touch()
    with storage("http", tmp_path / "server") as server:
        (root / ".dvc/config").write_text(server.config())
        commit(root)
        with Cluster(tmp_path / "cluster", workers=2, env={**environment(server, tmp_path), "MEET": str(tmp_path)}) as cluster:
            run = start(root, cluster)
            until((tmp_path / "broken").exists, "the stage")
            server.fault = "500"
            (tmp_path / "held").unlink()
            assert run.stdout
            out = b""
            for line in run.stdout:
                out += line
                if line.startswith(b"retrying"):
                    server.fault = ""
            run.wait(timeout=60)
    assert SECRET.encode() not in out
    if retries:
        assert run.returncode == 0, out.decode()
    else:
        assert run.returncode == 2, out.decode()
        assert "stage 'b' failed: on the worker 'worker" in out.decode()
        assert "the DVC remote 'store' (http://" in out.decode()
        assert "could not be asked: the server answered 500" in out.decode()
        assert list(lock(root)["stages"]) == ["a"]


def test_killed_process_that_runs_stages_is_tried_elsewhere(tmp_path):
    once = 'if mkdir "$MEET/once"; then kill -KILL $PPID; sleep 60; fi; echo 1 > s.txt'
    root = project(tmp_path / "p", {"s": {"cmd": once, "outs": ["s.txt"]}})
    with Cluster(tmp_path / "cluster", workers=2, env={"MEET": str(tmp_path)}) as cluster:
        cluster.wait_for(2)
        done = spread(root, cluster)
    assert done.code == 0, done.said
    assert "stage 's' is tried again elsewhere: on the worker 'worker" in done.err
    assert "ended from outside, by signal 9" in done.err


def test_worker_that_hangs_gets_nothing_and_holds_nobody_up(tmp_path):
    root = project(tmp_path / "p", ONE, IN)
    with Cluster(tmp_path / "cluster", workers=2) as cluster:
        cluster.wait_for(2)
        os.kill(cluster.processes["worker0"].pid, signal.SIGSTOP)
        done = spread(root, cluster, "--timeout", "3s")
        os.kill(cluster.processes["worker0"].pid, signal.SIGCONT)
    assert done.code == 0, done.said
    assert "note: the worker 'worker0' (tcp://" in done.err
    assert "gets no more stages: it has not answered within 3 s" in done.err
