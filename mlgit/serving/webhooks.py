"""Who may say that something has changed: a person with the token, or the host of the repository, which signs with it.

A webhook of GitHub, Gitea or Forgejo bears HMAC-SHA256 of its body with the secret that was entered there; GitLab sends the
secret itself. The secret is the server's token.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Literal

from mlgit.serving import request_head
from mlgit.serving.rows import RefusedRequestError

LARGEST_BODY = 1 << 20
_SIGNATURES = (b"x-hub-signature-256", b"x-gitea-signature", b"x-forgejo-signature")

Caller = Literal["person", "host"]


def caller(headers: Iterable[tuple[bytes, bytes]], body: bytes, *, token: bytes) -> Caller | None:
    """Who it is that asks, None for somebody without the token; compared in a time that tells nothing of it."""
    listed = list(headers)
    try:
        if hmac.compare_digest(token, request_head.read(listed).token):
            return "person"
    except RefusedRequestError:
        return None
    found = dict(listed)
    if hmac.compare_digest(token, found.get(b"x-gitlab-token", b"")):
        return "host"
    signed = hmac.new(token, body, "sha256").hexdigest().encode()
    told = (found.get(name, b"").removeprefix(b"sha256=") for name in _SIGNATURES)
    return "host" if any(hmac.compare_digest(signed, each) for each in told) else None
