"""Stages on a Dask cluster that loses workers or its scheduler: what is finished stays, the lock is that of a quiet run."""

from __future__ import annotations

import pytest

from tests.executors.cluster import WAIT, Cluster, assert_same, is_gone, project, recorded, start, twin, until
from tests.kit import FULL, commit, git, lock, mlgit, write_tree
from tests.pipeline.differential import run_dvc

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow


CHAINS = 10 if FULL else 5


def chains() -> dict[str, object]:
    """Many times: data that Git has or DVC tracks, a folder made of it, and a metric that is not cached."""
    stages: dict[str, object] = {}
    for number in range(CHAINS):
        say = f'echo x >> "$MEET/ran-{{}}{number}"'
        wait = "sh wait.sh slow && " if number == 4 else ""
        stages[f"clean{number}"] = {
            "cmd": f"{say.format('clean')} && cat raw.txt text.txt > clean{number}.txt",
            "deps": ["raw.txt", "text.txt"],
            "outs": [f"clean{number}.txt"],
        }
        folder = f"parts{number}"
        stages[f"split{number}"] = {
            "cmd": f"{say.format('split')} && {wait}mkdir -p {folder}/deep && split -l 2 clean{number}.txt {folder}/deep/p",
            "deps": [f"clean{number}.txt", "wait.sh"],
            "params": ["depth"],
            "outs": [folder],
        }
        stages[f"score{number}"] = {
            "cmd": f'{say.format("score")} && echo "{{\\"n\\": $(ls {folder}/deep | wc -l)}}" > score{number}.json',
            "deps": [folder],
            "metrics": [{f"score{number}.json": {"cache": False}}],
        }
    return stages


def test_killed_worker_costs_one_stage_and_the_lock_is_that_of_a_local_run(tmp_path):
    meet = tmp_path / "meet"
    meet.mkdir()
    files = {"text.txt": "a\nb\nc\n", "wait.sh": WAIT, "params.yaml": "depth: 3\n", "raw.txt": "1\n2\n3\n"}
    root = project(tmp_path / "project", chains(), files)
    git(root, "rm", "-q", "--cached", "raw.txt")
    assert run_dvc(root, "add", "raw.txt").code == 0
    commit(root, "Track the data")
    other = twin(root)
    with Cluster(tmp_path / "cluster", workers=3, env={"MEET": str(meet)}) as cluster:
        run = start(root, cluster)
        until((meet / "slow").exists, "the slow stage")
        worker, pid = (meet / "slow").read_text().split()
        until(lambda: len(recorded(root)) == 3 * CHAINS - 2, "all other stages")
        cluster.kill(worker)
        until(lambda: len((meet / "slow").read_text().splitlines()) == 2, "the second attempt")
        until(lambda: is_gone(int(pid)), "the end of what the killed worker ran")
        (meet / "go").touch()
        out, _ = run.communicate(timeout=120)
        assert run.returncode == 0, out.decode()
    runs = {path.name: len(path.read_text().splitlines()) for path in meet.glob("ran-*")}
    assert runs.pop("ran-split4") == 2
    assert set(runs.values()) == {1}
    assert len(runs) == 3 * CHAINS - 1
    done = mlgit(other, "run", env={"MEET": str(meet)})
    assert done.code == 0, done.said
    assert_same(root, other, "score3.json", "parts4/deep/paa", f"clean{CHAINS - 1}.txt")
    assert git(root, "status", "--porcelain").splitlines() == git(other, "status", "--porcelain").splitlines()


def test_lost_scheduler_ends_the_run_with_all_that_is_finished(tmp_path):
    meet = tmp_path / "meet"
    meet.mkdir()
    stages = {
        "first": {"cmd": "echo 1 > first.txt", "outs": ["first.txt"]},
        "held": {"cmd": "sh wait.sh held", "deps": ["first.txt", "wait.sh"], "outs": ["held.txt"]},
    }
    root = project(tmp_path / "p", stages, {"wait.sh": WAIT})
    with Cluster(tmp_path / "cluster", workers=1, env={"MEET": str(meet)}) as cluster:
        run = start(root, cluster)
        until((meet / "held").exists, "the stage that is held")
        pid = int((meet / "held").read_text().split()[1])
        cluster.kill("scheduler")
        out, _ = run.communicate(timeout=120)
        assert run.returncode == 2, out.decode()
        assert b"scheduler" in out
        until(lambda: is_gone(pid), "the end of the stage")
    assert list(lock(root)["stages"]) == ["first"]
    assert (root / "first.txt").read_text() == "1\n"


def test_stage_that_loses_its_worker_fails_and_others_go_on(tmp_path):
    stages = {
        "poison": {"cmd": 'kill -KILL "$(cat "$MEET/$WORKER")"; sleep 60', "outs": ["poison.txt"]},
        "after": {"cmd": "cp poison.txt after.txt", "deps": ["poison.txt"], "outs": ["after.txt"]},
        "other": {"cmd": "sh wait.sh other && echo 1 > other.txt", "deps": ["wait.sh"], "outs": ["other.txt"]},
    }
    root = project(tmp_path / "p", stages, {"wait.sh": WAIT})
    once = {"MEET": str(tmp_path), "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with Cluster(tmp_path / "cluster", workers=2, env=once) as cluster:
        for name in ("worker0", "worker1"):
            (tmp_path / name).write_text(str(cluster.processes[name].pid))
        run = start(root, cluster, "--keep-going")
        until((tmp_path / "other").exists, "the stage on the worker that stays")
        until(lambda: any(cluster.processes[name].poll() is not None for name in ("worker0", "worker1")), "the end of a worker")
        (tmp_path / "go").touch()
        out, _ = run.communicate(timeout=120)
    assert run.returncode == 1, out.decode()
    assert b"Every worker that tried this stage was lost" in out
    assert list(lock(root)["stages"]) == ["other"]


def test_worker_that_comes_later_gets_the_commit_and_works(tmp_path):
    root = project(tmp_path / "p", {"s": {"cmd": "cat in.txt > s.txt", "deps": ["in.txt"], "outs": ["s.txt"]}})
    write_tree(root, {"in.txt": "1\n"})
    with Cluster(tmp_path / "cluster", workers=0) as cluster:
        run = start(root, cluster)
        until((root / ".dvc/tmp/mlgit/run.lock").exists, "the run")
        cluster.add_worker("late")
        out, _ = run.communicate(timeout=120)
    assert run.returncode == 0, out.decode()
    assert (root / "s.txt").read_text() == "1\n"
