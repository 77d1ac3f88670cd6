"""A process that answers. It knows folders of releases, a port, and the supervisor that started it; no Git, no DVC.

Started by `worker_process` with an open socket to the supervisor, over which both send lines of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError
from mlgit.serving import deployment, listening, load, openapi
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

    async def work(self) -> None:
        """Do what the supervisor says, until it says no more."""
        while line := await self._reader.readline():
            order = json.loads(line)
            if order["do"] == "prepare":
                await self._prepare(order)
            elif order["do"] == "swap":
                await self._swap(order["key"])
            elif order["do"] == "drain":
                break
        await self._drain()

    def _tell(self, did: str, said: Mapping[str, Any]) -> None:
        self._writer.write(json.dumps({"did": did, **said}).encode() + b"\n")

    async def _prepare(self, order: dict[str, Any]) -> None:
        """Load what a deployment needs beside what answers now."""
        key, wanted = order["key"], deployment.read(order["deployment"])
        try:
            loaded = await asyncio.get_running_loop().run_in_executor(None, self._load, wanted)
            self._prepared = {key: self._lanes(wanted, loaded)}
        except MlgitError as error:
            return self._tell("prepare", {"key": key, "error": error.message, "hint": error.hint})
        except MemoryError:
            return self._tell("prepare", {"key": key, "error": "the model needs more memory than there is", "hint": ""})
        except Exception as error:  # whatever code of others raises when it loads is no reason to end
            said = f"the model could not be loaded: {type(error).__name__}: {str(error)[:300]}"
            return self._tell("prepare", {"key": key, "error": said, "hint": ""})
        told = {role: _told(model) for role, model in loaded.items()}
        self._tell("prepare", {"key": key, "models": told, "interface": self._interface(loaded)})

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
        in_use = {id(model) for model in current.models.values()}
        if self._serving is None:
            log = AccessLog(self._options.access_log) if self._options.access_log >= 0 else None
            self._serving = AnsweringState(
                current, metrics=self._metrics, access_log=log, token=bytes.fromhex(self._options.token)
            )
            await self._listen(self._serving)
        before, self._serving.current = self._serving.current, current
        if before.recorder is not current.recorder:  # of requests that are on their way
            longest = before.champion.model.release.serving.limits.seconds
            asyncio.get_running_loop().call_later(longest, _close, before.recorder)
        self._models = {folder: model for folder, model in self._models.items() if id(model) in in_use}
        self._tell("swap", {"key": key})

    async def _listen(self, serving: AnsweringState) -> None:
        app = PredictionApp(serving, control=control_app(serving))
        seconds = serving.current.champion.model.release.serving.limits.seconds
        server = BoundedServer(app, seconds=seconds, most_connections=_MOST_CONNECTIONS, grace=self._options.grace)
        self._server = server
        self._running = asyncio.create_task(server.serve(sockets=[socket.socket(fileno=self._options.listen)]))
        while not server.started and not self._running.done():
            await asyncio.sleep(0.005)

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
            _close(self._serving.current.recorder)
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
        "untested": release.untested or None,
    }


def _close(recorder: Recorder) -> None:
    with suppress(MlgitError):
        recorder.close()


async def _main(control: int) -> None:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=control))
    if first := await reader.readline():
        await _Worker(WorkerOptions(**json.loads(first)), reader, writer).work()


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
    os._exit(0)  # a model that is still being asked would hold the process


if __name__ == "__main__":
    main()
