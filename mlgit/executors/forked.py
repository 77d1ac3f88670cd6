"""The local executor in a process of its own, so that starting commands takes none of the scheduler's time.

Whoever starts a process is held up until the new program is loaded, and Python can do nothing beside it. So a fork of this
process starts commands and waits for them, while this one keeps the books of what has ended. While commands are much
shorter than that takes, a few more than may run at once are handed over, so that the next can start without asking.
"""

from __future__ import annotations

import marshal
import os
import select
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from mlgit.adapters.system.reaper import Guardian, let_go_of_files
from mlgit.errors import MlgitError
from mlgit.executors import shell
from mlgit.executors.protocol import Executor, Job, Outcome, RemoteResult

_AHEAD = 4  # jobs that are handed over beyond those that run
_SHORT_SECONDS = 0.01
_LOOKED_AT = 16
_HEAD = 4  # bytes that say how long a message is
_CHUNK = 1 << 16
_KILLED = ("the process that starts commands was killed", "if a command ends its parent, mend it; then run again to go on")
_OWN_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Starter(Executor, Protocol):
    """What starts commands in the other process, and can be called while it waits for them."""

    @property
    def has_room(self) -> bool:
        """Whether another job may start."""

    @property
    def is_called(self) -> bool:
        """Whether `wait` has returned because there is something to read."""

    def listen(self, caller: int) -> None:
        """Let `wait` return as soon as there is something to read from a descriptor."""


class Apart:
    """An executor of `jobs` processes at a time, which are children of a fork of this process.

    `starter` makes, there, what starts them. `slots` is a few more while the last commands have all taken some
    milliseconds only.
    """

    def __init__(self, *, jobs: int, starter: Callable[[Guardian], Starter]) -> None:
        self._jobs = jobs
        self._running: dict[str, Job] = {}
        self._last: deque[float] = deque(maxlen=_LOOKED_AT)
        self._guardian = Guardian()
        theirs, self._requests = os.pipe()
        self._answers, ours = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                let_go_of_files(keep=(theirs, ours, self._guardian.writer))
                _serve(starter, self._guardian, theirs, ours)
            finally:
                os._exit(0)
        os.close(theirs)
        os.close(ours)
        self._poll = select.poll()
        self._poll.register(self._answers, select.POLLIN)
        self._inbox = _messages(self._answers)

    @property
    def slots(self) -> int:
        is_quick = len(self._last) == _LOOKED_AT and max(self._last) < _SHORT_SECONDS
        return self._jobs + (_AHEAD if is_quick else 0)

    def submit(self, job: Job) -> None:
        """Hand a job over to be started; what cannot be started ends with a problem.

        Raises MlgitError when the other process was killed.
        """
        if self._pid == 0:
            raise MlgitError(*_KILLED)
        self._running[job.name] = job
        with suppress(BrokenPipeError):  # `wait` tells of it
            _send(self._requests, (job.name, job.commands, str(job.folder), dict(job.env), str(job.log), job.timeout))

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """The jobs that ended."""
        if not self._running and timeout is None:
            return []
        if not self._poll.poll(None if timeout is None else timeout * 1000):
            return []
        rows = next(self._inbox, None)
        if rows is None:
            return self._lost()
        ended = []
        for name, code, seconds, command, timed_out, problem in rows:
            del self._running[name]
            self._last.append(seconds)
            ended.append(Outcome(name, code, seconds, command, timed_out, RemoteResult(problem=problem) if problem else None))
        return ended

    def _lost(self) -> list[Outcome]:
        """The other process was killed: so its jobs are ended too, and nothing more can run."""
        jobs = list(self._running.values())
        self.stop()
        return [Outcome(each.name, -signal.SIGKILL, 0.0, each.commands[0], made=RemoteResult(problem=_KILLED)) for each in jobs]

    def stop(self) -> None:
        """TERM to every command, KILL after a grace of some seconds. The executor cannot be used afterwards."""
        if self._pid == 0:
            return
        os.close(self._requests)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        self._pid = 0
        os.close(self._answers)
        self._guardian.close(sweep=bool(self._running))
        self._running.clear()


def _send(descriptor: int, message: Any) -> None:
    content = marshal.dumps(message)
    content = len(content).to_bytes(_HEAD, "little") + content
    while content:
        content = content[os.write(descriptor, content) :]


def _messages(descriptor: int) -> Iterator[list[Any]]:
    """The messages in each chunk that comes in, until the other end is closed."""
    rest = b""
    while chunk := os.read(descriptor, _CHUNK):
        rest += chunk
        found = []
        while len(rest) >= _HEAD and len(rest) - _HEAD >= (size := int.from_bytes(rest[:_HEAD], "little")):
            found.append(marshal.loads(rest[_HEAD : _HEAD + size]))  # noqa: S302 - from the other half of this program
            rest = rest[_HEAD + size :]
        yield found


def _serve(starter: Callable[[Guardian], Starter], guardian: Guardian, requests: int, answers: int) -> None:
    """Start what is asked for, tell what ended; when the scheduler is done, or gone, end what is left."""
    os.setsid()
    for number in _OWN_SIGNALS:  # the scheduler's to answer; a handler, for what is ignored is handed on to commands
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _unheard)
    local = starter(guardian)
    local.listen(requests)
    inbox = _messages(requests)
    held: deque[Job] = deque()
    try:
        while True:
            ended = [(*each[:5], None) for each in local.wait()]
            while held and local.has_room:
                ended += _submit(local, held.popleft())
            for row in ended:
                _send(answers, row)
            rows = next(inbox, None) if local.is_called else []
            if rows is None:
                return
            for name, commands, folder, env, log, timeout in rows:
                held.append(Job(name, commands, Path(folder), env, Path(log), timeout))
            while held and local.has_room:
                for row in _submit(local, held.popleft()):
                    _send(answers, row)
    except BrokenPipeError:  # the scheduler is gone
        return
    finally:
        local.stop()


def _submit(local: Starter, job: Job) -> list[tuple[Any, ...]]:
    """Start a job; the answer, when it cannot be started."""
    try:
        local.submit(job)
    except MlgitError as error:
        return [(job.name, shell.CANNOT_START, 0.0, job.commands[0], False, (error.message, error.hint))]
    return []


def _unheard(number: int, frame: object) -> None:
    """A handler that does nothing."""
