"""Many calls to a slow outside at a time, and no wait without end: what does not move for a while is given up.

The calls run in threads that end with the process, since a call that hangs in a library cannot be stopped.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Self, TypeVar

T = TypeVar("T")
Tick = Callable[[int], None]  # so many bytes have moved

# Seconds without an answer or a byte after which a remote is given up, unless the user or its configuration says otherwise.
LIMIT = 60.0
limit: ContextVar[float | None] = ContextVar("limit", default=None)
# Who is told, and when, that mlgit waits for something; set by the command that has somebody to tell.
announce: ContextVar[Callable[[str], None] | None] = ContextVar("announce", default=None)
# Who is told how far a transfer has come: a text that takes the place of the one before ('': it is over).
report: ContextVar[Callable[[str], None] | None] = ContextVar("report", default=None)
_PATIENCE = 3.0
_LOOK = 0.2


class StalledError(Exception):
    """Nothing moved for as long as was allowed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")


class Progress:
    """How far a transfer of so many objects to or from the `subject` has come; reported once it takes long."""

    def __init__(self, subject: str, total: int) -> None:
        self.done = self.moved = 0  # objects that are through, bytes
        self._subject = subject
        self._total = total
        self._begun = time.monotonic()
        self._told = False

    def tell(self) -> None:
        """Say it, if there is anybody to hear it."""
        if (hear := report.get()) and time.monotonic() - self._begun > _PATIENCE:
            parts = [f"{self.done} of {self._total} objects"] if self._total > 1 else []
            parts += [f"{self.moved / (1 << 20):.1f} MiB"] if self.moved else []
            if parts:
                hear(f"{self._subject}: {', '.join(parts)}")
                self._told = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Say that it is over."""
        if self._told and (hear := report.get()):
            hear("")


def together(calls: Mapping[str, Callable[[Tick], T]], *, jobs: int, seconds: float, subject: str) -> dict[str, T | Exception]:
    """Make all calls to the `subject`, `jobs` at a time, and return what each returned or raised.

    A call gets a function to call whenever bytes moved. After an error no further call is begun, and those not begun are
    left out of the result.
    Raises StalledError when for `seconds` no call ended and no byte moved. What takes long is announced and reported.
    """
    with Progress(subject, len(calls)) as progress:
        state = _State(calls, progress)
        for _ in range(min(jobs, len(calls))):
            threading.Thread(target=state.work, daemon=True).start()
        return _answered(state, progress, seconds=seconds, subject=subject)


def _answered(state: _State, progress: Progress, *, seconds: float, subject: str) -> dict[str, Any]:
    done: dict[str, Any] = {}
    told = False
    for name, result in _answers(state):
        if name is not None:
            done[name] = result
            if isinstance(result, Exception):
                state.stop()
        quiet = time.monotonic() - state.moved
        if quiet > _PATIENCE and not told and (tell := announce.get()):
            tell(f"waiting for {subject}")
            told = True
        elif quiet < _PATIENCE:
            progress.done = len(done)
            progress.tell()
        if quiet > seconds:
            state.stop()
            raise StalledError(seconds)
    return done


class _State:
    """The calls not begun yet, and the answers of those that ended."""

    def __init__(self, calls: Mapping[str, Callable[[Tick], object]], progress: Progress) -> None:
        self._progress = progress
        self.answers: queue.Queue[tuple[str | None, object]] = queue.Queue()
        self.moved = time.monotonic()
        self._waiting: list[tuple[str, Callable[[Tick], object]]] = list(calls.items())[::-1]
        self._lock = threading.Lock()
        self._begun = 0
        self._answered = 0

    def work(self) -> None:
        while (call := self._next()) is not None:
            name, make = call
            try:
                result: object = make(self.tick)
            except Exception as error:
                result = error
            self.tick(0)
            self.answers.put((name, result))

    def tick(self, size: int) -> None:
        self._progress.moved += size
        self.moved = time.monotonic()

    def stop(self) -> None:
        with self._lock:
            self._waiting.clear()

    def answered(self) -> None:
        self._answered += 1

    def is_over(self) -> bool:
        with self._lock:
            return not self._waiting and self._answered == self._begun

    def _next(self) -> tuple[str, Callable[[Tick], object]] | None:
        with self._lock:
            if not self._waiting:
                return None
            self._begun += 1
            return self._waiting.pop()


def _answers(state: _State) -> Iterator[tuple[str | None, object]]:
    """Each answer as it comes, and (None, None) whenever a while has passed without one."""
    while not state.is_over():
        try:
            answer = state.answers.get(timeout=_LOOK)
        except queue.Empty:
            yield None, None
        else:
            state.answered()
            yield answer
