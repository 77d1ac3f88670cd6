"""The ASGI application of a worker: predictions by two protocols on a short path, everything else by FastAPI.

A request for a prediction passes no middleware: routing, validation and serialisation by a framework cost more than the model.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Literal, NamedTuple, NoReturn

from mlgit.serving import faults, mlflow_protocol, open_inference, request_head
from mlgit.serving.access_log import AccessLog
from mlgit.serving.batching import Batcher
from mlgit.serving.exchange import Exchange
from mlgit.serving.lanes import Lanes
from mlgit.serving.loaded import LoadedModel
from mlgit.serving.log_header import Role
from mlgit.serving.log_writer import new_id
from mlgit.serving.metrics import ServingMetrics
from mlgit.serving.recording import Recorder
from mlgit.serving.request_head import RequestHead
from mlgit.serving.rows import RefusedRequestError, ServedRequest, Violation

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Protocol = Literal["mlflow", "v2"]

_JSON = b"application/json"
# What a worker holds at most for others: bytes of bodies that have not come to their end, and rows that wait for a model.
MOST_ARRIVING, MOST_ROWS_WAITING = 256 << 20, 50_000
_ERRORS = {"mlflow": mlflow_protocol.error, "v2": open_inference.error}


class Reply(NamedTuple):
    """What is sent: a status, a body, and further headers."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


class AnsweringState:
    """What a worker answers with: one reference is replaced when the deployment changes."""

    def __init__(
        self,
        current: Lanes,
        *,
        metrics: ServingMetrics,
        access_log: AccessLog | None = None,
        token: bytes = b"",
        most_arriving: int = MOST_ARRIVING,
        most_rows_waiting: int = MOST_ROWS_WAITING,
    ) -> None:
        self.current = current
        self.metrics = metrics
        self.access_log = access_log
        self.token = token
        self.is_draining = False
        self.most_arriving = most_arriving
        self.most_rows_waiting = most_rows_waiting
        self.arriving = 0  # bytes

    def admit(self, head: RequestHead) -> None:
        """Raise RefusedRequestError for a request without the token; compared in a time that tells nothing of it."""
        if self.token and not hmac.compare_digest(self.token, head.token):
            raise RefusedRequestError(request_head.UNAUTHENTICATED, status=401, error_code="UNAUTHENTICATED")

    @property
    def name(self) -> str:
        """The model's name."""
        return self.current.champion.model.release.model


class PredictionApp:
    """Answers POST /invocations and POST /v2/models/NAME/infer; hands everything else to `control`."""

    def __init__(self, serving: AnsweringState, *, control: Any) -> None:
        self._serving = serving
        self._control = control
        self._infer = f"/v2/models/{serving.name}/infer"
        self._versions = f"/v2/models/{serving.name}/versions/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            path = scope["path"]  # decoded: clients do not agree on what of a name has to be encoded
            if path == "/invocations":
                return await self._answer(scope, receive, send, "mlflow", "")
            if path == self._infer:
                return await self._answer(scope, receive, send, "v2", "")
            if path.startswith(self._versions) and path.endswith("/infer"):
                return await self._answer(scope, receive, send, "v2", path[len(self._versions) : -len("/infer")])
        await self._control(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, protocol: Protocol, version: str) -> None:
        started = time.perf_counter()
        serving = self._serving
        lane: Batcher = serving.current.champion
        request_id, size = "", 0
        try:
            head = request_head.read(scope["headers"])
            request_id = head.id or new_id()
            serving.admit(head)
            limits = lane.model.release.serving.limits
            body = await _read(receive, head.length, limits.body, serving)
            size = len(body)
            lanes = serving.current  # what is in production now that all of the request is here
            request = _parse(protocol, body, head, lanes.champion)
            del body  # many requests may wait
            lane = _lane(lanes, request_id, request, version)
            asked = _Asked(protocol, request_id, started)
            exchange = await _predict(asked, request, lanes=lanes, lane=lane, serving=serving)
            reply = _reply(protocol, lane, request, exchange)
        except RefusedRequestError as error:
            reply = _refusal(protocol, error)
        except Exception as error:
            reply = _refusal(protocol, faults.refused(error))
        await _send(send, reply, request_id, lane)
        seconds = time.perf_counter() - started
        serving.metrics.request(lane.model, reply.status, seconds)
        if reply.status == 200 and lanes.shadow is not None and not lanes.overhear(exchange, request.rows):
            serving.metrics.shadow_dropped()
        if serving.access_log is not None:
            client = (scope.get("client") or ("",))[0]
            serving.access_log.line(
                request_id=request_id,
                method="POST",
                path=scope["path"],
                status=reply.status,
                seconds=seconds,
                received=size,
                version=lane.model.release.version,
                client=client,
            )


async def _read(receive: Receive, length: int | None, most: int, serving: AnsweringState) -> bytes:
    """The body. Raises RefusedRequestError as soon as it is known to be too large, or when the client is gone."""
    too_large = RefusedRequestError(f"the body is larger than {most} bytes", status=413, error_code="REQUEST_LIMIT_EXCEEDED")
    if length is not None and length > most:
        raise too_large
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message["body"]
        if len(body) > most:
            raise too_large
        return body
    parts, size = [], 0
    try:
        while True:
            if message["type"] != "http.request":
                raise RefusedRequestError("the client went away", status=499)
            size += len(message["body"])
            serving.arriving += len(message["body"])
            if size > most:
                raise too_large
            if serving.arriving > max(serving.most_arriving, most):
                raise _busy("too much arrives at once")
            parts.append(message["body"])
            if not message.get("more_body"):
                return b"".join(parts)
            message = await receive()
    finally:
        serving.arriving -= size


def _busy(message: str) -> RefusedRequestError:
    return RefusedRequestError(f"{message}: ask again later", status=503, error_code="TEMPORARILY_UNAVAILABLE")


def _parse(protocol: Protocol, body: bytes, head: RequestHead, champion: Batcher) -> ServedRequest:
    release = champion.model.release
    if protocol == "mlflow":
        return mlflow_protocol.parse(
            body, content_type=head.content_type, limits=release.serving.limits, inputs=champion.model.inputs
        )
    names = tuple(each.name for each in champion.model.inputs.columns) or None
    return open_inference.parse(body, header_length=head.json_length, limits=release.serving.limits, columns=names)


def _lane(lanes: Lanes, request_id: str, request: ServedRequest, version: str) -> Batcher:
    if not version:
        return lanes.choose(request_id, request.rows)
    found = lanes.version(version)
    if found is None:
        raise RefusedRequestError("this version is not served", status=404, error_code="RESOURCE_DOES_NOT_EXIST")
    return found


class _Asked(NamedTuple):
    """Where a request comes from, and when."""

    protocol: Protocol
    id: str
    started: float


async def _predict(asked: _Asked, request: ServedRequest, *, lanes: Lanes, lane: Batcher, serving: AnsweringState) -> Exchange:
    model = lane.model
    release = model.release
    methods = request.methods or (release.serving.predict,)
    unknown = next((each for each in methods if each not in model.predictor.methods), None)
    if unknown:
        raise RefusedRequestError(f"the model has no {unknown}", error_code="INVALID_PARAMETER_VALUE")
    data = model.inputs.aligned(request.rows)
    violations = model.inputs.violations(data)
    if violations:
        serving.metrics.invalid(tuple(violations))
        if release.serving.invalid == "reject":
            await _refuse(
                asked, model, violations, role="canary" if lane is lanes.canary else "champion", recorder=lanes.recorder
            )
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    exchange = Exchange(asked.id, time.time(), asked.started, data, methods, answered, violations)
    if lane.rows > serving.most_rows_waiting:
        raise _busy("too many requests wait")
    lane.ask(exchange)
    if lane.is_at_once(exchange) and lanes.recorder.settings.durability != "fsync":
        await exchange.answered
        return exchange
    try:
        async with asyncio.timeout(release.serving.limits.seconds):
            await exchange.answered
    except TimeoutError as error:
        raise RefusedRequestError(
            f"no answer within {release.serving.limits.seconds:g} s", status=504, error_code="TEMPORARILY_UNAVAILABLE"
        ) from error
    return exchange


async def _refuse(
    asked: _Asked, model: LoadedModel, violations: Sequence[Violation], *, role: Role, recorder: Recorder
) -> NoReturn:
    """Write down that a request broke the contract, and raise RefusedRequestError."""
    status = 400 if asked.protocol == "mlflow" else 422
    message = "the input breaks the contract"
    error = RefusedRequestError(message, status=status, error_code="INVALID_PARAMETER_VALUE", violations=violations)
    written = recorder.refuse(role, model, request_id=asked.id, seconds=time.time(), code=status, violations=violations)
    if written is not None:
        await written
    raise error


def _reply(protocol: Protocol, lane: Batcher, request: ServedRequest, exchange: Exchange) -> Reply:
    if protocol == "mlflow":
        return Reply(200, mlflow_protocol.answer(exchange.outputs[exchange.methods[0]]))
    release = lane.model.release
    body, headers = open_inference.answer(exchange.outputs, request=request, model=release.model, version=release.version)
    return Reply(200, body, tuple((name.lower().encode(), value.encode()) for name, value in headers.items()))


def _refusal(protocol: Protocol, error: RefusedRequestError) -> Reply:
    # what is left of a body that is too large is not read
    further = {401: ((b"www-authenticate", b"Bearer"),), 413: ((b"connection", b"close"),)}
    return Reply(error.status, _ERRORS[protocol](error), further.get(error.status, ()))


async def _send(send: Send, reply: Reply, request_id: str, lane: Batcher) -> None:
    headers = [
        (b"content-type", _JSON),
        (b"content-length", str(len(reply.body)).encode()),
        (b"x-request-id", request_id.encode()),
        (b"x-mlgit-version", lane.model.release.version.encode()),
    ]
    named = {name for name, _ in reply.headers}
    headers = [each for each in headers if each[0] not in named] if named else headers
    await send({"type": "http.response.start", "status": reply.status, "headers": [*headers, *reply.headers]})
    await send({"type": "http.response.body", "body": reply.body})
