"""A small process that outlives this one for a moment: it ends what was started here if this process is killed.

A process that gets SIGKILL cannot clean up. The guardian is a fork that waits on a pipe; it is told of every process group
that begins and ends, and when the pipe closes it ends the groups that are left. In an orderly exit none are left.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

_GRACE_SECONDS = 2.0


class Guardian:
    """The near end of the pipe. One per run, made before the first process is started."""

    def __init__(self) -> None:
        reader, self._writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self._writer)
                _watch(reader)
            finally:
                os._exit(0)
        os.close(reader)

    def begin(self, group: int) -> None:
        """A process group was started."""
        self._tell(f"+{group}\n")

    def end(self, group: int) -> None:
        """A process group has ended."""
        self._tell(f"-{group}\n")

    def _tell(self, line: str) -> None:
        with suppress(BrokenPipeError):  # the guardian was killed; there is nothing better to do than to go on
            os.write(self._writer, line.encode())

    def close(self) -> None:
        """Let the guardian go, and wait for it."""
        os.close(self._writer)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _watch(reader: int) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    _let_go_of_files(keep=reader)
    groups: set[int] = set()
    rest = b""
    while chunk := os.read(reader, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
    if groups:
        _end(groups)


def _let_go_of_files(*, keep: int) -> None:
    # An inherited pipe held open here would keep its reader waiting, an inherited lock would stay locked.
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, keep)
    limit = os.sysconf("SC_OPEN_MAX")
    os.closerange(keep + 1, limit if limit > 0 else 4096)


def _end(groups: set[int]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        deadline = time.monotonic() + _GRACE_SECONDS
        while number == signal.SIGTERM and time.monotonic() < deadline and any(map(_lives, groups)):
            time.sleep(0.02)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
