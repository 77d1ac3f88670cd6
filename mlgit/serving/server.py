"""A server from its start to its end: ports, workers, and what follows the tag."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from mlgit.errors import MlgitError
from mlgit.serving import faults
from mlgit.serving.addresses import Addresses
from mlgit.serving.admin import admin_app
from mlgit.serving.connection import BoundedServer
from mlgit.serving.deployment import Deployment
from mlgit.serving.listening import Port
from mlgit.serving.supervisor import Follow, Note, Ready, Supervisor
from mlgit.serving.worker_options import WorkerOptions

_ADMIN_SECONDS = 10.0


def run(
    deployment: Deployment,
    *,
    addresses: Addresses,
    n_workers: int,
    options: WorkerOptions,
    token: bytes,
    follow: Follow,
    note: Note,
    ready: Ready,
) -> None:
    """Serve until SIGTERM or SIGINT, and until what has come is answered. Raises MlgitError where it cannot begin."""
    port = Port(addresses.host, addresses.port)
    metrics = Path(tempfile.mkdtemp(prefix="mlgit-metrics-"))
    try:
        admin_port = addresses.admin_port
        if admin_port is None:
            admin_port = min(port.number + 1, 65535) if addresses.port else 0
        admin = Port(addresses.admin_host, admin_port, options=("--admin-host", "--admin-port"))
        supervisor = Supervisor(
            deployment, port=port, n_workers=n_workers, options=options, metrics=metrics, follow=follow, note=note
        )
        asyncio.run(_serve(supervisor, admin, port, token=token, ready=ready))
    finally:
        port.close()
        shutil.rmtree(metrics, ignore_errors=True)


async def _serve(supervisor: Supervisor, admin: Port, port: Port, *, token: bytes, ready: Ready) -> None:
    faults.heed(asyncio.get_running_loop())
    if not await supervisor.start():
        return
    server, task = await _start_admin(supervisor, admin, token=token)
    try:
        ready(port.url, admin.url, supervisor)
        await supervisor.run()
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task


async def _start_admin(supervisor: Supervisor, admin: Port, *, token: bytes) -> tuple[BoundedServer, asyncio.Task[None]]:
    server = BoundedServer(admin_app(supervisor, token=token), seconds=_ADMIN_SECONDS, most_connections=100, grace=2)
    listening = admin.new_socket()
    admin.close()
    task = await server.listen(listening)
    if task.done():
        raise MlgitError(f"{admin.url}: cannot be listened on", "name another with --admin-port")
    return server, task
