"""The head of a request: the few headers that the server reads, each of which may stand there once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from mlgit.serving.rows import RefusedRequestError

# What who brings no token, or another one, is told.
UNAUTHENTICATED = "a token is needed: Authorization: Bearer TOKEN"
_ID = re.compile(rb"[!-~]{1,128}")
_ONCE = {
    b"authorization": "Authorization",
    b"content-length": "Content-Length",
    b"content-type": "Content-Type",
    b"inference-header-content-length": "Inference-Header-Content-Length",
    b"x-request-id": "X-Request-ID",
}


class RequestHead(NamedTuple):
    """What the headers say; `id` is '' where the client names none that could stand in a log, `length` None where none is told.

    `json_length` is where the JSON of a body with binary data ends (Open Inference Protocol), None where there is none.
    """

    content_type: str = ""
    length: int | None = None
    token: bytes = b""
    id: str = ""
    json_length: int | None = None


def read(headers: Iterable[tuple[bytes, bytes]]) -> RequestHead:
    """The head, of names in small letters. Raises RefusedRequestError for what could be read in two ways."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _ONCE:
            if name in found:
                raise RefusedRequestError(f"the header {_ONCE[name]} stands there twice")
            found[name] = value
        elif name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise RefusedRequestError("a compressed body is not taken: send it as it is", status=415)
    asked = found.get(b"x-request-id", b"")
    return RequestHead(
        found.get(b"content-type", b"").decode("latin-1"),
        _number(found, b"content-length"),
        _token(found.get(b"authorization", b"")),
        asked.decode("ascii") if _ID.fullmatch(asked) else "",
        _number(found, b"inference-header-content-length"),
    )


def _number(found: dict[bytes, bytes], name: bytes) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    if not value.isdigit() or len(value) > 18:
        raise RefusedRequestError(f"the header {_ONCE[name]} is no number")
    return int(value)


def _token(value: bytes) -> bytes:
    """The token of `Authorization: Bearer TOKEN`."""
    scheme, _, token = value.partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else b""
