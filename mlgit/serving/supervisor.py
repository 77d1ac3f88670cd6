"""The process that serves without answering: it follows what is in production, and keeps the workers that answer.

A new deployment is loaded by every worker beside the old one, and takes its place only when all of them have it: so there is
always something that answers, and a deployment that one worker cannot load changes nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from mlgit.errors import MlgitError
from mlgit.serving import worker_process
from mlgit.serving.deployment import Deployment
from mlgit.serving.listening import Port
from mlgit.serving.status import ServingStatus
from mlgit.serving.worker_options import WorkerOptions
from mlgit.serving.worker_process import WorkerProcess

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_FIRST_OWED, _LONGEST_OWED = 1.0, 3600.0
_SLOWEST_START = 300.0

Note = Callable[[str], None]


class LookForDeployment(Protocol):
    """What should be served now; None where that has not changed since it was asked last, unless it is asked `anew`.

    It is called in a thread. Raises MlgitError.
    """

    def __call__(self, *, anew: bool = False) -> Deployment | None: ...


@dataclass(slots=True)
class Follow:
    """How the supervisor learns of a new deployment; without `look` it serves one for ever.

    `keep` is told what is served from now on; `seconds` are between two looks, None where it looks only when it is told to.
    """

    look: LookForDeployment | None = None
    keep: Callable[[Deployment], None] = lambda deployment: None
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Owed:
    """What should be served and could not be: a worker ended meanwhile, say. It is tried again at a time, ever later."""

    deployment: Deployment
    pause: float
    until: float


class Supervisor:
    """Workers that answer with one deployment, and what replaces it."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        port: Port,
        n_workers: int,
        options: WorkerOptions,
        metrics: Path,
        follow: Follow,
        note: Note,
    ) -> None:
        self.status = ServingStatus(deployment)
        self.metrics = metrics
        self._port = port
        self._n_workers = n_workers
        self._options = options
        self._follow = follow
        self._note = note
        self._workers: dict[int, WorkerProcess] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._key = 0
        self._swapping = asyncio.Lock()
        self._owed: _Owed | None = None
        self.is_draining = False
        self._stop = asyncio.Event()
        self._now = asyncio.Event()

    def document(self) -> dict[str, Any]:
        """The state of the server as JSON: schema 1."""
        status = self.status
        return {
            "schema": 1,
            "ready": self.is_ready,
            "serves": status.models,
            "workers": [{"pid": each.pid, "serving": each.is_serving} for each in self._workers.values()],
            "restarts": status.restarts,
            "follows": self._follow.look is not None and self._follow.seconds is not None,
            "looked": status.looked or None,
            "swapped": status.swapped or None,
            "trouble": status.trouble or None,
        }

    @property
    def workers(self) -> list[WorkerProcess]:
        """The workers that answer."""
        return [each for each in self._workers.values() if each.is_serving]

    @property
    def is_ready(self) -> bool:
        """Whether every worker answers, and none is about to end."""
        return not self.is_draining and len(self.workers) == self._n_workers

    async def start(self) -> bool:
        """Start the workers, and heed signals from now on; False where one came first.

        Raises MlgitError where the first workers cannot serve.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled)
        starting = asyncio.gather(*(self._started(place) for place in range(self._n_workers)))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            first: list[asyncio.Future[Any]] = [starting, stopped]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if not starting.done():
                starting.cancel()
                await asyncio.gather(starting, return_exceptions=True)
                self._kill()
                return False
            await starting
        except BaseException:
            self._kill()
            raise
        finally:
            stopped.cancel()
        self._keepers = [asyncio.create_task(self._keep(place)) for place in range(self._n_workers)]
        return True

    async def run(self) -> None:
        """Follow what is in production until a signal says that it is enough; then let the workers answer what has come.

        What is being loaded at that moment is not waited for.
        """
        follower = asyncio.create_task(self._look_again_and_again())
        await self._stop.wait()
        self.is_draining = True
        for each in (follower, *self._keepers):
            each.cancel()
        draining = asyncio.create_task(self._drain())
        now = asyncio.create_task(self._now.wait())
        await asyncio.wait([draining, now], return_when=asyncio.FIRST_COMPLETED)
        now.cancel()
        self._kill()

    async def reload(self, *, anew: bool = True) -> bool:
        """Look now, and serve what is to be served; whether that is something else than before.

        Raises MlgitError where it cannot be served: what was served before goes on.
        """
        async with self._swapping:
            self.status.looked = time.time()
            is_due = self._owed is not None and time.monotonic() >= self._owed.until
            try:
                found = await asyncio.to_thread(self._follow.look, anew=anew or is_due) if self._follow.look else None
                if found is None or found == self.status.deployment:
                    self.status.trouble = "" if found else self.status.trouble
                    self._owed = None if found else self._owed
                    return False
                await self._replace(found)
                await asyncio.to_thread(self._follow.keep, found)
            except MlgitError as error:
                self.status.trouble = error.message
                raise
            self.status.trouble, self.status.swapped = "", time.time()
            self._note(f"now serving {self._served()}")
            return True

    async def _replace(self, deployment: Deployment) -> None:
        """Let all workers load it, and answer with it once all of them have. Raises MlgitError where one of them cannot."""
        self._key += 1
        workers = self.workers
        before = self._owed
        pause = min(2 * before.pause, _LONGEST_OWED) if before and before.deployment == deployment else _FIRST_OWED
        self._owed = _Owed(deployment, pause, time.monotonic() + pause)
        if not workers:
            raise MlgitError("no worker answers at present, so none can change over", "it is tried again")
        said = await asyncio.gather(*(each.prepare(self._key, deployment) for each in workers))
        self._owed = None
        # From here on there is no way back: a worker that ends now is started anew with what the others answer with.
        self.status.deployment = deployment
        self.status.models, self.status.interface = said[0]["models"], said[0]["interface"]
        await asyncio.gather(*(each.swap(self._key) for each in workers), return_exceptions=True)

    async def look(self, *, anew: bool = False) -> None:
        """As `reload`; what goes wrong is told, once as long as it is the same."""
        before = self.status.trouble
        try:
            await self.reload(anew=anew)
        except MlgitError as error:
            if error.message != before:
                self._note(f"{error.message}; still serving {self._served()}")

    async def _look_again_and_again(self) -> None:
        while self._follow.look is not None and self._follow.seconds is not None:
            await asyncio.sleep(self._follow.seconds * random.uniform(0.8, 1.2))  # noqa: S311 - many servers do not ask at once
            await self.look()

    def _served(self) -> str:
        return ", ".join(f"{said['version']} as {role}" for role, said in self.status.models.items())

    async def _started(self, place: int) -> None:
        listen = self._port.new_socket()
        try:
            options = replace(self._options, listen=listen.fileno())
            worker = await worker_process.start(options, metrics=self.metrics, environ=os.environ)
        finally:
            listen.close()  # a copy that nobody accepts from would take connections
        self._workers[place] = worker
        self._key += 1
        try:
            async with asyncio.timeout(_SLOWEST_START):
                said = await worker.prepare(key := self._key, self.status.deployment)
                await worker.swap(key)
                self.status.models, self.status.interface = said["models"], said["interface"]
        except TimeoutError as error:
            worker.kill()
            raise MlgitError(f"a worker took more than {_SLOWEST_START:g} s to start") from error
        except BaseException:  # one that lives and cannot serve would never be replaced
            worker.kill()
            raise

    async def _keep(self, place: int) -> None:
        """Start a worker anew whenever it ends; ever later, while it does not come up."""
        pause = _FIRST_PAUSE
        while True:
            worker = self._workers[place]
            await worker.ended.wait()
            self.status.restarts += 1
            self._note(f"worker {worker.pid} ended with code {worker.exit_code()}; another is started")
            await asyncio.sleep(pause)
            try:
                async with self._swapping:
                    await self._started(place)
                pause = _FIRST_PAUSE
            except (MlgitError, OSError) as error:  # no memory, no processes
                self._note(f"{error.message if isinstance(error, MlgitError) else error}; tried again in {pause:g} s")
                pause = min(pause * 2, _LONGEST_PAUSE)
                await self._make_anew()

    async def _make_anew(self) -> None:
        """Have the folders of the releases made again, where somebody removed them."""
        async with self._swapping:
            if self._follow.look is not None and not self.status.deployment.champion.is_dir():
                with suppress(MlgitError):
                    await asyncio.to_thread(self._follow.look, anew=True)

    async def _drain(self) -> None:
        await asyncio.gather(*(each.drain(seconds=self._options.grace + 5) for each in self._workers.values()))

    def _signalled(self) -> None:
        if self._stop.is_set():
            self._now.set()
        self._stop.set()

    def _kill(self) -> None:
        for each in self._workers.values():
            each.kill()


# Told once the server answers: where predictions are asked for, where metrics are, and what is served.
Ready = Callable[[str, str, Supervisor], None]
