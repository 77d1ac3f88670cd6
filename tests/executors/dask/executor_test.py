"""Stages on a Dask cluster whose workers share no folder with the clone: the same lock, whatever happens to the workers."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.executors.cluster import WAIT, Cluster, assert_same, is_gone, project, spread, start, twin, until
from tests.executors.http import serve
from tests.kit import commit, dvc, git, lock, mlgit, repository, write_tree
from tests.pipeline.differential import run_dvc

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def meeting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which stages and tests of this module meet."""
    return tmp_path_factory.mktemp("meet")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, meeting: Path) -> Iterator[Cluster]:
    """A cluster that nothing bad happens to."""
    with Cluster(tmp_path_factory.mktemp("cluster"), workers=2, env={"MEET": str(meeting)}) as found:
        yield found


def test_every_kind_of_output_is_as_after_a_local_run(tmp_path, cluster):
    stages = {
        "make": {
            "cmd": "mkdir -p out/a && cat in.txt > out/a/x && touch out/y && cp tool.sh out/run && chmod +x out/run",
            "deps": ["in.txt", "tool.sh"],
            "outs": ["out"],
        },
        "one": {"cmd": "cat out/a/x > one.txt", "deps": ["out/a/x"], "outs": ["one.txt"]},
        "rep": {"cmd": "mkdir rep && cp one.txt rep/r.txt", "deps": ["one.txt"], "outs": [{"rep": {"cache": False}}]},
        "grow": {"cmd": "cat one.txt >> grown.txt", "deps": ["one.txt", "rep"], "outs": [{"grown.txt": {"persist": True}}]},
        "numbers": {"cmd": "echo '{\"k\": 2}' > made.json", "deps": ["one.txt"], "metrics": [{"made.json": {"cache": False}}]},
        "use": {
            "cmd": "cp grown.txt last.txt",
            "deps": ["grown.txt", "local.txt"],
            "params": [{"made.json": ["k"]}],
            "outs": ["last.txt"],
        },
    }
    files = {"in.txt": "in\n", "tool.sh": "#!/bin/sh\n", ".gitignore": "/local.txt\n/grown.txt\n"}
    root = project(tmp_path / "project", stages, files)
    write_tree(root, {"local.txt": "in neither Git nor DVC\n", "grown.txt": "before\n"})
    (root / "in.txt").chmod(0o755)
    commit(root)
    other = twin(root)
    done = spread(root, cluster)
    assert done.code == 0, done.said
    assert mlgit(other, "run").code == 0
    assert_same(root, other, "out/a/x", "out/run", "rep/r.txt", "grown.txt", "made.json", "last.txt")
    assert (root / "grown.txt").read_text() == "before\nin\n"
    assert dvc(root, "repro").out.count("didn't change") >= 6
    cached = [{path.relative_to(each / ".dvc/cache") for path in (each / ".dvc/cache").rglob("*")} for each in (root, other)]
    assert cached[0] == cached[1]
    assert "6 unchanged" in spread(root, cluster).out


def test_what_is_not_committed_travels_along(tmp_path, cluster):
    root = project(tmp_path / "p", {"s": {"cmd": "sh do.sh > out.txt", "deps": ["do.sh", "new.txt"], "outs": ["out.txt"]}})
    write_tree(root, {"do.sh": "echo old\n", "staged.txt": "x\n"})
    commit(root)
    write_tree(root, {"do.sh": "cat new.txt\n", "new.txt": "untracked\n", "staged.txt": "y\n"})
    git(root, "add", "staged.txt")
    (root / "staged.txt").unlink()
    before = git(root, "status", "--porcelain")
    done = spread(root, cluster)
    assert done.code == 0, done.said
    assert "3 paths not committed: do.sh, new.txt, staged.txt" in done.err
    travelled = done.err.partition("as commit ")[2].split()[0]
    assert git(root, "show", f"{travelled}:new.txt") == "untracked"
    assert git(root, "rev-parse", f"{travelled}^") == git(root, "rev-parse", "HEAD")
    assert git(root, "for-each-ref", "--contains", travelled) == ""
    assert (root / "out.txt").read_text() == "untracked\n"
    after = git(root, "status", "--porcelain").splitlines()
    assert [row for row in after if ".gitignore" not in row and "dvc.lock" not in row] == before.splitlines()


def test_stage_finds_nothing_that_another_stage_left(tmp_path, cluster):
    leave = "cat in.txt > {0}.txt && echo stray > stray{0}.txt && echo changed > shared.txt && mkdir d{0} && touch d{0}/x"
    stages: dict[str, object] = {str(n): {"cmd": leave.format(n), "deps": ["in.txt"], "outs": [f"{n}.txt"]} for n in "abcdef"}
    stages["look"] = {
        "cmd": "ls > look.txt && cat shared.txt >> look.txt",
        "deps": ["in.txt", *(f"{n}.txt" for n in "abcdef")],
        "outs": ["look.txt"],
    }
    root = project(tmp_path / "p", stages, {"in.txt": "in\n", "shared.txt": "as committed\n"})
    done = spread(root, cluster)
    assert done.code == 0, done.said
    assert (root / "look.txt").read_text().split("\n")[-2] == "as committed"
    names = (root / "look.txt").read_text().split()
    assert not [name for name in names if "stray" in name or name in ("da", "db", "dc", "dd", "de", "df")]


def test_failed_stage_is_told_as_on_one_machine(tmp_path, cluster):
    stages = {
        "good": {"cmd": "echo 1 > good.txt", "outs": ["good.txt"]},
        "bad": {"cmd": "echo why >&2; echo part > bad.txt; exit 3", "deps": ["good.txt"], "outs": ["bad.txt"]},
        "after": {"cmd": "cp bad.txt after.txt", "deps": ["bad.txt"], "outs": ["after.txt"]},
        "none": {"cmd": "true", "outs": ["none.txt"]},
    }
    root = project(tmp_path / "p", stages)
    done = spread(root, cluster, "--keep-going")
    assert done.code == 1
    assert "exit code 3" in done.out
    assert "| why" in done.out
    assert "did not make its output 'none.txt'" in done.out
    assert list(lock(root)["stages"]) == ["good"]
    assert (root / "good.txt").read_text() == "1\n"
    assert not (root / "bad.txt").exists()


def test_project_in_a_subfolder(tmp_path, cluster):
    stages = {"s": {"cmd": "cat ../top.txt in.txt > sub/out.txt", "wdir": "lib", "deps": ["in.txt"], "outs": ["sub/out.txt"]}}
    root = project(tmp_path / "p", stages, {"lib/in.txt": "in\n"}, at="deep/ml")
    write_tree(tmp_path / "p", {"deep/ml/top.txt": "top\n"})
    commit(tmp_path / "p")
    done = spread(root, cluster)
    assert done.code == 0, done.said
    assert (root / "lib/sub/out.txt").read_text() == "top\nin\n"
    assert "up to date" in run_dvc(root, "status").out


def test_retries_timeout_and_environment_hold_on_workers(tmp_path, cluster):
    root = project(
        tmp_path / "p",
        {
            "again": {
                "cmd": 'echo x >> "$MEET/again" && test $(wc -l < "$MEET/again") = 2 && echo $GREETING > again.txt',
                "outs": ["again.txt"],
                "meta": {"mlgit": {"retries": 1, "retry_delay": 0, "env": {"GREETING": "hello"}}},
            },
            "late": {"cmd": "sleep 60", "deps": ["again.txt"], "outs": ["late.txt"], "meta": {"mlgit": {"timeout": "200ms"}}},
        },
    )
    done = spread(root, cluster)
    assert done.code == 1
    assert "not done within its timeout" in done.out
    assert (root / "again.txt").read_text() == "hello\n"


def test_interrupt_ends_what_runs_on_the_workers(tmp_path, cluster, meeting):
    stages = {
        "first": {"cmd": "echo 1 > first.txt", "outs": ["first.txt"]},
        "held": {"cmd": "sh wait.sh held", "deps": ["first.txt", "wait.sh"], "outs": ["held.txt"]},
    }
    root = project(tmp_path / "p", stages, {"wait.sh": WAIT})
    run = start(root, cluster)
    until((meeting / "held").exists, "the stage that is held")
    pid = int((meeting / "held").read_text().split()[1])
    os.kill(run.pid, signal.SIGINT)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 130, out.decode()
    assert is_gone(pid)
    assert list(lock(root)["stages"]) == ["first"]
    assert (root / "first.txt").read_text() == "1\n"
    assert spread(root, cluster, "first").code == 0


def test_killed_run_leaves_nothing_running(tmp_path, cluster, meeting):
    stages = {"orphan": {"cmd": "sh wait.sh orphan", "deps": ["wait.sh"], "outs": ["o.txt"]}}
    root = project(tmp_path / "p", stages, {"wait.sh": WAIT})
    run = start(root, cluster)
    until((meeting / "orphan").exists, "the stage that is held")
    pid = int((meeting / "orphan").read_text().split()[1])
    run.kill()
    run.communicate()
    until(lambda: is_gone(pid), "the end of the stage")


def test_resources_choose_the_worker(tmp_path):
    stages = {
        "plain": {"cmd": "echo 1 > plain.txt", "outs": ["plain.txt"]},
        "heavy": {
            "cmd": "echo $WORKER > heavy.txt",
            "deps": ["plain.txt"],
            "outs": ["heavy.txt"],
            "meta": {"mlgit": {"resources": {"gpus": 1, "cpus": 1}}},
        },
        "huge": {
            "cmd": "true",
            "deps": ["heavy.txt"],
            "outs": ["h.txt"],
            "meta": {"mlgit": {"resources": {"gpus": 4}}},
        },
    }
    root = project(tmp_path / "p", stages)
    with Cluster(tmp_path / "cluster", workers=1) as cluster:
        cluster.add_worker("special", resources="gpus=2")
        cluster.wait_for(2)
        done = spread(root, cluster, "--keep-going")
    assert (root / "heavy.txt").read_text() == "special\n"
    assert done.code == 1
    assert "stage 'huge' wants 4 of 'gpus', no worker of the cluster offers more than 2" in done.out


def test_stage_that_was_sent_before_any_worker_came_is_refused_when_none_can_take_it(tmp_path):
    stages: dict[str, object] = {"huge": {"cmd": "true", "outs": ["h.txt"], "meta": {"mlgit": {"resources": {"gpus": 4}}}}}
    root = project(tmp_path / "p", stages)
    with Cluster(tmp_path / "cluster", workers=0) as cluster:
        run = start(root, cluster)
        until((root / ".dvc/tmp/mlgit/run.lock").exists, "the run")
        cluster.add_worker("small", resources="gpus=2")
        out, _ = run.communicate(timeout=120)
    assert run.returncode == 1
    assert b"stage 'huge' wants 4 of 'gpus', no worker of the cluster offers more than 2" in out


def test_cluster_of_its_own_comes_and_goes(tmp_path):
    stages: dict[str, object] = {f"s{n}": {"cmd": f"echo {n} > {n}.txt", "outs": [f"{n}.txt"]} for n in range(5)}
    root = project(tmp_path / "p", stages)
    done = mlgit(root, "run", "--executor", "dask", "-j2")
    assert done.code == 0, done.said
    assert done.err == ""
    assert "up to date" in run_dvc(root, "status").out
    assert not (root / ".dvc/tmp/mlgit/dask").exists()


def test_lost_outputs_come_from_the_remote(tmp_path, cluster):
    root = project(
        tmp_path / "p", {"s": {"cmd": "cat in.txt > s.txt", "deps": ["in.txt"], "outs": ["s.txt"]}}, {"in.txt": "1\n"}
    )
    assert spread(root, cluster).code == 0
    shutil.rmtree(root / ".dvc/cache")
    (root / "s.txt").unlink()
    done = spread(root, cluster)
    assert "1 restored" in done.out, done.said
    assert (root / "s.txt").read_text() == "1\n"


def test_no_remote(tmp_path):
    root = repository(tmp_path / "p", {"dvc.yaml": "stages: {s: {cmd: echo 1 > s.txt, outs: [s.txt]}}\n"})
    done = mlgit(root, "run", "--executor", "dask")
    assert done.code == 2
    assert "no default DVC remote" in done.err
    assert "mlgit remote add -d NAME URL" in done.err


def test_no_scheduler(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "500ms")
    root = project(tmp_path / "p", {"s": {"cmd": "echo 1 > s.txt", "outs": ["s.txt"]}})
    done = mlgit(root, "run", "--executor", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert done.code == 2
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in done.err


def test_any_remote_that_dvc_reaches(tmp_path, cluster):
    stages = {
        "a": {"cmd": "mkdir -p out/in && cp data.txt out/in/x && cp data.txt out/y", "deps": ["data.txt"], "outs": ["out"]},
        "b": {"cmd": "cat out/in/x extra/e > b.txt", "deps": ["out", "extra"], "outs": ["b.txt"]},
    }
    root = project(tmp_path / "p", stages)
    write_tree(root, {"data.txt": "data\n", "extra/e": "never pushed\n"})
    assert run_dvc(root, "add", "data.txt", "extra").code == 0
    (tmp_path / "served").mkdir()
    with serve(tmp_path / "served") as address:
        for args in (["remote", "add", "-f", "-d", "store", address], ["remote", "modify", "store", "method", "PUT"]):
            assert run_dvc(root, *args).code == 0
        assert run_dvc(root, "push", "data.txt.dvc").code == 0
        shutil.rmtree(root / ".dvc/cache/files/md5")
        assert run_dvc(root, "add", "extra").code == 0
        done = spread(root, cluster)
        assert done.code == 0, done.said
        assert (root / "b.txt").read_text() == "data\nnever pushed\n"
        assert "up to date" in run_dvc(root, "status").out
        assert run_dvc(root, "push").out.startswith("Everything is up to date")
