"""Queries of strangers, run in a process of their own, which has little memory and can be ended.

DuckDB bounds the memory of tables, not that of one value (`repeat('x', 4000000000)`), and can be interrupted between two
values, not within one; and a fault of DuckDB ends its process. So another process is asked, and waited for only so long.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlgit.adapters.duckdb.session import QUERY_SECONDS, QueryError, QueryRefusedError
from mlgit.adapters.system import process

# Seconds that all queries of a contract may take.
TOTAL_SECONDS = 120.0
# Seconds for a process to begin, and to stop by itself when a query's time is over.
_BEGIN, _GRACE = 60.0, 1.0


class QueryProcess:
    """A process that may read some files; it begins with the first query, and anew after one that it did not survive."""

    def __init__(self, files: Sequence[str], *, threads: int = 2, total: float = TOTAL_SECONDS) -> None:
        self._files, self._threads = list(files), threads
        self._total = self._left = total
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> QueryProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def number(self, query: str, *, table: str, quoted: str, relation: str, seconds: float = QUERY_SECONDS) -> float | None:
        """The one number that a query gives of a table whose rows `relation` selects; None for NULL.

        `table` is what queries call it, `quoted` the same as SQL writes it.

        Raises QueryError where it is refused, fails, gives anything but one number, takes too long or too much memory.
        """
        if self._left <= 0:
            raise QueryRefusedError(f"not run: the queries before it took {self._total:g} seconds")
        seconds = min(seconds, self._left)
        child = self._child or self._begin()
        began = time.monotonic()
        try:
            asked = json.dumps({"query": query, "table": table, "quoted": quoted, "relation": relation, "seconds": seconds})
            answer = self._answer(child, asked, seconds + _GRACE)
        finally:
            self._left -= time.monotonic() - began
        if answer is None:
            raise QueryRefusedError(f"stopped after {seconds:g} seconds")
        if "problem" in answer:
            raise (QueryRefusedError if answer["is_refused"] else QueryError)(answer["problem"])
        number: float | None = answer["number"]
        return number

    def _answer(self, child: subprocess.Popen[bytes], asked: str, seconds: float) -> dict[str, Any] | None:
        """What the process says; None when it says nothing in time. Raises QueryError where it ended."""
        try:
            line = _asked(child, asked, seconds)
        except BaseException:
            self._end()
            raise
        if line is None:
            self._end()
            return None
        if not line.endswith(b"\n"):
            self._end()
            raise QueryRefusedError("it took too much memory, or DuckDB broke down over it")
        found: dict[str, Any] = json.loads(line)
        return found

    def _begin(self) -> subprocess.Popen[bytes]:
        """Raises QueryError where the process does not begin."""
        argv = [sys.executable, "-P", "-m", "mlgit.adapters.duckdb.query_child"]
        child = process.start(argv, cwd=Path("/"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._child = child
        answer = self._answer(child, json.dumps({"files": self._files, "threads": self._threads}), _BEGIN)
        if answer is None:
            raise QueryError("the process for queries did not begin")
        return child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


def _asked(child: subprocess.Popen[bytes], text: str, seconds: float) -> bytes | None:
    """The line with which a process answers one, less of it where it ends before, None where the time is over."""
    assert child.stdin is not None
    assert child.stdout is not None
    until = time.monotonic() + seconds
    try:
        child.stdin.write(text.encode() + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        return b""
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([child.stdout], [], [], max(until - time.monotonic(), 0))
        if not ready:
            return None
        # a line is all that is written at a time, so nothing behind it is taken away
        piece = child.stdout.read1(1 << 16)  # type: ignore[attr-defined]
        if not piece:
            break
        line += piece
    return line
