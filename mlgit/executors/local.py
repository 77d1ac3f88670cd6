"""Jobs as processes of this machine: a shell per command, in a process group of its own, output to a log file."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress

from mlgit.adapters.system import process, programs, stage_environ, state_files
from mlgit.adapters.system.reaper import MARK, Guardian
from mlgit.errors import MlgitError
from mlgit.executors import shell
from mlgit.executors.protocol import Job, Outcome

GRACE_SECONDS = 5.0


class _Running:
    """A job whose command number `position` runs as process `pid` and writes to the descriptor `log`."""

    def __init__(self, job: Job, *, pid: int, log: int, started: float, deadline: float | None) -> None:
        self.job = job
        self.pid = pid
        self.log = log
        self.position = 0
        self.started = started
        self.deadline = deadline
        self.groups = [pid]
        self.timed_out = False


class Local:
    """An executor of `slots` processes at a time, driven from the main thread.

    A pipe that SIGCHLD writes to wakes `wait`, so that neither a thread nor a poll is needed. A `guardian` that is given
    is the caller's to close.
    """

    def __init__(self, *, slots: int, guardian: Guardian | None = None) -> None:
        self._slots = slots
        self._running: dict[str, _Running] = {}
        self._folders: set[str] = set()
        self._guardian = guardian or Guardian()
        self._has_guardian = guardian is None
        self._caller = -1
        self.is_called = False
        environ = stage_environ.with_mlgit(stage_environ.of_stages(os.environ))
        self._environ = {os.fsencode(name): os.fsencode(value) for name, value in environ.items()}
        self._environ[os.fsencode(MARK)] = os.fsencode(self._guardian.mark)
        self._programs = programs.Programs(environ)
        self._shell = programs.shell_of(os.environ)
        self._reader, writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(writer, False)
        self._writer = writer
        self._poll = select.poll()
        self._poll.register(self._reader, select.POLLIN)
        self._handler = signal.signal(signal.SIGCHLD, _noted)
        self._wakeup = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    @property
    def slots(self) -> int:
        return self._slots

    @property
    def has_room(self) -> bool:
        """Whether another job may start."""
        return len(self._running) < self._slots

    def listen(self, caller: int) -> None:
        """Let `wait` return, with `is_called` set, as soon as there is something to read from the descriptor `caller`."""
        self._caller = caller
        self._poll.register(caller, select.POLLIN)

    def submit(self, job: Job) -> None:
        """Start the job's first command."""
        log = self._open_log(str(job.log))
        with process.undisturbed():
            try:
                pid = self._start(job, 0, log)
            except BaseException:
                os.close(log)
                raise
            now = time.monotonic()
            deadline = None if job.timeout is None else now + job.timeout
            self._running[job.name] = _Running(job, pid=pid, log=log, started=now, deadline=deadline)

    def _open_log(self, path: str) -> int:
        """A new file in the place of an old log: what lies there can be a link, or a pipe, that came with a clone."""
        folder = os.path.dirname(path) or "."
        if folder not in self._folders:
            state_files.make_folder(folder)
            self._folders.add(folder)
        try:
            with suppress(FileNotFoundError):
                os.unlink(path)
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise MlgitError(f"{path}: no log can be written there: {error.strerror}", "remove what lies there") from error

    def _start(self, job: Job, position: int, log: int) -> int:
        env = self._environ | {os.fsencode(name): os.fsencode(value) for name, value in job.env.items()}
        command = job.commands[position]
        direct = self._programs.direct(command) if "PATH" not in job.env else None
        program, argv = direct or (self._shell, shell.argv(command, shell=self._shell))
        pid = process.spawn(program, argv, folder=str(job.folder), env=env, output=log)
        self._guardian.begin(pid)
        return pid

    def wait(self, timeout: float | None = None) -> list[Outcome]:
        """The jobs that ended; starts the next command of those that have one."""
        deadline = None if timeout is None else time.monotonic() + timeout
        self.is_called = False
        if not self._running and (timeout or self._caller >= 0):
            self._sleep(timeout)
        while self._running and not self.is_called:
            ended = self._reap()
            if ended:
                return ended
            next_kill = self._end_overdue()
            until = [each for each in (deadline, next_kill) if each is not None]
            left = max(0.0, min(until) - time.monotonic()) if until else None
            self._sleep(left)
            if deadline is not None and time.monotonic() >= deadline:
                return self._reap()
        return []

    def _end_overdue(self) -> float | None:
        """TERM to jobs past their timeout, KILL to those past their grace; when the next of these is due."""
        now = time.monotonic()
        for running in self._running.values():
            if running.deadline is not None and now >= running.deadline:
                _signal_group(running.pid, signal.SIGKILL if running.timed_out else signal.SIGTERM)
                running.timed_out, running.deadline = True, now + GRACE_SECONDS
        return min((running.deadline for running in self._running.values() if running.deadline is not None), default=None)

    def _sleep(self, seconds: float | None) -> None:
        """Until a process ends or somebody calls, or until the time is over."""
        ready = self._poll.poll(None if seconds is None else seconds * 1000)
        self.is_called = any(descriptor == self._caller for descriptor, _ in ready)
        self._drain()

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            while len(os.read(self._reader, 4096)) == 4096:
                continue

    def _reap(self) -> list[Outcome]:
        ended = []
        for name, running in list(self._running.items()):
            code = _exit_code(running.pid)
            if code is None:
                continue
            running.position += 1
            if code == 0 and running.position < len(running.job.commands) and not running.timed_out:
                try:
                    with process.undisturbed():
                        running.pid = self._start(running.job, running.position, running.log)
                        running.groups.append(running.pid)
                    continue
                except MlgitError as error:
                    os.write(running.log, f"{error.message}\n".encode())
                    running.position, code = running.position + 1, shell.CANNOT_START
            ended.append(self._finish(name, code))
        return ended

    def _finish(self, name: str, code: int) -> Outcome:
        running = self._running.pop(name)
        os.close(running.log)
        self._end_groups(running)
        # A command that traps TERM may end with 0; what it left is not whole.
        code = code or (-signal.SIGTERM if running.timed_out else 0)
        command = running.job.commands[running.position - 1]
        return Outcome(name, code, time.monotonic() - running.started, command, running.timed_out)

    def _end_groups(self, running: _Running) -> None:
        # What a command left behind in its group would go on writing outputs that are about to be recorded.
        for group in running.groups:
            _signal_group(group, signal.SIGKILL)
            self._guardian.end(group)

    def stop(self) -> None:
        """TERM to every group, KILL after a grace of some seconds. The executor cannot be used afterwards.

        What jobs that were still running have started in sessions of their own ends too, where it can be found (Linux).
        """
        interrupted = bool(self._running)
        for running in self._running.values():
            for group in running.groups:
                _signal_group(group, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for name, running in list(self._running.items()):
            while _exit_code(running.pid) is None:
                if time.monotonic() >= deadline:
                    _signal_group(running.pid, signal.SIGKILL)
                self._poll.poll(20)
                self._drain()
            self._end_groups(running)
            os.close(self._running.pop(name).log)
        self._close(sweep=interrupted)

    def _close(self, *, sweep: bool) -> None:
        if self._reader < 0:
            return
        if self._has_guardian:
            self._guardian.close(sweep=sweep)
        signal.set_wakeup_fd(self._wakeup)
        signal.signal(signal.SIGCHLD, self._handler)
        os.close(self._reader)
        os.close(self._writer)
        self._reader = self._writer = -1


def _noted(number: int, frame: object) -> None:
    """SIGCHLD needs a handler for the wake-up pipe to be written to."""


def _exit_code(pid: int) -> int | None:
    """The exit code of a child (negative: the signal that ended it), or None while it runs."""
    ended, status = os.waitpid(pid, os.WNOHANG)
    return None if ended == 0 else os.waitstatus_to_exitcode(status)


def _signal_group(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # nothing of the group is left
        os.killpg(group, number)
