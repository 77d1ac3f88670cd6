"""A worker as its supervisor sees it: a process, and a socket over which both send lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from subprocess import Popen
from typing import Any

from mlgit.adapters.system import process
from mlgit.errors import MlgitError
from mlgit.serving.deployment import Deployment
from mlgit.serving.worker_options import WorkerOptions

# One thread for numbers: workers and batches are what makes use of processors.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
# The longest line that a worker sends: it describes its interface, each column of the model in some hundred bytes.
_LONGEST_LINE = 64 << 20


class WorkerProcess:
    """A worker that was started; `ended` is set when it is gone."""

    def __init__(self, child: Popen[bytes], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._child = child
        self._reader = reader
        self._writer = writer
        self.is_serving = False
        self.ended = asyncio.Event()
        self._said: dict[tuple[str, int], asyncio.Future[Mapping[str, Any]]] = {}
        self._listening = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._child.pid

    async def prepare(self, key: int, deployment: Deployment) -> Mapping[str, Any]:
        """Let it load what a deployment needs beside what it answers with; it says which `models`, and their `interface`.

        Raises MlgitError where it cannot, or is gone.
        """
        said = await self._ask("prepare", key, {"deployment": deployment.document()})
        if "error" in said:
            raise MlgitError(said["error"], said["hint"])
        return said

    async def swap(self, key: int) -> None:
        """Let it answer with what it has prepared. Raises MlgitError where it is gone."""
        await self._ask("swap", key, {})
        self.is_serving = True

    async def drain(self, *, seconds: float) -> None:
        """Let it answer what has come, and end; after so many seconds it is made to."""
        with suppress(ConnectionError):
            self._send({"do": "drain"})
        try:
            await asyncio.wait_for(self.ended.wait(), seconds)
        except TimeoutError:
            self.kill()
            await self.ended.wait()

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._child.kill()

    def exit_code(self) -> int | None:
        """How it ended, once it has."""
        return self._child.poll()

    async def _ask(self, what: str, key: int, more: Mapping[str, Any]) -> Mapping[str, Any]:
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._said[what, key] = answer
        if self.ended.is_set():
            raise MlgitError(f"worker {self.pid} is gone")
        self._send({"do": what, "key": key, **more})
        return await answer

    def _send(self, order: Mapping[str, Any]) -> None:
        self._writer.write(json.dumps(order).encode() + b"\n")

    async def _listen(self) -> None:
        with suppress(ConnectionError):
            await self._hear()
        code = await asyncio.to_thread(self._child.wait)
        self.is_serving = False
        self.ended.set()
        for waiting in self._said.values():
            if not waiting.done():
                waiting.set_exception(MlgitError(f"worker {self.pid} ended with code {code}", "see what it printed above"))
        self._writer.close()

    async def _hear(self) -> None:
        try:
            while line := await self._reader.readline():
                said = json.loads(line)
                waiting = self._said.pop((said["did"], said.get("key", 0)), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(said)
        except ValueError:  # it says what no worker says
            self.kill()


async def start(options: WorkerOptions, *, metrics: Path, environ: Mapping[str, str]) -> WorkerProcess:
    """Start a worker; `metrics` is the folder where all of a server count. The socket it listens on is given away."""
    mine, its = socket.socketpair()
    env = {
        **environ,
        **dict.fromkeys(_ONE_THREAD, "1"),
        "PROMETHEUS_MULTIPROC_DIR": os.fspath(metrics),
        "PYTHONUNBUFFERED": "1",
    }
    files = [its.fileno(), options.listen, *([options.access_log] if options.access_log >= 0 else [])]
    try:
        argv = [sys.executable, "-m", "mlgit.serving.worker", str(its.fileno())]
        child = process.start(argv, cwd=Path.cwd(), env=env, pass_fds=files)
    finally:
        its.close()
    reader, writer = await asyncio.open_connection(sock=mine, limit=_LONGEST_LINE)
    worker = WorkerProcess(child, reader, writer)
    writer.write(json.dumps(asdict(options)).encode() + b"\n")
    return worker
