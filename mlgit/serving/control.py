"""What a worker answers besides predictions: whether it lives and is ready, which version, and what its model takes."""

from __future__ import annotations

from typing import Any

from mlgit import __version__
from mlgit.serving import open_inference, request_head
from mlgit.serving.app import AnsweringState
from mlgit.serving.batching import Batcher
from mlgit.serving.rows import RefusedRequestError

_TEXT = "text/plain; charset=utf-8"


def control_app(serving: AnsweringState) -> Any:
    """The FastAPI application with these routes. Its documents are on the supervisor's port, not here."""
    from fastapi import FastAPI, HTTPException, Request, Response
    from fastapi.responses import JSONResponse

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    def json(body: bytes, status: int = 200) -> Response:
        return Response(body, status, media_type="application/json")

    def asked_for(request: Request) -> Batcher:
        serving.admit(request_head.read(request.scope["headers"]))
        wanted = request.path_params.get("version", "")
        lane = serving.current.version(wanted) if wanted else serving.current.champion
        if request.path_params["name"] != serving.name or lane is None:
            raise RefusedRequestError(f"this {'version' if lane is None else 'model'} is not served", status=404)
        return lane

    def readiness() -> int:
        return 503 if serving.is_draining else 200

    async def ping(request: Request) -> Response:
        return json(b"\n", readiness())

    async def version(request: Request) -> Response:
        release = serving.current.champion.model.release
        return Response(release.version, media_type=_TEXT)

    async def live(request: Request) -> Response:
        return json(b'{"live": true}')

    async def ready(request: Request) -> Response:
        return json(b'{"ready": false}' if serving.is_draining else b'{"ready": true}', readiness())

    async def server(request: Request) -> Response:
        return json(open_inference.server_metadata(__version__))

    async def model(request: Request) -> Response:
        if request.url.path.endswith("/infer"):  # a name may have slashes, so this path is taken for a model's
            raise HTTPException(405, headers={"Allow": "POST"})
        try:
            lane = asked_for(request)
        except RefusedRequestError as error:
            return json(open_inference.error(error), error.status)
        if request.url.path.endswith("/ready"):
            return JSONResponse({"name": serving.name, "ready": not serving.is_draining}, readiness())
        versions = [each.release.version for role, each in serving.current.models.items() if role != "shadow"]
        return json(open_inference.metadata(lane.model, versions=versions))

    async def elsewhere(request: Request) -> Response:
        """A prediction of what is served has been answered before it came here."""
        return json(open_inference.error(RefusedRequestError("this model is not served")), 404)

    async def refuse(request: Request, error: Any) -> Response:
        said = "nothing is here" if error.status_code == 404 else "this is not answered by that method"
        return JSONResponse({"error": said}, error.status_code, headers=error.headers)

    for status in (404, 405):
        app.add_exception_handler(status, refuse)
    for path in ("/invocations", "/v2/models/{name:path}/infer"):
        app.add_route(path, elsewhere, methods=["POST"])
    for path, answer in {"/ping": ping, "/health": ping, "/version": version, "/v2": server, "/v2/": server}.items():
        app.add_route(path, answer, methods=["GET"])
    app.add_route("/v2/health/live", live, methods=["GET"])
    app.add_route("/v2/health/ready", ready, methods=["GET"])
    for path in ("/v2/models/{name:path}/versions/{version}", "/v2/models/{name:path}"):
        app.add_route(f"{path}/ready", model, methods=["GET"])
        app.add_route(path, model, methods=["GET"])
    return app
