"""Real servers in processes of their own, on ports of this machine, and clients that keep asking them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

JSON = {"Content-Type": "application/json"}
START_SECONDS = 120
END_SECONDS = 60


@dataclass
class Answer:
    """What came back, and between which moments it was on its way (of the monotonic clock)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    began: float = 0.0
    ended: float = 0.0

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    address: tuple[str, int],
    path: str,
    body: Any = None,
    *,
    headers: Mapping[str, str] = JSON,
    method: str = "",
    timeout: float = 30,
) -> Answer:
    """One request on a connection of its own; a body that is not bytes is sent as JSON."""
    connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        return _asked(connection, path, body, headers=headers, method=method)
    finally:
        connection.close()


def _asked(
    connection: http.client.HTTPConnection, path: str, body: Any, *, headers: Mapping[str, str], method: str = ""
) -> Answer:
    began = time.monotonic()
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(method or ("GET" if body is None else "POST"), path, sent, dict(headers))
    answer = connection.getresponse()
    headers_found = {name.lower(): value for name, value in answer.getheaders()}
    content = answer.read()
    return Answer(answer.status, headers_found, content, began, time.monotonic())


@dataclass
class Served:
    """A server that answers."""

    child: subprocess.Popen[bytes]
    ready: Mapping[str, Any]
    said: Path

    @property
    def address(self) -> tuple[str, int]:
        found = urlsplit(self.ready["url"])
        return found.hostname or "", found.port or 0

    @property
    def admin_address(self) -> tuple[str, int]:
        found = urlsplit(self.ready["admin_url"])
        return found.hostname or "", found.port or 0

    def post(self, path: str, body: Any, **more: Any) -> Answer:
        return ask(self.address, path, body, **more)

    def get(self, path: str, **more: Any) -> Answer:
        return ask(self.address, path, **more)

    def admin(self, path: str, body: Any = None, **more: Any) -> Answer:
        return ask(self.admin_address, path, body, **more)

    def status(self) -> Any:
        return self.admin("/-/status").json

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = self.admin("/metrics").body.decode().splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.partition("{")[0].split(" ")[0] == name)

    def workers(self) -> list[int]:
        """The ids of the processes that answer."""
        return [each["pid"] for each in self.status()["workers"] if each["serving"]]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the end; the exit code."""
        self.child.send_signal(number)
        return self.child.wait(END_SECONDS)


def until(condition: Callable[[], Any], *, seconds: float = 60) -> Any:
    """Wait for something to be so, and say what it was."""
    ends = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.02)
    return found


@contextmanager
def served(folder: Path, *args: str, env: Mapping[str, str] | None = None, release: Path | None = None) -> Iterator[Served]:
    """`mlgit serve` in a folder, ended afterwards; `release` is the folder of one that is served without a repository."""
    what = ["--release", str(release)] if release else []
    said = folder / f"said-{time.monotonic_ns()}"
    argv = [sys.executable, "-m", "mlgit", "serve", *what, "--port", "0", "--admin-port", "0", "--json", *args]
    with open(said, "wb") as errors:
        child = subprocess.Popen(argv, cwd=folder, stdout=subprocess.PIPE, stderr=errors, env={**os.environ, **(env or {})})
    assert child.stdout
    timer = threading.Timer(START_SECONDS, child.kill)
    timer.start()
    try:
        line = child.stdout.readline()
        timer.cancel()
        assert line.startswith(b'{"schema": 1, "url"'), (line, said.read_text())
        threading.Thread(target=child.stdout.read, daemon=True).start()
        yield Served(child, json.loads(line), said)
    finally:
        timer.cancel()
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@dataclass
class Clients:
    """Threads that ask over and over, each on a connection that it keeps; what they were answered, by the id they gave."""

    address: tuple[str, int]
    body: Any
    path: str = "/invocations"
    answers: dict[str, Answer] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    refused: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def asking(self, number: int = 4) -> Iterator[Clients]:
        """Ask, as long as the block lasts."""
        threads = [threading.Thread(target=self._ask, args=(name,)) for name in range(number)]
        for each in threads:
            each.start()
        try:
            yield self
        finally:
            self._stop.set()
            for each in threads:
                each.join(60)

    def _ask(self, name: int) -> None:
        connection, number = None, 0
        while not self._stop.is_set():
            number += 1
            request_id = f"client-{name}-{number}"
            if connection is None:
                try:
                    connection = http.client.HTTPConnection(*self.address, timeout=30)
                    connection.connect()
                except OSError:  # nobody listens: nothing was asked
                    self.refused += 1
                    connection = None
                    self._stop.wait(0.01)
                    continue
            try:
                answer = _asked(connection, self.path, self.body, headers={**JSON, "X-Request-ID": request_id})
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(f"{request_id}: {type(error).__name__}")
                connection.close()
                connection = None
                continue
            self.answers[request_id] = answer
            if answer.headers.get("connection") == "close":
                connection.close()
                connection = None


def log_lines(folder: Path) -> list[Any]:
    """What is written down below a folder, but for headers and what was cut off."""
    lines = [line for path in sorted(folder.rglob("*.jsonl")) for line in path.read_bytes().splitlines(keepends=True)]
    return [found for line in lines if line.endswith(b"\n") and "kind" not in (found := json.loads(line))]
