"""Calls a model by OpenAI's /chat/completions, which most providers and servers speak."""

import email.utils
import json
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from .budget import Budget, Price
from .models import LOOPBACK, Model

LATER = (408, 409, 425, 429, 500, 502, 503, 504, 529)
HOPELESS = (401, 402, 403, 404)
LARGEST_ANSWER = 8 * 1024 * 1024
LONGEST_WAIT = 60.0


class CallError(Exception):
    """There is no answer to this request; there may be to others."""


class HopelessError(Exception):
    """No request will be answered: the key, the model or the address is wrong."""


class Stopped(Exception):
    """The run stopped while this request was waiting."""


@dataclass(frozen=True)
class Answer:
    """What a model said. `latency` is in milliseconds: the provider's own figure, where it tells one."""

    text: str
    refusal: str
    finish: str
    fingerprint: str
    tokens_in: int
    tokens_out: int
    latency: int


class Bearer(requests.auth.AuthBase):
    """Sends the key; unlike a plain header, nothing in ~/.netrc takes its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Client:
    """Asks one model, from many threads."""

    def __init__(self, model: Model, *, key: str, base_url: str, timeout: float, attempts: int) -> None:
        self._model, self._key, self._timeout, self._attempts = model, key, timeout, attempts
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._local = threading.local()
        self.stop = threading.Event()

    def ask(self, messages: list[dict[str, str]], repeat: int, *, budget: Budget, price: Price) -> Answer:
        """The answer to these messages; each try is reserved in the budget before it is made.

        Raises CallError, HopelessError, Stopped, and Overspent.
        """
        body = {
            "model": self._model.model,
            "messages": messages,
            "temperature": self._model.temperature,
            "seed": self._model.seed + repeat,
            "max_tokens": self._model.max_tokens,
        }
        for attempt in range(1, self._attempts + 1):
            budget.reserve(price)
            if self.stop.is_set():
                budget.settle(price, 0.0)
                raise Stopped
            cost = price.most  # of a call whose end is not known
            try:
                answer, wait, problem = self._once(body, attempt)
                cost = self._model.cost(answer.tokens_in, answer.tokens_out) if answer else 0.0
            except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
                answer, wait, problem = None, 0.25 * 2**attempt, type(error).__name__
            finally:
                budget.settle(price, cost)
            if answer:
                return answer
            if wait > LONGEST_WAIT or attempt == self._attempts:
                break
            self.stop.wait(wait)
        raise CallError(problem)

    def _once(self, body: dict[str, Any], attempt: int) -> tuple[Answer | None, float, str]:
        """The answer, or how long to wait and why."""
        begun = time.monotonic()
        response = self._session().post(
            self._url,
            json=body,
            auth=Bearer(self._key),
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
        )
        with response:
            content = _read(response.raw, until=begun + self._timeout)
        took = response.headers.get("openai-processing-ms", "")
        latency = int(took) if took.isdecimal() else round(1000 * (time.monotonic() - begun))
        if response.status_code == 200:
            return self._answer(content, latency), 0.0, ""
        problem = f"HTTP {response.status_code}: {self._told(content)}"
        if response.status_code in HOPELESS:
            raise HopelessError(problem)
        if response.status_code not in LATER:
            raise CallError(problem)
        return None, _wait(response.headers.get("Retry-After", ""), attempt), problem

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            # what is on this machine is asked directly, whatever proxy the environment names
            self._local.session.trust_env = urlsplit(self._url).hostname not in LOOPBACK
        return self._local.session

    def _answer(self, content: bytes, latency: int) -> Answer:
        try:
            given = json.loads(content)
            choice, usage = given["choices"][0], given.get("usage") or {}
            said = choice["message"]
            text = said.get("content") or ""
            if not text and said.get("tool_calls"):
                text = json.dumps(said["tool_calls"])  # of a model that calls a tool, the call is the answer
            tokens_in, tokens_out = int(usage["prompt_tokens"]), int(usage["completion_tokens"])
            if not isinstance(text, str) or tokens_in < 0 or tokens_out < 0:
                raise ValueError("neither text nor a number of tokens")
            return Answer(
                text=self._without_key(text),
                refusal=self._without_key(said.get("refusal")),
                finish=self._without_key(choice.get("finish_reason")),
                fingerprint=self._without_key(given.get("system_fingerprint")),
                tokens_in=tokens_in,
                tokens_out=tokens_out,
                latency=latency,
            )
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise CallError(f"no chat completion: {type(error).__name__}: {self._told(content)}") from error

    def _told(self, content: bytes) -> str:
        """What a provider says of an error, on one line."""
        return self._without_key(content[:2000].decode(errors="replace")).encode("unicode_escape").decode()[:200]

    def _without_key(self, text: Any) -> str:
        """What a provider says, which may repeat the key."""
        said = str(text or "")
        return said.replace(self._key, "***") if self._key else said


def _read(stream: urllib3.BaseHTTPResponse, *, until: float) -> bytes:
    """The body; requests gives up on a server that says nothing, this on one that says too much, or byte by byte."""
    content = bytearray()
    while len(content) < LARGEST_ANSWER and (more := stream.read1(decode_content=True)):
        content += more
        if time.monotonic() > until:
            raise requests.ReadTimeout
    if stream.length_remaining and len(content) < LARGEST_ANSWER:
        raise requests.ConnectionError
    return bytes(content)


def _wait(retry_after: str, attempt: int) -> float:
    """Seconds until the next try: as the provider wants it (seconds or a date), else longer with each try."""
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.25 * 2**attempt
