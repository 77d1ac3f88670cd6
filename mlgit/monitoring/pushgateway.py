"""Brings the figures of a model to a Pushgateway of Prometheus, for jobs that no node_exporter sees."""

from __future__ import annotations

import base64
import time
import urllib.parse
from collections.abc import Callable, Mapping

from mlgit.errors import MlgitError

JOB = "mlgit_monitor"
ATTEMPTS = 4
_TIMEOUT = (10, 30)
_MOST_SAID = 300
_LOCAL = ("localhost", "127.0.0.1", "::1")


def push(url: str, text: str, *, group: Mapping[str, str], sleep: Callable[[float], None] = time.sleep) -> None:
    """Put `text` in the place of what the gateway had of this group: figures that are not in it any more are gone.

    To do that twice is the same as once, so what gets no clear answer is tried again, a bounded number of times. Name and
    password in the address are used and never shown. Raises MlgitError.
    """
    base, shown, account = _address(url)
    target = f"{base}/metrics/job/{JOB}{_path(group)}"
    trouble, hint = "", ""
    for attempt in range(ATTEMPTS):
        if attempt:
            sleep(2.0 ** (attempt - 1))
        status, trouble = _put(target, text.encode(), account)
        if 200 <= status < 300:
            return
        hint = _hint(status)
        if status and status < 500 and status != 429:
            break
    raise MlgitError(f"{shown}: the Pushgateway took nothing: {trouble}", hint)


def _address(url: str) -> tuple[str, str, tuple[str, str] | None]:
    """The address without name and password, how it is shown, and those."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urllib.parse.urlsplit("")
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment:
        raise MlgitError("that is no address of a Pushgateway", "write it as https://pushgateway.example.com:9091")
    name = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{name}" + (f":{port}" if port else "") + parts.path.rstrip("/")
    if parts.username is None:
        return shown, shown, None
    if parts.scheme == "http" and host not in _LOCAL:
        raise MlgitError(f"{shown}: a password is not sent over http", "use https")
    unquote = urllib.parse.unquote
    return shown, shown, (unquote(parts.username), unquote(parts.password or ""))


def _path(group: Mapping[str, str]) -> str:
    """Labels as the gateway has them in its paths: a value that is empty or holds a slash is written in base64."""
    return "".join(f"/{name}{_value(value)}" for name, value in group.items())


def _value(value: str) -> str:
    if value and "/" not in value and value not in (".", ".."):
        return f"/{urllib.parse.quote(value, safe='', errors='replace')}"
    return "@base64/" + (base64.urlsafe_b64encode(value.encode("utf-8", "replace")).decode() or "=")


def _put(url: str, body: bytes, account: tuple[str, str] | None) -> tuple[int, str]:
    """The status (0: no answer) and what was said."""
    import requests

    def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
        """No other credentials than those of the address: requests would take what ~/.netrc has for the host."""
        return requests.auth.HTTPBasicAuth(*_latin(account))(request) if account else request

    headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    try:
        with requests.put(
            url, data=body, headers=headers, auth=sign, timeout=_TIMEOUT, allow_redirects=False, stream=True
        ) as answer:
            said = next(answer.iter_content(_MOST_SAID), b"") if answer.status_code >= 300 else b""
            return answer.status_code, f"{answer.status_code} {' '.join(said.decode(errors='replace').split())}".strip()
    except (requests.RequestException, OSError, ValueError) as error:
        return 0, f"no answer ({type(error).__name__})"


def _latin(account: tuple[str, str]) -> tuple[bytes, bytes]:
    """As bytes: requests would write what is no Latin-1 in no way at all."""
    return account[0].encode(), account[1].encode()


def _hint(status: int) -> str:
    if status in (401, 403):
        return "put name and password into the address: https://NAME:PASSWORD@HOST"
    if 300 <= status < 400:
        return "it has moved: give its new address"
    if status == 400:
        return "the same model is pushed from elsewhere with other labels: `--label project=NAME` keeps both apart"
    return "is this the address of a Pushgateway, and does it run?"
