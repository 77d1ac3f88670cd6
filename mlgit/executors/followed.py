"""An executor whose jobs are listened to: what they write to their logs is told as it comes.

The logs are read, not the jobs: a job writes to the same file, as fast, whether anybody listens or not, and one that prints
faster than can be shown is neither held up nor kept in memory, for what is far behind is passed over.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from mlgit.adapters.system import state_files
from mlgit.executors.protocol import Executor, Job, Outcome

UNBUFFERED = "PYTHONUNBUFFERED"
_MOST_BEHIND = 4 << 20  # bytes of a log that are read at once; of more, only the end is
_END = 1 << 16
_LAST_LINE = 1 << 12
_CHUNK = 1 << 18
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_TO_A_FILE = re.compile(r"(?<![0-9&>])1?>{1,2}(?![>&])")


class Audience(Protocol):
    """Who is told what jobs print."""

    def printed(self, name: str, content: bytes, *, left_out: int) -> None:
        """A job printed this, after so many bytes that were passed over."""

    def printed_all(self, name: str) -> None:
        """Nothing more comes of a job."""


class Followed:
    """Another executor, and an `audience` for its jobs: of those in `whole` it is told all, of others the last lines.

    With `is_local`, Python is asked to write at once what is printed, where that goes to the log.
    """

    def __init__(self, inner: Executor, audience: Audience, *, whole: Collection[str], is_local: bool) -> None:
        self._inner = inner
        self._audience = audience
        self._whole = whole
        self._is_local = is_local
        self._tails: dict[str, _Tail] = {}

    @property
    def slots(self) -> int:
        return self._inner.slots

    def submit(self, job: Job) -> None:
        """Start a job in the place of whose log there is none: what is found there from now on is of this job."""
        state_files.make_folder(str(job.log.parent))
        with suppress(FileNotFoundError, IsADirectoryError, PermissionError):  # the executor says what is wrong with it
            os.unlink(job.log)
        self._inner.submit(job._replace(env={**job.env, UNBUFFERED: "1"}) if self._asks_python(job) else job)
        self._tails[job.name] = _Tail(job.log, most=_MOST_BEHIND if job.name in self._whole else _LAST_LINE)

    def _asks_python(self, job: Job) -> bool:
        # A program whose output is a file writes it several times faster in large pieces.
        is_set = UNBUFFERED in os.environ or UNBUFFERED in job.env
        return self._is_local and not is_set and not any(map(_TO_A_FILE.search, job.commands))

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """The jobs that ended, of which all was told then."""
        ended = self._inner.wait(timeout)
        for outcome in ended:
            self._end(outcome.name)
        for name, tail in self._tails.items():
            self._tell(name, tail)
        return ended

    def stop(self) -> None:
        """End all jobs, and tell what they had to say to that."""
        self._inner.stop()
        for name in list(self._tails):
            self._end(name)

    def _end(self, name: str) -> None:
        tail = self._tails.pop(name, None)
        if tail is None:
            return
        try:
            self._tell(name, tail)
            self._audience.printed_all(name)
        finally:
            tail.close()

    def _tell(self, name: str, tail: _Tail) -> None:
        for content, left_out in tail.read():
            self._audience.printed(name, content, left_out=left_out)


class _Tail:
    """A log that grows, and how far it was read; what comes after a call of `read` is left to the next."""

    def __init__(self, log: Path, *, most: int) -> None:
        self._log = log
        self._most = most
        self._descriptor = -1
        self._at = 0

    def read(self) -> Iterator[tuple[bytes, int]]:
        """What is new, in pieces, each with how many bytes before it were passed over."""
        if self._descriptor < 0 and not self._open():
            return
        size = os.fstat(self._descriptor).st_size
        self._at = self._at if self._at <= size else 0  # emptied meanwhile
        left_out = 0
        if size - self._at > self._most:
            start = size - min(_END, self._most)
            start += os.pread(self._descriptor, _CHUNK, start)[: size - start].find(b"\n") + 1
            left_out, self._at = start - self._at, start
        while self._at < size or left_out:
            content = os.pread(self._descriptor, min(_CHUNK, size - self._at), self._at)
            self._at += len(content)
            yield content, left_out
            left_out = 0
            if not content:
                return

    def _open(self) -> bool:
        try:
            descriptor = os.open(self._log, _READ)
        except OSError:
            return False
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def close(self) -> None:
        """Read no more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
