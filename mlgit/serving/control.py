"""What a worker answers besides predictions: whether it lives and is ready, which version, and what its model takes."""

from __future__ import annotations

from typing import Any

from mlgit import __version__
from mlgit.serving import open_inference, request_head, strict_json
from mlgit.serving.app import AnsweringState
from mlgit.serving.batching import Batcher
from mlgit.serving.rows import RefusedRequestError

_TEXT = "text/plain; charset=utf-8"


def control_app(serving: AnsweringState) -> Any:
    """The FastAPI application with these routes. Its documents are on the supervisor's port, not here."""
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    async def refuse(request: Request, error: Any) -> JSONResponse:
        said = "nothing is here" if error.status_code == 404 else "this is not answered by that method"
        return JSONResponse({"error": said}, error.status_code, headers=error.headers)

    for status in (404, 405):
        app.add_exception_handler(status, refuse)
    _add_models(app, serving)
    _add_health(app, serving)
    return app


def _add_models(app: Any, serving: AnsweringState) -> None:
    """What the model takes and answers, and whether it is ready."""
    from fastapi import HTTPException, Request

    def asked_for(request: Request) -> Batcher:
        serving.admit(request_head.read(request.scope["headers"]))
        wanted = request.path_params.get("version", "")
        lane = serving.current.version(wanted) if wanted else serving.current.champion
        if request.path_params["name"] != serving.name or lane is None:
            raise RefusedRequestError(f"this {'version' if lane is None else 'model'} is not served", status=404)
        return lane

    async def model(request: Request) -> Any:
        if request.url.path.endswith("/infer"):  # a name may have slashes, so this path is taken for a model's
            raise HTTPException(405, headers={"Allow": "POST"})
        try:
            lane = asked_for(request)
        except RefusedRequestError as error:
            return _json(open_inference.error(error), error.status)
        if request.url.path.endswith("/ready"):
            is_ready = not serving.is_draining
            return _json(strict_json.text({"name": serving.name, "ready": is_ready}), _readiness(serving))
        versions = [each.release.version for role, each in serving.current.models.items() if role != "shadow"]
        return _json(open_inference.metadata(lane.model, versions=versions))

    async def elsewhere(request: Request) -> Any:
        """A prediction of what is served has been answered before it came here."""
        return _json(open_inference.error(RefusedRequestError("this model is not served")), 404)

    for path in ("/invocations", "/v2/models/{name:path}/infer"):
        app.add_route(path, elsewhere, methods=["POST"])
    for path in ("/v2/models/{name:path}/versions/{version}", "/v2/models/{name:path}"):
        app.add_route(f"{path}/ready", model, methods=["GET"])
        app.add_route(path, model, methods=["GET"])


def _add_health(app: Any, serving: AnsweringState) -> None:
    """Whether the server lives and is ready, and what it is."""
    from fastapi import Request, Response

    async def ping(request: Request) -> Any:
        return _json(b"\n", _readiness(serving))

    async def version(request: Request) -> Any:
        release = serving.current.champion.model.release
        return Response(release.version, media_type=_TEXT)

    async def live(request: Request) -> Any:
        return _json(b'{"live": true}')

    async def ready(request: Request) -> Any:
        return _json(b'{"ready": false}' if serving.is_draining else b'{"ready": true}', _readiness(serving))

    async def server(request: Request) -> Any:
        return _json(open_inference.server_metadata(__version__))

    for path, answer in {
        "/ping": ping,
        "/health": ping,
        "/version": version,
        "/v2": server,
        "/v2/": server,
        "/v2/health/live": live,
        "/v2/health/ready": ready,
    }.items():
        app.add_route(path, answer, methods=["GET"])


def _json(body: bytes, status: int = 200) -> Any:
    from fastapi import Response

    return Response(body, status, media_type="application/json")


def _readiness(serving: AnsweringState) -> int:
    return 503 if serving.is_draining else 200
