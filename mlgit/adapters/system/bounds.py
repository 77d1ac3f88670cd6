"""Bounds of time and memory for work in this process on what somebody else wrote: patterns, loops, texts that grow."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from mlgit.errors import MlgitError

SECONDS = 10.0
MEMORY = 512 << 20
_HINT = "the template is at fault: tell its authors"


class TookTooLongError(TimeoutError):
    """The time is over; raised wherever the work is, and again and again until it ends."""


@contextmanager
def bounded(name: str) -> Iterator[None]:
    """Give the block SECONDS, and MEMORY over what this process has; `name` is whose fault it is when that does not do.

    Python's own loops, regular expressions and large numbers all look for signals, so they are stopped. Raises MlgitError
    when the block runs into a bound. Away from the main thread there is no signal, and so no limit of time.
    """
    try:
        with _limited_memory(MEMORY), _limited_time(SECONDS):
            yield
    except TookTooLongError as error:
        raise MlgitError(f"{name}: took more than {SECONDS:g} s", _HINT) from error
    except RecursionError as error:
        raise MlgitError(f"{name}: nested too deeply", _HINT) from error
    except MemoryError as error:
        raise MlgitError(f"{name}: took more than {MEMORY >> 20} MiB", _HINT) from error


@contextmanager
def _limited_time(seconds: float) -> Iterator[None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLongError(f"took more than {seconds:g} s")

    try:
        before = signal.signal(signal.SIGALRM, stop)
    except ValueError:  # not the main thread
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
    try:
        yield
    finally:
        # ignored first: once more could come while the timer is being stopped
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _limited_memory(size: int) -> Iterator[None]:
    if not sys.platform.startswith("linux"):  # elsewhere there is no such limit, or it is not kept
        yield
        return
    with open("/proc/self/statm", encoding="ascii") as statm:
        used = int(statm.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = used + size
    with suppress(ValueError, OSError):  # a limit that is lower already
        if resource.RLIM_INFINITY in (soft, hard) or wanted < min(soft, hard):
            resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
