"""The end of the prediction log: the last requests, and those that come."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from mlgit.serving import log_reader
from mlgit.serving.log_header import LogHeader
from mlgit.serving.logged import LoggedRequest

_AT_ONCE = 1 << 16


class LogTail:
    """The end of logs: `last` tells what stood there when this was made, `new` what came since the last look."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = list(paths)
        self._files = log_reader.log_files(self._there())
        self._headers: dict[Path, LogHeader | None] = {}
        hour = self._newest_hour()
        # files of earlier hours grow no more, so where their last line ends is not looked up
        self._ends = {
            path: _end_of_lines(path) if log_reader.hour_of(path) == hour else path.stat().st_size for path in self._files
        }

    def last(self, count: int) -> list[LoggedRequest]:
        """The last requests, oldest first."""
        hours: dict[str, list[Path]] = {}
        for path in self._files:
            hours.setdefault(path.parent.name if log_reader.hour_of(path) else "", []).append(path)
        found: list[LoggedRequest] = []
        for hour in sorted(hours, reverse=True):
            if len(found) >= count:
                break
            for path in hours[hour]:
                found += self._parsed(path, _last_lines(path, count, end=self._ends[path]))
        return sorted(found, key=lambda each: each.ts)[-count:] if count else []

    def new(self) -> list[LoggedRequest]:
        """The requests that were logged since, in the order of time."""
        self._files = log_reader.log_files(self._there(), since=self._newest_hour())
        found: list[LoggedRequest] = []
        for path in self._files:
            if not path.name.endswith(".gz"):
                found += self._parsed(path, self._added(path))
        return sorted(found, key=lambda each: each.ts)

    def _newest_hour(self) -> datetime | None:
        return max((hour for path in self._files if (hour := log_reader.hour_of(path))), default=None)

    def _there(self) -> list[Path]:
        """The paths that there are by now: a server makes the folder with its first answer."""
        return [path for path in self._paths if path.exists()]

    def _added(self, path: Path) -> list[bytes]:
        begin = self._ends.get(path, 0)
        with open(path, "rb") as stream:
            if os.fstat(stream.fileno()).st_size < begin:  # half a line was taken back
                begin = 0
            stream.seek(begin)
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._ends[path] = begin + len(whole)
        return whole.splitlines(keepends=True)

    def _parsed(self, path: Path, lines: Iterable[bytes]) -> Iterator[LoggedRequest]:
        if path not in self._headers or self._headers[path] is None:
            self._headers[path] = log_reader.header_of(path)
        for line in lines:
            if request := log_reader.request_of(line, header=self._headers[path]):
                yield request


def _end_of_lines(path: Path) -> int:
    """Where the last whole line of a file ends."""
    with open(path, "rb") as stream:
        size = begin = os.fstat(stream.fileno()).st_size
        while begin > 0:
            begin = max(begin - _AT_ONCE, 0)
            stream.seek(begin)
            found = stream.read(min(_AT_ONCE, size - begin)).rfind(b"\n")
            if found >= 0:
                return begin + found + 1
    return 0


def _last_lines(path: Path, count: int, *, end: int) -> Sequence[bytes]:
    if path.name.endswith(".gz"):
        return deque(log_reader.lines_of(path), maxlen=count)
    begin, step = end, _AT_ONCE
    content = b""
    with open(path, "rb") as stream:
        while begin > 0 and content.count(b"\n") <= count:
            begin, size = max(begin - step, 0), min(step, begin)
            stream.seek(begin)
            content = stream.read(size) + content
            step *= 2
    return content.splitlines(keepends=True)[-count:]
