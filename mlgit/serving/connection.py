"""A connection of HTTP with bounds: a head of so many bytes, a request that arrives in time, an answer that is read in time."""

from __future__ import annotations

import asyncio
import functools
import socket
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mlgit.serving import faults

LARGEST_HEAD = 32 << 10
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection with bounds; `seconds` are for one request to arrive, and for an answer to be read.

    uvicorn itself bounds neither: a client that sends a byte now and then would hold its connection, and memory, for ever.
    """

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None, *, seconds: float) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._head = 0
        self._is_reading_head = True
        self._is_receiving = False
        self.is_draining = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._timer = self.loop.call_later(self._seconds, self._refuse_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._is_reading_head and self._head > LARGEST_HEAD:
            self._end(_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_reading_head, self._is_receiving = True, True
        if self._timer is None:
            self._timer = self.loop.call_later(self._seconds, self._refuse_slow)

    def on_headers_complete(self) -> None:
        self._is_reading_head = False
        if self._head > LARGEST_HEAD and sum(len(name) + len(value) + 4 for name, value in self.headers) > LARGEST_HEAD:
            self._end(_TOO_LARGE)
        if self.transport.is_closing():
            return
        super().on_headers_complete()
        if self.is_draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        if self.cycle is not None:  # refused by its head
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._is_receiving, self._head, self._is_reading_head = False, 0, True
        self._disarm()
        if self.cycle is not None:
            super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._timer is None:
            self._timer = self.loop.call_later(self._seconds, self._abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._is_receiving:
            self._disarm()

    def drain(self) -> None:
        """Answer what comes, and say with each answer that the connection ends."""
        self.is_draining = True
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        if self._is_receiving:  # a request that has begun is answered, too
            self.drain()
        else:
            super().shutdown()

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse_slow(self) -> None:
        self._timer = None
        self._end(_TOO_SLOW)

    def _end(self, answer: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(answer)
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()

    def _abort(self) -> None:
        self._timer = None
        self.transport.abort()


class BoundedServer(uvicorn.Server):
    """uvicorn's server with such connections. It heeds no signals: whoever runs it says when to end, by `should_exit`."""

    def __init__(self, app: Any, *, seconds: float, most_connections: int, grace: float) -> None:
        """`grace` is how long open requests are waited for at the end, in seconds."""
        config = uvicorn.Config(
            app,
            http=cast(Any, functools.partial(BoundedConnection, seconds=seconds)),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=most_connections,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=max(1, int(grace)),
        )
        super().__init__(config)
        faults.quieten("uvicorn.error")

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()

    async def listen(self, listening: socket.socket) -> asyncio.Task[None]:
        """Take connections of a socket until `should_exit`: the task that does, ended already where it could not begin."""
        serving = asyncio.create_task(self.serve(sockets=[listening]))
        while not self.started and not serving.done():
            await asyncio.sleep(0.005)
        return serving

    def drain(self) -> None:
        """Let every connection end with its next answer."""
        for each in list(self.server_state.connections):
            if isinstance(each, BoundedConnection):
                each.drain()

    async def empty(self, *, seconds: float) -> None:
        """Wait until all connections have ended, but no longer than this."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        while self.server_state.connections and loop.time() < ends:
            await asyncio.sleep(0.01)
