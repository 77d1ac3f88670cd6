"""Questions to a server of MLflow: read only, bounded in what is taken in, credentials to that server alone, in no message."""

from __future__ import annotations

import json
import os
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlgit.errors import MlgitError

_LARGEST = 256 << 20
_LARGEST_FILE = 64 << 30
_TIMEOUT = (10, 120)
_ATTEMPTS = 4
_PAGES = 100_000
_HINT = "is this an MLflow server, and may you read there? MLFLOW_TRACKING_TOKEN, or USERNAME and PASSWORD, open it"


class MlflowError(MlgitError):
    """The server said no; `status` is its code, 0 where there was no answer."""

    def __init__(self, message: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class MlflowRest:
    """A server of MLflow at a URL. User and password may stand in it, or token, user and password in MLflow's variables."""

    def __init__(
        self, url: str, *, environ: Mapping[str, str] = os.environ, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        import requests

        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise MlgitError(f"'{url}' is no address of a server", "write it as https://mlflow.example.com")
        place = parts.hostname if ":" not in parts.hostname else f"[{parts.hostname}]"
        self.url = f"{parts.scheme}://{place}{f':{parts.port}' if parts.port else ''}{parts.path.rstrip('/')}"
        user = urllib.parse.unquote(parts.username or "") or environ.get("MLFLOW_TRACKING_USERNAME", "")
        password = urllib.parse.unquote(parts.password or "") or environ.get("MLFLOW_TRACKING_PASSWORD", "")
        token = environ.get("MLFLOW_TRACKING_TOKEN", "")
        self._sleep = sleep
        self._session = requests.Session()

        def sign(request: Any) -> Any:  # not what ~/.netrc has for the host
            if user:
                return requests.auth.HTTPBasicAuth(user.encode(), password.encode())(request)
            if token:
                request.headers["Authorization"] = f"Bearer {token}"
            return request

        self._session.auth = sign

    def ask(self, path: str, body: Mapping[str, Any] | None = None, *, params: Any = ()) -> dict[str, Any]:
        """The answer to a question: GET with `params`, or POST with a body. Raises MlflowError."""
        content = b"".join(self._blocks("POST" if body is not None else "GET", path, body, params, limit=_LARGEST))
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise MlflowError(f"{self.url}{path}: the answer is no JSON", _HINT)
        return found

    def pages(self, path: str, key: str, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """The items of a list, from all its pages. Raises MlflowError."""
        token = ""
        for _ in range(_PAGES):
            answer = self.ask(path, {**body, **({"page_token": token} if token else {})})
            yield from objects(answer.get(key))
            before, token = token, str(answer.get("next_page_token") or "")
            if not token or token == before:
                return

    def download(self, path: str, *, params: Any, to: Path) -> None:
        """A file. Raises MlflowError."""
        with open(to, "wb") as stream:
            for block in self._blocks("GET", path, None, params, limit=_LARGEST_FILE):
                stream.write(block)

    def _blocks(self, method: str, path: str, body: Any, params: Any, *, limit: int) -> Iterator[bytes]:
        import requests

        with self._answered(method, path, body, params) as response:
            taken = 0
            try:
                for block in response.iter_content(1 << 16):
                    taken += len(block)
                    if taken > limit:
                        raise MlflowError(f"{self.url}{path}: the answer is larger than {limit >> 20} MiB")
                    yield block
            except (requests.RequestException, OSError) as error:
                raise MlflowError(f"{self.url}{path}: no whole answer ({type(error).__name__})", "try again") from error

    def _answered(self, method: str, path: str, body: Any, params: Any) -> Any:
        """An answer that is a success; asked again where the server is busy or away for a moment."""
        import requests

        trouble, status = "", 0
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(2.0 ** (attempt - 1))
            try:
                response = self._session.request(
                    method, f"{self.url}{path}", json=body, params=params, timeout=_TIMEOUT, allow_redirects=False, stream=True
                )
            except requests.RequestException as error:
                trouble, status = f"no answer ({_cause(error)})", 0
                if isinstance(error, requests.Timeout):
                    break
                continue
            if response.status_code < 300:
                return response
            status = response.status_code
            trouble = f"{status} {_said(response)}".rstrip()
            response.close()
            if status < 500 and status != 429:
                break
        raise MlflowError(f"{self.url}{path}: {trouble}", _HINT if status < 500 else "", status=status)


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in what an answer holds where a list belongs; whatever else is there is nothing."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _said(response: Any) -> str:
    try:
        found = json.loads(next(response.iter_content(1 << 16), b""))
        return str(found.get("message", ""))[:300] if isinstance(found, dict) else ""
    except (ValueError, RecursionError, OSError):
        return ""


def _cause(error: BaseException) -> str:
    inner: Any = error.args[0] if error.args else error
    return type(getattr(inner, "reason", inner)).__name__
