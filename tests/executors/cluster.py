"""A Dask cluster as others have it: a scheduler and workers that are processes of their own, in folders of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Self

import yaml

from tests.kit import Completed, commit, forked, lock, repository, write_tree
from tests.kit.forked import mlgit
from tests.pipeline.differential import run_dvc

PATIENCE = 120.0
NOTHING: Mapping[str, str] = MappingProxyType({})
_PACKAGES = sysconfig.get_path("purelib")

# A stage that says that it runs, waits to be let go, and then does its work.
WAIT = """\
echo "$WORKER $$" >> "$MEET/$1"
while [ ! -e "$MEET/go" ]; do sleep 0.02; done
"""


def until(met: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


def _is_whole(file: Path) -> bool:
    """Whether the scheduler has written down where it listens: it writes in place."""
    try:
        return bool(json.loads(file.read_text()))
    except (FileNotFoundError, ValueError):
        return False


class Cluster:
    """Everything listens on the loopback interface only. `WORKER` in the environment of a stage says where it runs.

    Its first `workers` are there once it is made.

    A `bare` scheduler has no mlgit.
    """

    def __init__(
        self, folder: Path, *, workers: int, env: dict[str, str] | None = None, resources: str = "", bare: bool = False
    ) -> None:
        self.folder = folder
        self.env = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3", **(env or {})}
        self.processes: dict[str, subprocess.Popen[bytes] | forked.Started] = {}
        file = folder / "scheduler.json"
        said = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self._start("scheduler", ["distributed.cli.dask_scheduler", *said], bare=bare)
        until(lambda: _is_whole(file), "the scheduler")
        self.file = str(file)
        for number in range(workers):
            self.add_worker(f"worker{number}", resources=resources)
        if workers:
            self.wait_for(workers)

    def add_worker(
        self,
        name: str,
        *,
        resources: str = "",
        env: dict[str, str] | None = None,
        before: Sequence[str] = (),
        bare: bool = False,
    ) -> None:
        """Start one more worker, without anybody who would start it again.

        `env` is added to its environment ('' takes a variable away), `before` stands before its command; a `bare` one has no
        mlgit.
        """
        said = ["--scheduler-file", self.file, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        said += [
            "--local-directory",
            str(self.folder / name),
            "--name",
            name,
            *(["--resources", resources] if resources else []),
        ]
        self._start(name, ["distributed.cli.dask_worker", *said], env=env or {}, before=before, bare=bare)

    def _start(
        self, name: str, argv: list[str], *, env: Mapping[str, str] = NOTHING, before: Sequence[str] = (), bare: bool = False
    ) -> None:
        (self.folder / name).mkdir(parents=True)
        added = {**self.env, "WORKER": name, **env, **({"PYTHONPATH": _PACKAGES} if bare else {})}
        added = {key: value for key, value in added.items() if value}
        log_file = self.folder / f"{name}.log"
        if not before and "PYTHONPATH" not in added:  # it has what all have, and need not import it again
            self.processes[name] = forked.start(argv[0], self.folder / name, argv[1:], env=added, log=log_file)
            return
        with open(log_file, "wb") as log:
            self.processes[name] = subprocess.Popen(
                [*before, sys.executable, *(["-S"] if bare else []), "-m", *argv],  # without it, no package in development
                cwd=self.folder / name,
                env=added,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_for(self, count: int) -> None:
        """Wait until so many workers have come."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=PATIENCE)

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return str(json.loads(Path(self.file).read_text())["address"])

    def kill(self, name: str) -> None:
        """End a process so that it can do nothing about it."""
        self.processes[name].kill()
        self.processes[name].wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes.values():
            process.kill()  # told to end, they would look for one another for long; stages end with their worker
        for process in self.processes.values():
            process.wait()


def project(root: Path, stages: dict[str, object], files: dict[str, str] | None = None, *, at: str = "") -> Path:
    """A committed project with these stages and a remote of its own beside it."""
    texts = {"dvc.yaml": yaml.safe_dump({"stages": stages}, sort_keys=False), **(files or {})}
    repository(root, {} if at else texts)
    if at:
        (root / at).mkdir(parents=True)
        shutil.move(root / ".dvc", root / at)
        (root / ".dvcignore").unlink(missing_ok=True)
    here = root / at if at else root
    write_tree(here, texts)
    store = root.parent / f"{root.name}-store"
    (here / ".dvc/config").write_text(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {store}\n")
    commit(root, "Add a pipeline")
    return here


def spread(root: Path, cluster: Cluster, *args: str) -> Completed:
    """`mlgit run` on the cluster."""
    return mlgit(root, "run", "--executor", "dask", "--scheduler", cluster.address, *args)


def twin(root: Path) -> Path:
    """A copy of a project as it is before it runs."""
    return Path(shutil.copytree(root, root.with_name(f"{root.name}-twin"), symlinks=True))


def assert_same(root: Path, other: Path, *paths: str) -> None:
    """Both projects have the same lock, ignore file and outputs, and DVC finds nothing to do."""
    for path in ("dvc.lock", ".gitignore", *paths):
        assert (root / path).read_bytes() == (other / path).read_bytes(), path
    said = run_dvc(root, "status").out
    assert "up to date" in said, said


def recorded(root: Path) -> list[str]:
    """The stages that the lock has by now."""
    return list(lock(root)["stages"]) if (root / "dvc.lock").exists() else []


def is_gone(pid: int) -> bool:
    """Whether no process has this id any more (a zombie does nothing)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def start(root: Path, cluster: Cluster, *args: str) -> subprocess.Popen[bytes]:
    """`mlgit run` on the cluster, not waited for."""
    argv = [sys.executable, "-m", "mlgit", "run", "--executor", "dask", "--scheduler", cluster.address, *args]
    return subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
