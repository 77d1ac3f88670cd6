"""Requests to the API of a forge: patient with limits, careful with the token, and bounded in what it takes in.

What may have been done already is not asked for twice: a request that writes and gets no clear answer raises
`UnclearError`, and the caller looks again.
"""

from __future__ import annotations

import datetime
import email.utils
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlgit.errors import MlgitError

MAX_BYTES = 16 << 20
MAX_PAGES = 200
ATTEMPTS = 6
LONGEST_WAIT = 300.0
# What GitHub asks for where it names no time after a limit on how fast one asks.
UNNAMED_WAIT = 60.0
_TIMEOUT = (10, 60)
_MOST_SAID = 300
_SECRET = {"Authorization", "PRIVATE-TOKEN"}


class HttpError(MlgitError):
    """The forge said no; `status` is its code, 0 where there was no answer."""

    def __init__(self, message: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class UnclearError(HttpError):
    """A request that writes may or may not have been carried out."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: the code, the headers (names in lower case), the JSON, None where there is none, and the bytes."""

    status: int
    headers: Mapping[str, str]
    value: Any
    content: bytes = b""


class Api:
    """One forge's API below `base`. The headers, with the token, go to this host only and stand in no message."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str],
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        parts = urllib.parse.urlsplit(base)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise MlgitError(f"'{base}' is not a valid API URL", "write it as https://api.example.com")
        if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise MlgitError(f"'{base}': a token is not sent over http", "use https")
        self._base = base.rstrip("/")
        self._origin = (parts.scheme, parts.netloc)
        self._headers = dict(headers)
        self._seconds = (sleep, clock)
        self._sleep = sleep
        self._clock = clock

    def sibling(self, old: str, new: str) -> Api:
        """Another API of the same server: its address ends in `new` where this one's ends in `old`."""
        sleep, clock = self._seconds
        return Api(self._base.removesuffix(old) + new, headers=self._headers, sleep=sleep, clock=clock)

    def get(self, path: str) -> HttpAnswer:
        """What a path holds. Raises HttpError."""
        return self._ask("GET", self._url(path, {}), None)

    def pages(self, path: str, params: Mapping[str, str | int]) -> Iterator[Any]:
        """The items of a list, from all its pages. Raises HttpError."""
        url: str | None = self._url(path, params)
        for _ in range(MAX_PAGES):
            if url is None:
                return
            answer = self._ask("GET", url, None)
            if not isinstance(answer.value, list):
                raise HttpError(f"GET {path}: the answer is not a list", "is this the address of the API?")
            yield from answer.value
            url = self._next(answer)
        raise HttpError(f"GET {path}: more than {MAX_PAGES} pages", "there is too much to look through")

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, is_repeatable: bool | None = None
    ) -> HttpAnswer:
        """Write something. Raises HttpError, and UnclearError where it may have been done all the same.

        `is_repeatable`: to do it twice is the same as once (default: so for all but POST); then it is asked for again.
        """
        is_repeatable = method != "POST" if is_repeatable is None else is_repeatable
        return self._ask(method, self._url(path, {}), body, is_repeatable=is_repeatable)

    def _url(self, path: str, params: Mapping[str, str | int]) -> str:
        return f"{self._base}{path}" + (f"?{urllib.parse.urlencode(params)}" if params else "")

    def _next(self, answer: HttpAnswer) -> str | None:
        """The next page by the Link header (RFC 8288), if it lies on the same host."""
        for part in answer.headers.get("link", "").split(","):
            target, _, attributes = part.strip().partition(">")
            if 'rel="next"' in attributes and target.startswith("<"):
                found = urllib.parse.urlsplit(target[1:])
                if (found.scheme, found.netloc) != self._origin:
                    raise HttpError("the next page of a list lies on another host", "the token is not sent there")
                return target[1:]
        return None

    def _ask(self, method: str, url: str, body: Mapping[str, Any] | None, *, is_repeatable: bool = True) -> HttpAnswer:
        waited = 0.0
        told = f"{method} {urllib.parse.urlsplit(url).path}"
        for attempt in range(ATTEMPTS):
            answer, trouble = self._once(method, url, body, told)
            if answer is not None and answer.status < 300:
                return answer
            wait = self._patience(answer, attempt)
            if wait is None or waited + wait > LONGEST_WAIT or attempt == ATTEMPTS - 1:
                break
            if not is_repeatable and not (answer and _is_limited(answer)):
                raise UnclearError(f"{told}: {trouble}", status=answer.status if answer else 0)
            waited += wait
            self._sleep(wait)
        raise HttpError(f"{told}: {trouble}", _hint(answer), status=answer.status if answer else 0)

    def _once(self, method: str, url: str, body: Mapping[str, Any] | None, told: str) -> tuple[HttpAnswer | None, str]:
        import requests

        try:
            with requests.request(
                method,
                url,
                json=body,
                headers=self._headers,
                auth=_as_it_is,
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = b""
                for block in response.iter_content(1 << 16):
                    content += block
                    if len(content) > MAX_BYTES:
                        break
                headers = {name.lower(): value for name, value in response.headers.items()}
                status = response.status_code
        except requests.ConnectionError as error:
            return None, f"no answer ({_cause(error)})"
        except (requests.RequestException, OSError) as error:
            return None, f"no whole answer ({type(error).__name__})"
        if len(content) > MAX_BYTES:
            raise HttpError(f"{told}: the answer is larger than {MAX_BYTES} bytes", status=status)
        value = _parsed(content)
        return HttpAnswer(
            status, headers, value, content
        ), f"{status} {self._without_secrets(_said(value, status))[:_MOST_SAID]}"

    def _without_secrets(self, text: str) -> str:
        """For a server, or what stands before it, may quote the request."""
        for name in _SECRET & self._headers.keys():
            text = text.replace(self._headers[name].split()[-1], "***")
        return text

    def _patience(self, answer: HttpAnswer | None, attempt: int) -> float | None:
        """Seconds to wait before the next attempt; None where another would be no use.

        As GitHub asks: what Retry-After says, else the reset of a limit that is used up, else longer each time.
        """
        if answer is None:
            return float(2**attempt)
        if answer.status < 500 and not _is_limited(answer):
            return None
        asked = self._asked_to_wait(answer)
        if asked is not None:
            return asked
        return float(2**attempt) * (1.0 if answer.status >= 500 else UNNAMED_WAIT)

    def _asked_to_wait(self, answer: HttpAnswer) -> float | None:
        """None where nothing is asked. Every answer names a reset; it counts only where nothing remains until then."""
        after, reset = answer.headers.get("retry-after", ""), answer.headers.get("x-ratelimit-reset", "")
        if _is_whole(after):
            return float(after)
        if after and (moment := _moment(after)) is not None:
            return max(0.0, moment - self._clock())
        is_spent = answer.headers.get("x-ratelimit-remaining") == "0"
        return max(0.0, float(reset) - self._clock()) if is_spent and _is_whole(reset) else None


def at(value: Any, *names: str) -> Any:
    """What an answer holds below these names. Raises HttpError where it does not."""
    found = value
    for name in names:
        if not isinstance(found, dict) or name not in found:
            raise HttpError(f"the answer has no '{'.'.join(names)}'", "is this the address of the forge's API?")
        found = found[name]
    return found


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _moment(text: str) -> float | None:
    """A date of HTTP as seconds since 1970."""
    try:
        found = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or datetime.UTC).timestamp()


def _as_it_is(request: Any) -> Any:
    """No other credentials than those in the headers: requests would take what ~/.netrc has for the host."""
    return request


def _is_limited(answer: HttpAnswer) -> bool:
    """Whether a limit of rate was hit: GitHub says so with 403 as well as with 429."""
    if answer.status == 429:
        return True
    is_spent = answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers
    return answer.status == 403 and (is_spent or "rate limit" in _said(answer.value, 403).lower())


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except (ValueError, RecursionError):
        return None


def _said(value: Any, status: int) -> str:
    found = value.get("message") or value.get("error") if isinstance(value, dict) else None
    text = found if isinstance(found, str) else json.dumps(found) if found else ""
    return text if text else {401: "not authenticated", 404: "not found"}.get(status, "")


def _cause(error: BaseException) -> str:
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    return type(reason).__name__


def _hint(answer: HttpAnswer | None) -> str:
    match answer.status if answer else 0:
        case 401:
            return "the token is not valid, or has expired"
        case 403:
            return "the token may not do this: see the permissions of the job, docs/ci.md lists them"
        case 404:
            return "no such thing, or the token may not see it"
        case 301 | 302 | 307 | 308:
            return "it has moved: give the new name of the repository"
        case 422:
            return "the forge refused what was sent"
    return "try again later" if answer is None or answer.status >= 500 or answer.status == 429 else ""
