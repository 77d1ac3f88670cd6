"""Stages on a Dask cluster beside raw `client.submit` of the same commands, on one cluster that both find running.

Both are measured as whole programs. mlgit does what it does on machines that share nothing: commit, inputs and outputs
travel (through a remote in a folder), everything is hashed, checked, cached and recorded.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import shapes
from benchmarks.measure import Measured, middle, once
from benchmarks.tools import BIN, clean, environment

WORKERS = 2
_START_SECONDS = 60.0
_NAMES = ("client.submit", "mlgit run --executor dask")


def compare(numbers: list[int], rounds: int, work: Path) -> list[str]:
    """Lines of Markdown with a table: the medians of all rounds, in which the two take turns."""
    if importlib.util.find_spec("distributed") is None:
        print("dask: not installed, left out", file=sys.stderr)
        return []
    rows = ["", f"Stages on a Dask cluster of {WORKERS} workers, beside raw `client.submit` of the same commands:", ""]
    rows += ["| tasks | program | wall s | CPU s | peak MiB | wall / submit |", "|---:|---|---:|---:|---:|---:|"]
    with _cluster(work / "cluster") as address:
        for number in numbers:
            runs = _measure(number, rounds, work / f"dask-{number}", address)
            floor = runs[_NAMES[0]].wall
            for name, one in runs.items():
                rows.append(f"| {number} | {name} | {one.wall:.3f} | {one.cpu:.3f} | {one.peak:.0f} | {one.wall / floor:.2f} |")
            print(f"measured dask {number}", file=sys.stderr)
    return rows


def _measure(number: int, rounds: int, folder: Path, address: str) -> dict[str, Measured]:
    _project(folder, number)
    env = environment(folder)
    commands = {
        _NAMES[0]: [sys.executable, str(Path(__file__).with_name("raw.py")), address],
        _NAMES[1]: [str(BIN / "mlgit"), "run", "--executor", "dask", "--scheduler", address],
    }
    runs: dict[str, list[Measured]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, argv in commands.items():
            clean(folder)
            shutil.rmtree(folder / "remote", ignore_errors=True)
            runs[name].append(once(argv, folder=folder, env=env))
            if len(list(folder.glob("o*.txt"))) != number:
                raise SystemExit(f"{name} did not make {number} files in {folder}: not a measurement")
    return {name: middle(each) for name, each in runs.items()}


def _project(folder: Path, number: int) -> None:
    shapes.write(folder, "wide", number)
    env = environment(folder)
    with open(folder / ".gitignore", "a", encoding="utf-8") as stream:
        stream.write("/remote\n/.site\n/bench.log\n")
    for argv in (
        ["git", "init", "-q"],
        [BIN / "dvc", "init", "-q"],
        [BIN / "dvc", "remote", "add", "-q", "-d", "store", folder / "remote"],
        ["git", "add", "-A"],
        ["git", "-c", "user.name=bench", "-c", "user.email=bench", "commit", "-q", "-m", "Start"],
    ):
        subprocess.run(argv, cwd=folder, check=True, env=env)


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """A scheduler and two workers of one thread each, as processes of their own; gives the address."""
    folder.mkdir(parents=True)
    file = folder / "scheduler.json"
    said = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    programs = [["distributed.cli.dask_scheduler", "--port", "0", *said]]
    for number in range(WORKERS):
        alone = ["--nthreads", "1", "--no-nanny", "--local-directory", str(folder / f"worker{number}")]
        programs.append(["distributed.cli.dask_worker", *said, *alone])
    children: list[subprocess.Popen[bytes]] = []
    try:
        for program in programs:
            with open(folder / f"{len(children)}.log", "wb") as log:
                children.append(subprocess.Popen([sys.executable, "-m", *program], cwd=folder, stdout=log, stderr=log))
            _wait_for(file)
        from distributed import Client

        address = str(json.loads(file.read_text(encoding="utf-8"))["address"])
        with Client(address) as client:
            client.wait_for_workers(WORKERS, timeout=_START_SECONDS)
        yield address
    finally:
        for child in children:
            child.kill()  # nothing of theirs is wanted, and told to end they would look for one another
        for child in children:
            child.wait()


def _is_whole(file: Path) -> bool:
    try:
        return bool(json.loads(file.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError):
        return False


def _wait_for(file: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _is_whole(file):
        if time.monotonic() > deadline:
            raise SystemExit(f"the Dask scheduler did not start: see {file.parent}")
        time.sleep(0.02)
