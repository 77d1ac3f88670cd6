"""A process that answers. It knows folders of releases, a port, and the supervisor that started it; no Git, no DVC.

Started by `worker_process` with an open socket to the supervisor, over which both send lines of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError
from mlgit.serving import deployment, faults, listening, load, openapi
from mlgit.serving.access_log import AccessLog
from mlgit.serving.app import AnsweringState, PredictionApp
from mlgit.serving.connection import BoundedServer
from mlgit.serving.control import control_app
from mlgit.serving.deployment import Deployment
from mlgit.serving.lanes import ROLES, Lanes, lanes
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.log_writer import PredictionLog
from mlgit.serving.metrics import ServingMetrics
from mlgit.serving.recording import Recorder
from mlgit.serving.worker_options import WorkerOptions
from mlgit.serving_settings import ServingLog

_MOST_CONNECTIONS = 2000
# For connections that wait to be accepted, and for clients that keep theirs to ask once more, and learn that it ends.
_LAST_ACCEPTS, _LAST_REQUESTS = 0.05, 1.0
# A call of a model that lasts so long, and twice as long as a request may, does not come back.
_PATIENCE, _WATCHED, _STUCK = 30.0, 1.0, 75
# Files besides connections: logs, what libraries open.
_OTHER_FILES = 100
_OUTPUT, _ERRORS = 1, 2


class _Worker:
    """What a worker holds; all of it is used on the event loop but for the loading of models."""

    def __init__(self, options: WorkerOptions, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._options = options
        self._reader = reader
        self._writer = writer
        self._metrics = ServingMetrics()
        self._models: dict[Path, LoadedModel] = {}
        self._prepared: dict[int, Lanes] = {}
        self._serving: AnsweringState | None = None
        self._server: BoundedServer | None = None
        self._running: asyncio.Task[None] | None = None
        self._one_order = asyncio.Lock()
        self._orders: set[asyncio.Task[None]] = set()
        self._old: set[Recorder] = set()

    async def work(self) -> None:
        """Do what the supervisor says, until it says no more. A model that is being loaded then holds up nothing."""
        watch = asyncio.create_task(self._watch())
        with suppress(ConnectionError):  # a supervisor that was killed, with something unread
            while line := await self._reader.readline():
                order = json.loads(line)
                if order["do"] == "drain":
                    break
                obeyed = asyncio.create_task(self._obey(order))
                self._orders.add(obeyed)
                obeyed.add_done_callback(self._orders.discard)
        watch.cancel()
        await self._drain()

    async def _obey(self, order: dict[str, Any]) -> None:
        async with self._one_order:  # in their order
            if order["do"] == "prepare":
                await self._prepare(order)
            elif order["do"] == "swap":
                await self._swap(order["key"])

    async def _watch(self) -> None:
        """End where a model does not come back: nobody would be answered any more, and another worker can be started."""
        while True:
            await asyncio.sleep(_WATCHED)
            for each in self._serving.current.answering if self._serving else ():
                longest = max(_PATIENCE, 2 * each.model.release.serving.limits.seconds)
                if each.asked_for > longest:
                    said = f"{each.model.release.version} has not answered for {longest:g} s: the worker ends"
                    os.write(_ERRORS, f"{said}\n".encode())
                    os._exit(_STUCK)

    def _tell(self, did: str, said: Mapping[str, Any]) -> None:
        self._writer.write(json.dumps({"did": did, **said}).encode() + b"\n")

    async def _prepare(self, order: dict[str, Any]) -> None:
        """Load what a deployment needs beside what answers now."""
        key, wanted = order["key"], deployment.read(order["deployment"])
        try:
            loaded = await asyncio.get_running_loop().run_in_executor(None, self._load, wanted)
            self._prepared = {key: self._lanes(wanted, loaded)}
        except (
            Exception,
            SystemExit,
            KeyboardInterrupt,
        ) as error:  # whatever code of others raises when it loads is no reason to end
            self._forget()
            message, hint = _why(error)
            return self._tell("prepare", {"key": key, "error": message, "hint": hint})
        told = {role: _told(model) for role, model in loaded.items()}
        self._tell("prepare", {"key": key, "models": told, "interface": self._interface(loaded)})

    def _forget(self) -> None:
        """Let go of the models that neither answer nor are about to."""
        kept = [*([self._serving.current] if self._serving else []), *self._prepared.values()]
        in_use = {id(model) for each in kept for model in each.models.values()}
        self._models = {folder: model for folder, model in self._models.items() if id(model) in in_use}

    def _interface(self, loaded: dict[str, LoadedModel]) -> dict[str, Any]:
        versions = [loaded[role].release.version for role in ("champion", "canary") if role in loaded]
        return openapi.document(loaded["champion"], versions=versions, needs_token=bool(self._options.token))

    def _load(self, wanted: Deployment) -> dict[str, LoadedModel]:
        options = self._options
        found: dict[str, LoadedModel] = {}
        for role, folder in zip(ROLES, (wanted.champion, wanted.canary, wanted.shadow), strict=True):
            if folder is None:
                continue
            if folder not in self._models:
                self._models[folder] = load.load(
                    folder,
                    trust=frozenset(options.trust),
                    predictor=options.predictor,
                    allow_version_mismatch=options.allow_version_mismatch,
                    rtol=options.self_test_rtol,
                )
            found[role] = self._models[folder]
        return found

    def _lanes(self, wanted: Deployment, loaded: dict[str, LoadedModel]) -> Lanes:
        settings = loaded["champion"].release.serving.log
        recorder = self._serving.current.recorder if self._serving else None
        if recorder is None or recorder.settings != settings:
            recorder = Recorder(
                self._log(settings), settings=settings, metrics=self._metrics, key=bytes.fromhex(self._options.log_key)
            )
        return lanes(loaded, recorder=recorder, share=wanted.share, key=wanted.key)

    def _log(self, settings: ServingLog) -> PredictionLog | None:
        if settings.level == "off":
            return None
        path = Path(self._options.log_path or os.path.join(self._options.folder, settings.path))
        return PredictionLog(path, durability=settings.durability)

    async def _swap(self, key: int) -> None:
        current = self._prepared.pop(key)
        if self._serving is None:
            log = AccessLog(self._options.access_log) if self._options.access_log >= 0 else None
            self._serving = AnsweringState(
                current, metrics=self._metrics, access_log=log, token=bytes.fromhex(self._options.token)
            )
            await self._listen(self._serving)
        before, self._serving.current = self._serving.current, current
        if before.recorder is not current.recorder:  # of requests that are on their way
            longest = before.champion.model.release.serving.limits.seconds
            self._old.add(before.recorder)
            asyncio.get_running_loop().call_later(longest, self._close, before.recorder)
        self._forget()
        self._tell("swap", {"key": key})

    async def _listen(self, serving: AnsweringState) -> None:
        app = PredictionApp(serving, control=control_app(serving))
        seconds = serving.current.champion.model.release.serving.limits.seconds
        server = BoundedServer(app, seconds=seconds, most_connections=_most_connections(), grace=self._options.grace)
        self._server = server
        self._running = await server.listen(socket.socket(fileno=self._options.listen))

    def _close(self, recorder: Recorder) -> None:
        self._old.discard(recorder)
        with suppress(MlgitError):
            recorder.close()

    async def _drain(self) -> None:
        """Answer what has come, write it down, and end."""
        if self._serving is not None and self._server is not None and self._running is not None:
            self._serving.is_draining = True
            self._server.drain()
            listening.deafen(self._options.listen)
            await asyncio.sleep(_LAST_ACCEPTS)  # those that wait are taken in
            self._server.drain()
            await self._server.empty(seconds=_LAST_REQUESTS)
            self._server.should_exit = True
            await self._running
            for each in (self._serving.current.recorder, *self._old):
                self._close(each)
            if self._serving.access_log is not None:
                self._serving.access_log.close()
        self._tell("drain", {})
        with suppress(ConnectionError):
            await self._writer.drain()


def _told(model: LoadedModel) -> dict[str, Any]:
    release = model.release
    return {
        "model": release.model,
        "version": release.version,
        "commit": release.commit,
        "digest": release.sha256,
        "tag": release.tag,
        "self_tested": model.self_tested,
        "untested": model.untested or None,
    }


def _why(error: BaseException) -> tuple[str, str]:
    """Why a model could not be loaded, and what to do."""
    if isinstance(error, MlgitError):
        return error.message, error.hint
    if isinstance(error, MemoryError):
        return "the model needs more memory than there is", ""
    return f"the model could not be loaded: {type(error).__name__}: {str(error)[:300]}", ""


def _most_connections() -> int:
    """As many connections as there may be open files, once that bound is as high as this process may set it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return _MOST_CONNECTIONS if soft == resource.RLIM_INFINITY else max(10, min(_MOST_CONNECTIONS, soft - _OTHER_FILES))


def _keep_to_itself(*descriptors: int) -> None:
    """What a model starts or forks gets none of these: a socket that it held would take connections, and answer none."""
    kept = [each for each in descriptors if each >= 0]
    for each in kept:
        os.set_inheritable(each, False)

    def close_all() -> None:
        for each in kept:
            with suppress(OSError):
                os.close(each)

    os.register_at_fork(after_in_child=close_all)


async def _main(control: int) -> None:
    faults.heed(asyncio.get_running_loop())
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=control))
    if first := await reader.readline():
        options = WorkerOptions(**json.loads(first))
        access_log = os.dup(options.access_log) if options.access_log >= 0 else -1
        os.dup2(_ERRORS, _OUTPUT)  # what a model prints is no line of the server's
        options = replace(options, access_log=access_log)
        _keep_to_itself(control, options.listen)
        await _Worker(options, reader, writer).work()
    os._exit(0)  # a model that is still being asked, or loaded, would hold the process


def main() -> None:
    """Answer until the supervisor is gone, or says that it is enough.

    The one argument is the number of the open socket to it; everything else comes over that, for arguments are seen by others.
    """
    # A terminal sends its signals to all: the supervisor decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_main(int(sys.argv[1])))


if __name__ == "__main__":
    main()
