"""The supervisor's own port: metrics, documents of the interface, and whether all is well. It answers no predictions."""

from __future__ import annotations

import asyncio
from typing import Any

from mlgit.errors import MlgitError
from mlgit.serving import api_page, metrics, request_head, webhooks
from mlgit.serving.listening import is_loopback
from mlgit.serving.supervisor import Supervisor

_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


def admin_app(supervisor: Supervisor, *, token: bytes) -> Any:
    """The FastAPI application with these routes. What changes something needs the token; without one, this very machine."""
    from fastapi import FastAPI, Request, Response
    from fastapi.responses import HTMLResponse, JSONResponse

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def counted(request: Request) -> Response:
        text = await asyncio.to_thread(metrics.added_up, supervisor.metrics)
        return Response(text + metrics.of_supervisor(supervisor.status), media_type=_PROMETHEUS)

    async def status(request: Request) -> Response:
        return JSONResponse(supervisor.document())

    async def live(request: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(request: Request) -> Response:
        return JSONResponse({"ready": supervisor.is_ready}, 200 if supervisor.is_ready else 503)

    async def described(request: Request) -> Response:
        return JSONResponse(supervisor.status.interface)

    async def docs(request: Request) -> Response:
        return HTMLResponse(api_page.page(supervisor.status.interface), headers={"content-security-policy": api_page.POLICY})

    for path, answer in {
        "/metrics": counted,
        "/-/status": status,
        "/-/live": live,
        "/-/ready": ready,
        "/openapi.json": described,
        "/docs": docs,
    }.items():
        app.add_route(path, answer, methods=["GET"])
    app.add_route("/-/reload", _reload(supervisor, token=token), methods=["POST"])
    return app


def _reload(supervisor: Supervisor, *, token: bytes) -> Any:
    """What answers POST /-/reload."""
    from fastapi import Request, Response
    from fastapi.responses import JSONResponse

    background: set[asyncio.Task[None]] = set()

    async def caller(request: Request) -> webhooks.Caller | None:
        if not token:
            return "person" if request.client is not None and is_loopback(request.client.host) else None
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > webhooks.LARGEST_BODY:
                return None
        return webhooks.caller(request.scope["headers"], body, token=token)

    async def reload(request: Request) -> Response:
        who = await caller(request)
        if who is None:
            return JSONResponse({"error": request_head.UNAUTHENTICATED}, 401)
        if who == "host":  # which waits some seconds only
            task = asyncio.create_task(supervisor.look(anew=True))
            background.add(task)
            task.add_done_callback(background.discard)
            return JSONResponse({"looking": True}, 202)
        try:
            changed = await supervisor.reload()
        except MlgitError as error:
            return JSONResponse({"error": error.message, "hint": error.hint, "served": supervisor.status.models}, 502)
        return JSONResponse({"changed": changed, "served": supervisor.status.models})

    return reload
