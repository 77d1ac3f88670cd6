"""One line of JSON after another between a process and its fork, over a pair of sockets."""

from __future__ import annotations

import json
import select
import socket
from collections import deque
from contextlib import suppress
from typing import Any

_CHUNK = 1 << 16


class LinkClosedError(Exception):
    """The other process is gone."""


class Link:
    """One end. What is sent arrives whole and in order, or the other end sees that this one is closed."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = b""
        self._read: deque[Any] = deque()
        self._is_over = False

    def fileno(self) -> int:
        """The descriptor that can be read from when something has come."""
        return self._end.fileno()

    def send(self, message: Any) -> None:
        """Send a message. Raises LinkClosedError."""
        try:
            self._end.sendall(json.dumps(message, separators=(",", ":"), default=str).encode() + b"\n")
        except OSError as error:
            raise LinkClosedError from error

    def receive(self) -> Any:
        """Wait for the next message. Raises LinkClosedError."""
        while not self._read:
            self._take()
        return self._read.popleft()

    def come(self) -> list[Any]:
        """The messages that are there now. Raises LinkClosedError when there are none and never will be."""
        while self.has_more():
            try:
                self._take()
            except LinkClosedError:
                if not self._read:
                    raise
                break
        found = list(self._read)
        self._read.clear()
        return found

    def has_more(self) -> bool:
        """Whether something can be read now, the end of it included."""
        return bool(select.select([self._end], [], [], 0)[0])

    def close(self) -> None:
        """Let the other end know that nothing more comes."""
        with suppress(OSError):
            self._end.close()

    def _take(self) -> None:
        try:
            chunk = self._end.recv(_CHUNK)
        except OSError as error:
            raise LinkClosedError from error
        if not chunk:
            raise LinkClosedError
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._read.extend(json.loads(line) for line in lines)


def pair() -> tuple[Link, Link]:
    """The two ends of a new link."""
    one, other = socket.socketpair()
    return Link(one), Link(other)
