"""What is logged to a run before it ends: a file in the clone, one append an event, by as many processes as like.

A line is an event (see `run_fold`) as JSON; the first holds the run as it was before. One more kind is the spool's own:
`["w", token]` for a process that writes (see `presence`). A line that was cut short, by a kill or a full disk, counts as not
there. Who appends holds the file's lock, and looks whether it still lies there: whoever seals a run takes its spool away.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from mlgit.adapters.system import presence, state_files
from mlgit.adapters.system.fork_lock import ForkLock
from mlgit.errors import MlgitError
from mlgit.experiments import run_codec
from mlgit.experiments.run import LoggedRun, MetricPoint
from mlgit.experiments.run_fold import Event, RunFold, refuse

SUFFIX = ".jsonl"
_BROKEN = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PORTION = 8 << 20


class SpoolGoneError(Exception):
    """The run was sealed meanwhile: what it is now stands in Git. Never leaves this room."""


def create(path: str, run: LoggedRun, *, writers: str) -> int:
    """Lay a spool for a run that has none, upon what it is in Git (`run.commit`), and note that this process writes to it.

    Its bytes.
    """
    head = f"{run_codec.compact(['r', 1, run.commit, run_codec.run_fields(run)])}\n"
    head += f'["w","{presence.token(writers)}"]\n'
    content = head.encode("utf-8", "surrogatepass")
    state_files.replace(path, content, mode=0o666)
    return len(content)


class RunSpool:
    """A spool, folded as far as it was read. For any thread, and for both sides of a fork."""

    def __init__(self, path: str, *, writers: str, laid: tuple[LoggedRun, int] | None = None) -> None:
        """A spool that is there, or one just `laid` by `create`. Raises SpoolGoneError for none, and for what is no spool."""
        self.path, self._writers = path, writers
        self._descriptor, self._owner = -1, 0  # open while this process appends
        self._lock = ForkLock()
        self._begin()
        if laid:
            self._know(*laid)
        else:
            self.catch_up()

    def _begin(self) -> None:
        self.base = ""
        self._fold: RunFold | None = None
        self._inode, self._read_to = 0, 0
        self._names: set[str] = set()  # tokens of those who write
        self._points: list[MetricPoint] | None = None  # once somebody asked for them

    def _know(self, run: LoggedRun, size: int) -> None:
        """Take for read what this process wrote."""
        self._fold, self.base, self._names, self._read_to = RunFold(run), run.commit, {presence.token(self._writers)}, size
        with suppress(OSError):
            self._inode = os.stat(self.path).st_ino

    def close(self) -> None:
        """Let go of the file; the next append opens it again."""
        with self._lock:
            if self._descriptor >= 0 and self._owner == os.getpid():
                os.close(self._descriptor)
            self._descriptor = -1

    def __del__(self) -> None:
        self.close()

    @property
    def fold(self) -> RunFold:
        """What was read so far."""
        assert self._fold, "a spool is read when it is opened"
        return self._fold

    def is_written(self) -> bool:
        """Whether one of those who write is still there."""
        self._names = {each for each in self._names if presence.is_there(self._writers, each)}
        return bool(self._names)

    def catch_up(self) -> None:
        """Read what was appended since. Raises SpoolGoneError where the spool is gone."""
        with self._lock:
            try:
                descriptor = os.open(self.path, _READ)
            except OSError as error:
                raise SpoolGoneError from error
            try:
                self._read(descriptor, os.fstat(descriptor))
            finally:
                os.close(descriptor)

    def _read(self, descriptor: int, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise SpoolGoneError
        if found.st_ino != self._inode or found.st_size < self._read_to:  # laid anew, or cut after a write that failed
            self._begin()
            self._inode = found.st_ino
        while self._read_to < found.st_size:
            portion = os.pread(descriptor, _PORTION, self._read_to)
            end = portion.rfind(b"\n") + 1
            if not end:
                if len(portion) < _PORTION:
                    break
                end = len(portion)  # no event is so long: what follows is passed over as broken, too
            self._take_in(portion[:end].splitlines())
            self._read_to += end
        if self._fold is None:
            raise SpoolGoneError  # not what mlgit writes

    def _take_in(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            try:
                event = json.loads(line)
                if self._fold is None:
                    self._fold, self.base = _head(event), event[2]
                elif event[0] == "w":
                    self._names.add(event[1])
                else:
                    self._follow((event,))
            except _BROKEN:
                continue  # cut short, and never confirmed to whoever logged it

    def _follow(self, events: Sequence[Event]) -> None:
        self.fold.apply(events)
        if self._points is not None:
            self._points += [run_codec.point_in(each[1:]) for each in events if each[0] == "m"]

    @contextmanager
    def held(self) -> Iterator[int]:
        """Hold the lock of the file, with all of it read; gives its size. Raises SpoolGoneError where it lies there no more."""
        with self._lock:
            if self._owner != os.getpid():  # a lock of flock is shared with the other side of a fork
                self._descriptor, self._owner = -1, os.getpid()
            if self._descriptor < 0:
                try:
                    self._descriptor = os.open(self.path, _WRITE)
                except FileNotFoundError as error:
                    raise SpoolGoneError from error
                except OSError as error:
                    raise MlgitError(f"{self.path}: cannot be written: {error.strerror}", "see whose file it is") from error
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            except OSError as error:
                told = f"{self.path}: cannot be locked: {error.strerror}"
                raise MlgitError(told, "a repository that is logged to has to lie on a file system with locks") from error
            try:
                found = os.fstat(self._descriptor)
                if found.st_nlink == 0:
                    self.close()
                    raise SpoolGoneError
                if found.st_size != self._read_to or found.st_ino != self._inode:
                    self._read(self._descriptor, found)
                yield found.st_size
            finally:
                if self._descriptor >= 0:
                    fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def append(self, events: Sequence[Event], *, also_deleted: bool = False) -> None:
        """Write events down, all or nothing.

        Raises DeletedRecordError and ChangedParamError where the run does not take them, SpoolGoneError where it was sealed.
        """
        lines = [run_codec.point_line(each) if each[0] == "m" else run_codec.compact(each) for each in events]
        text = "\n".join([*lines, ""])
        with self.held() as size:
            refuse(self.fold, events, also_deleted=also_deleted)
            if (name := presence.token(self._writers)) not in self._names:
                text = f'["w","{name}"]\n{text}'
                self._names.add(name)
            content = text.encode("utf-8", "surrogatepass")
            self._write(content if size == self._read_to else b"\n" + content, size)
            self._read_to = size + len(content) + (size != self._read_to)
            self._follow(events)

    @property
    def written(self) -> int:
        """When the spool was last written, in milliseconds; 0 where it is gone."""
        with suppress(OSError):
            return os.stat(self.path).st_mtime_ns // 1_000_000
        return 0

    def _write(self, content: bytes, size: int) -> None:
        try:
            written = os.write(self._descriptor, content)
            while written < len(content):
                written += os.write(self._descriptor, memoryview(content)[written:])
        except OSError as error:
            os.ftruncate(self._descriptor, size)
            raise MlgitError(f"{self.path}: cannot be written: {error.strerror}", "nothing of this call was logged") from error

    def events(self) -> list[Event]:
        """All that was logged to the spool."""
        found, fold = [], RunFold(self.fold.start)
        for line in self._lines():
            try:
                event = json.loads(line)
                fold.apply((event,))
            except _BROKEN:
                continue
            found += [event] if event[0] not in ("r", "w") else []
        return found

    def _lines(self) -> list[bytes]:
        try:
            with open(os.open(self.path, _READ), "rb") as stream:
                return stream.read(self._read_to).splitlines()
        except OSError as error:
            raise SpoolGoneError from error

    def metric_lines(self) -> list[bytes]:
        """The points of metrics as they stand in the spool, without what tells them from other events."""
        measured = [line for line in self._lines() if line.startswith(b'["m",')]
        try:
            is_sound = len([run_codec.point_in(row[1:]) for row in run_codec.rows_in(measured)]) == len(measured)
        except _BROKEN:
            is_sound = False
        return [b"[" + line[5:] for line in measured if is_sound or _is_whole(line)]

    def points(self) -> list[MetricPoint]:
        """All points of metrics that were logged to the spool."""
        with self._lock:
            if self._points is None:
                self._points = run_codec.decode_points(b"\n".join(self.metric_lines()), where=self.path)
            return list(self._points)

    def remove(self) -> None:
        """Take the spool away. Only for who holds it."""
        os.unlink(self.path)


def _is_whole(line: bytes) -> bool:
    try:
        run_codec.point_in(json.loads(line)[1:])
    except _BROKEN:
        return False
    return True


def _head(event: list[Any]) -> RunFold:
    kind, schema, base, fields = event
    if kind != "r" or schema != 1:
        raise ValueError(kind)
    return RunFold(run_codec.run_of(fields, base))
