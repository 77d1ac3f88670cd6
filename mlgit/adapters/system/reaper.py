"""A small process that outlives this one for a moment: it ends what was started here if this process is killed.

A process that gets SIGKILL cannot clean up. The guardian is a fork that waits on a pipe, and shares a table of the process
groups that run now; when the pipe closes without a word of farewell it ends the groups that are left. Where /proc shows the
environment of processes (Linux), it also finds those that left their group, or that killed this process before they stood in
the table: all carry the run's mark.
"""

from __future__ import annotations

import itertools
import mmap
import os
import signal
import time
from contextlib import suppress

_GRACE_SECONDS = 2.0
MARK = "MLGIT_RUN"  # the environment variable by which processes of a run are known
_FAREWELL = b"."
_ROOM = 1 << 16  # bytes of the table, eight for a group


class Guardian:
    """The near end of the pipe. One per run, made before the first process is started. A fork of this process may start the
    processes in its place; what is left ends when the last of them is gone.
    """

    def __init__(self) -> None:
        self.mark = os.urandom(16).hex()
        self._table = memoryview(mmap.mmap(-1, _ROOM)).cast("q")  # to write there wakes nobody
        self._free = list(range(len(self._table)))
        self._places: dict[int, int] = {}
        reader, self.writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self.writer)
                _watch(reader, self._table, self.mark)
            finally:
                os._exit(0)
        os.close(reader)

    def begin(self, group: int) -> None:
        """A process group was started."""
        if not self._free:  # some thousands at once
            self._tell(f"{group}\n".encode())
            return
        place = self._places[group] = self._free.pop()
        self._table[place] = group

    def end(self, group: int) -> None:
        """A process group has ended."""
        place = self._places.pop(group, None)
        if place is None:
            self._tell(f"-{group}\n".encode())
            return
        self._table[place] = 0
        self._free.append(place)

    def _tell(self, line: bytes) -> None:
        with suppress(BrokenPipeError):  # the guardian was killed; there is nothing better to do than to go on
            os.write(self.writer, line)

    def close(self, *, sweep: bool = False) -> None:
        """Let the guardian go, and wait for it; with `sweep` it first ends what is left, also what left its group."""
        if not sweep:
            self._tell(_FAREWELL + b"\n")
        os.close(self.writer)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _watch(reader: int, table: memoryview, mark: str) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, signal.SIG_IGN)
    let_go_of_files(keep=(reader,))
    groups: set[int] = set()
    rest = b""
    while chunk := os.read(reader, 65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line == _FAREWELL:
                return
            group = int(line)
            (groups.add if group > 0 else groups.discard)(abs(group))
    _end(groups.union(table).difference((0,)), mark)


def let_go_of_files(*, keep: tuple[int, ...]) -> None:
    """Close all files but `keep`, in a fork: a pipe held open would keep its reader waiting, a lock would stay locked."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    limit = os.sysconf("SC_OPEN_MAX")
    bounds = [2, *sorted(keep), limit if limit > 0 else 4096]
    for last, following in itertools.pairwise(bounds):
        os.closerange(last + 1, following)


def _end(groups: set[int], mark: str) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        for pid in _marked(mark):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + _GRACE_SECONDS
        while number == signal.SIGTERM and time.monotonic() < deadline and _marked(mark):
            time.sleep(0.02)


def _marked(mark: str) -> list[int]:
    """The living processes whose environment carries the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        with suppress(OSError):
            if name.isdigit():
                with open(f"/proc/{name}/environ", "rb") as stream:
                    if wanted in stream.read().split(b"\0"):
                        found.append(int(name))
    return found
