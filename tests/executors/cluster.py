"""A Dask cluster as others have it: a scheduler and workers that are processes of their own, in folders of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

PATIENCE = 120.0


def until(met: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + PATIENCE
    while not met():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.02)


class Cluster:
    """Everything listens on the loopback interface only. `WORKER` in the environment of a stage says where it runs."""

    def __init__(self, folder: Path, *, workers: int, env: dict[str, str] | None = None, resources: str = "") -> None:
        self.folder = folder
        self.env = {**os.environ, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "3", **(env or {})}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        file = folder / "scheduler.json"
        said = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
        self._start("scheduler", ["distributed.cli.dask_scheduler", *said])
        until(file.exists, "the scheduler")
        self.file = str(file)
        for number in range(workers):
            self.add_worker(f"worker{number}", resources=resources)

    def add_worker(self, name: str, *, resources: str = "") -> None:
        """Start one more worker, without anybody who would start it again."""
        said = ["--scheduler-file", self.file, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        said += [
            "--local-directory",
            str(self.folder / name),
            "--name",
            name,
            *(["--resources", resources] if resources else []),
        ]
        self._start(name, ["distributed.cli.dask_worker", *said])

    def _start(self, name: str, argv: list[str]) -> None:
        (self.folder / name).mkdir(parents=True)
        with open(self.folder / f"{name}.log", "wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", *argv],
                cwd=self.folder / name,
                env={**self.env, "WORKER": name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        import json

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
