"""The OpenAPI 3.1 document of a served model: both protocols, with the columns, types and rules of this very model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlgit.serving.loaded import LoadedModel
from mlgit.serving.mlflow_protocol import CSV, JSON, PARQUET
from mlgit.serving.open_inference import BINARY, HEADER
from mlgit.serving.openapi_components import components, csv_example, inference_examples, mlflow_examples

_TEXT = "text/plain"
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_REFUSALS = {
    "400": "The body is not what the protocol asks for, or the model cannot take its values",
    "401": "The token is missing, or is another",
    "404": "This model or version is not served",
    "413": "The body is larger than one request may be, or has more rows",
    "415": "The body is of another content type, or compressed",
    "422": "The values break the model's contract; each is told by row, column and rule",
    "500": "The model failed",
    "503": "The server is ending, or cannot write down its answer",
    "504": "The model took longer than it may",
}


def document(
    loaded: LoadedModel, *, versions: Sequence[str] = (), server: str = "/", needs_token: bool = False
) -> dict[str, Any]:
    """The document of a model, of which these versions answer at `server`; a function of the release, the same each time."""
    release = loaded.release
    name, known = _quoted(release.model), list(versions) or [release.version]
    paths = {
        "/invocations": {"post": _invocations(loaded, needs_token=needs_token)},
        **_of_health(),
        **{f"/v2/models/{name}{path}": each for path, each in _of_model(loaded, known, needs_token=needs_token).items()},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": release.model,
            "version": release.version,
            "description": f"Predictions of {release.model} {release.version}, commit {release.commit}.",
        },
        "servers": [{"url": server}],
        **({"security": [{"token": []}]} if needs_token else {}),
        "paths": paths,
        "components": components(loaded, needs_token=needs_token),
    }


def _invocations(loaded: LoadedModel, *, needs_token: bool) -> dict[str, Any]:
    codes = ("400", "401", "413", "415", "500", "503", "504")
    return {
        "operationId": "invocations",
        "summary": "Predict, by the scoring protocol of MLflow",
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": _ref("MlflowRequest"), "examples": mlflow_examples(loaded.inputs)},
                CSV: {"schema": {"type": "string"}, "example": csv_example(loaded.inputs)},
                PARQUET: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        "responses": {
            "200": _answer("The predictions, one for each row", _ref("MlflowPredictions")),
            **_refusals(codes, "MlflowError", needs_token=needs_token),
        },
    }


def _of_health() -> dict[str, Any]:
    """What says whether the server is well, and which it is."""
    empty = {"200": {"description": "It is ready", "content": {JSON: {"schema": {}}}}, "503": _ending({})}
    ready = {
        "200": _answer("It is ready", _flag("ready")),
        "503": _ending(_flag("ready")),
    }
    version = {"200": {"description": "The version", "content": {_TEXT: {"schema": {"type": "string"}}}}}
    return {
        "/ping": {"get": _get("ping", "Whether predictions are answered", empty)},
        "/health": {"get": _get("health", "Whether predictions are answered", empty)},
        "/version": {"get": _get("version", "The version of the model", version)},
        "/v2": {"get": _get("server", "Name and version of the server", {"200": _answer("The server", _ref("Server"))})},
        "/v2/health/live": {"get": _get("live", "Whether the server lives", {"200": _answer("It lives", _flag("live"))})},
        "/v2/health/ready": {"get": _get("ready", "Whether predictions are answered", ready)},
    }


def _of_model(loaded: LoadedModel, versions: Sequence[str], *, needs_token: bool) -> dict[str, Any]:
    """The paths of the Open Inference Protocol below the model's own, without and with a version."""
    found: dict[str, Any] = {}
    place = {"name": "version", "in": "path", "required": True, "schema": {"type": "string", "enum": list(versions)}}
    for path, suffix, parameters in (("", "", []), ("/versions/{version}", "OfVersion", [place])):
        shared = {"parameters": parameters} if parameters else {}
        refused = _refusals(("401", "404"), "InferenceError", needs_token=needs_token)
        ready = {"200": _answer("It is ready", _ref("ModelReady")), "503": _ending(_ref("ModelReady")), **refused}
        told = {"200": _answer("The model", _ref("Model")), **refused}
        found[path] = shared | {"get": _get(f"model{suffix}", "What the model takes and answers", told)}
        found[f"{path}/ready"] = shared | {"get": _get(f"modelReady{suffix}", "Whether the model answers", ready)}
        found[f"{path}/infer"] = shared | {"post": _infer(loaded, suffix=suffix, needs_token=needs_token)}
    return found


def _infer(loaded: LoadedModel, *, suffix: str, needs_token: bool) -> dict[str, Any]:
    codes = ("400", "401", "404", "413", "415", "422", "500", "503", "504")
    length = {"name": HEADER, "in": "header", "schema": {"type": "integer", "minimum": 1}}
    binary = {"schema": {"type": "string", "format": "binary"}}
    request = {"schema": _ref("InferenceRequest"), "examples": inference_examples(loaded.inputs)}
    return {
        "operationId": f"infer{suffix}",
        "summary": "Predict, by the Open Inference Protocol",
        "description": f"With {BINARY}, the header {HEADER} says how long the JSON is; the bytes of the tensors follow it.",
        "requestBody": {
            "required": True,
            "content": {JSON: request, BINARY: binary},
        },
        "responses": {
            "200": {
                "description": "The outputs that were asked for",
                "headers": {HEADER: {"description": length["name"], "schema": length["schema"]}},
                "content": {JSON: {"schema": _ref("InferenceResponse")}, BINARY: binary},
            },
            **_refusals(codes, "InferenceError", needs_token=needs_token),
        },
    }


def _quoted(name: str) -> str:
    """A name as part of a path."""
    return "".join(chr(each) if each in _UNRESERVED else f"%{each:02X}" for each in name.encode())


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _flag(name: str) -> dict[str, Any]:
    return {"type": "object", "properties": {name: {"type": "boolean"}}, "required": [name]}


def _get(name: str, summary: str, responses: Mapping[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "summary": summary, "responses": dict(responses)}


def _answer(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": dict(schema)}}}


def _ending(schema: Mapping[str, Any]) -> dict[str, Any]:
    return _answer("The server is ending", schema)


def _refusals(codes: Sequence[str], schema: str, *, needs_token: bool) -> dict[str, Any]:
    return {code: _answer(_REFUSALS[code], _ref(schema)) for code in codes if needs_token or code != "401"}
