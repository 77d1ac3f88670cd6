"""A line of JSON for each request, written by a thread of its own: a slow terminal or disk holds up no answer."""

from __future__ import annotations

import json
import os
import queue
import threading
import time

_MOST_WAITING = 10_000
# A pipe takes so many bytes at once without mixing them with those of another process.
_PIPE = 4096


class AccessLog:
    """Writes lines to an open file; what comes faster than that takes it is left out, and counted in the next line."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._lines: queue.Queue[bytes | None] = queue.Queue(_MOST_WAITING)
        self._lost = 0
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def line(
        self, *, request_id: str, method: str, path: str, status: int, seconds: float, received: int, version: str, client: str
    ) -> None:
        """Tell of one request; sizes are in bytes. Of the path only its first 200 characters."""
        row = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + "Z",
            "id": request_id,
            "client": client,
            "method": method,
            "path": path[:200],
            "status": status,
            "ms": round(seconds * 1000, 3),
            "bytes": received,
            "version": version,
        }
        if self._lost:
            row["left_out"], self._lost = self._lost, 0
        try:
            self._lines.put_nowait(json.dumps(row).encode() + b"\n")
        except queue.Full:
            self._lost += 1

    def close(self) -> None:
        """Write what is left, as far as that is taken within a second."""
        try:
            self._lines.put(None, timeout=1)
        except queue.Full:
            return
        self._thread.join(1)

    def _write(self) -> None:
        is_open = True
        while is_open:
            line = self._lines.get()
            text = b""
            while line is not None:
                text += line
                if len(text) > _PIPE - 1024 or self._lines.empty():
                    break
                line = self._lines.get()
            is_open = line is not None
            try:
                os.write(self._file, text)
            except OSError:  # nobody listens
                continue
