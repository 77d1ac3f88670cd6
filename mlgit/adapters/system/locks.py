"""Locks between processes: mlgit's own run lock, DVC's repository lock, and DVC's table of busy paths (`rwlock`).

DVC guards both its files with `flock` (through zc.lockfile), so a flock on the same file is respected by it.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlgit.adapters.system import stat_signature, state_files
from mlgit.adapters.system.stat_signature import Stamp
from mlgit.errors import MlgitError

_LONGEST_PAUSE = 0.2
_SAID_AFTER = 3.0
_WAIT_FOR_IT = "wait until it has ended, or end it"
_LONGEST_HOLDER = 200


@contextmanager
def held(
    path: Path,
    *,
    timeout: float,
    busy: str,
    note: str = "",
    hint: str = _WAIT_FOR_IT,
    waiting: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Hold an exclusive flock on a file (made if missing) that says who holds it.

    Raises MlgitError with `busy` and the holder's note when it is not free within `timeout` seconds; `waiting` is called with
    the same words after a few seconds.
    """
    state_files.make_folder(str(path.parent))
    descriptor = _opened(path)
    try:
        _lock(descriptor, timeout=timeout, busy=busy, hint=hint, waiting=waiting)
        _say(path, descriptor, note)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def _lock(
    descriptor: int, *, timeout: float, busy: str, hint: str = _WAIT_FOR_IT, waiting: Callable[[str], None] | None = None
) -> None:
    began, pause = 0.0, 0.02
    while not _try_lock(descriptor):
        began = began or time.monotonic()
        waited = time.monotonic() - began
        if waited >= timeout:
            raise MlgitError(f"{busy}{_holder(descriptor)}", hint)
        if waiting and waited >= _SAID_AFTER:
            waiting(f"{busy}{_holder(descriptor)}")
            waiting = None
        time.sleep(min(pause, timeout - waited))
        pause = min(pause * 1.1, _LONGEST_PAUSE)


def _say(path: Path, descriptor: int, note: str = "") -> None:
    """Write into a lock's file who holds it."""
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, (note or f" {os.getpid()}\n").encode(), 0)
    except OSError as error:
        raise MlgitError(f"{path}: cannot be written: {error.strerror}") from error


def _holder(descriptor: int) -> str:
    holder = os.pread(descriptor, _LONGEST_HOLDER, 0).decode("utf-8", "replace").strip()
    return f": {holder}" if holder else ""


def _opened(path: Path, how: int = os.O_RDWR | os.O_CREAT) -> int:
    """A file of locks, made if missing unless `how` says otherwise.

    A clone can bring a link, which would be written through, or a pipe, which blocks.
    """
    try:
        descriptor = os.open(path, how | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    except OSError as error:
        if error.errno not in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise MlgitError(f"{path}: cannot be opened: {error.strerror}") from error
        raise MlgitError(f"{path}: not a file that processes can lock", "remove what lies there") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise MlgitError(f"{path}: not a file that processes can lock", "remove what lies there")
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def share(path: Path) -> int:
    """Hold a shared flock on a file (made if missing) until its descriptor, which is returned, is closed.

    Raises MlgitError where somebody holds it alone.
    """
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise MlgitError(f"{path}: locked by another process", _WAIT_FOR_IT) from error
    return descriptor


def is_shared(path: Path) -> bool:
    """Whether any process holds a flock on a file; not on one that is missing. Nothing is written: it may be another user's."""
    if not os.path.lexists(path):
        return False
    try:
        descriptor = _opened(path)
    except MlgitError as error:
        if not isinstance(error.__cause__, OSError) or error.__cause__.errno not in (errno.EACCES, errno.EROFS):
            raise
        descriptor = _opened(path, os.O_RDONLY)
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def is_alive(pid: int) -> bool:
    """Whether a process with this id runs; no number below 1 or beyond what a system has is one.

    One that has ended and that nobody waited for, as orphans of a container without an init process, runs no more.
    """
    try:
        if pid < 1:
            return False
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return stream.read().rpartition(b")")[2].split()[:1] != [b"Z"]
    except OSError:  # no such folder on this system
        return True


_LARGEST_TABLE = 64 << 20
Table = tuple[dict[str, Any], dict[str, list[Any]]]  # paths being written, with who does; paths being read


def read_table(path: Path) -> Table:
    """DVC's table of busy paths; an empty one where there is none. Raises ValueError for what DVC does not write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}, {}
    except OSError as error:
        raise ValueError(error.strerror) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("not a file")
    with open(descriptor, "rb") as stream:
        content = stream.read(_LARGEST_TABLE + 1)
    if len(content) > _LARGEST_TABLE:
        raise ValueError("too large")
    try:
        table = json.loads(content)
        write, read = dict(table.get("write", {})), dict(table.get("read", {}))
        _check_infos([*write.values(), *(info for infos in read.values() for info in infos)])
    except (AttributeError, TypeError, RecursionError) as error:
        raise ValueError("of another form") from error
    return write, read


_PAGE = 4096
_GUARDED = "DVC's table of busy paths is locked"


class _Guard:
    """The lock of the table. It is taken for every stage, so its file stays open while it is the one that lies there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._seen: Stamp | None = (0, 0, 0, 0)

    def __enter__(self) -> None:
        if self._descriptor >= 0:
            _lock(self._descriptor, timeout=10, busy=_GUARDED)
            if stat_signature.of(str(self._path)) == self._seen:
                return
            self.__exit__()
            self.close()
        state_files.make_folder(str(self._path.parent))
        self._descriptor = _opened(self._path)
        _lock(self._descriptor, timeout=10, busy=_GUARDED)
        _say(self._path, self._descriptor)
        self._seen = stat_signature.stamp(os.fstat(self._descriptor))

    def __exit__(self, *error: object) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


class BusyPaths:
    """This process's entries in DVC's rwlock: what its running stages read and write (absolute paths).

    `command` is how others are told who uses a path.
    """

    def __init__(self, folder: Path, command: str) -> None:
        self._path = folder / "rwlock"
        self._guard = _Guard(folder / "rwlock.lock")
        self._me = {"pid": os.getpid(), "cmd": command}
        self._said = json.dumps(self._me)
        self._mine: dict[str, tuple[dict[str, str], dict[str, str]]] = {}  # rows of the table as text, by path
        self._table = -1  # the file that this process has put there, open
        self._known: tuple[Stamp | None, dict[str, dict[str, Any]]] = (None, {"write": {}, "read": {}})

    def change(self, *, enter: Iterable[tuple[str, Iterable[str], Iterable[str]]] = (), leave: Iterable[str] = ()) -> None:
        """Enter stages as (name, paths read, paths written), and take others out, in one write of the table.

        Raises MlgitError when another living process uses one of the paths to enter.
        """
        entering = {name: (tuple(read), tuple(written)) for name, read, written in enter}
        with self._guard:
            others = self._others()
            for read, written in entering.values():
                _refuse_blocked(others["write"], [*read, *written])
                _refuse_blocked(others["read"], written)
            for name in leave:
                self._mine.pop(name, None)
            for name, (read, written) in entering.items():
                self._mine[name] = (self._rows(read, f"[{self._said}]"), self._rows(written, self._said))
            self._write(others)
        if not self._mine:
            self._guard.close()

    def _rows(self, paths: Iterable[str], said: str) -> dict[str, str]:
        return {path: f"{json.dumps(path)}: {said}" for path in paths}

    def refuse(self, read: Sequence[str], written: Sequence[str]) -> None:
        """Raise MlgitError when another living process uses one of the paths, without entering them."""
        others = None
        with suppress(OSError):  # told when the table is read
            others = self._known[1] if stat_signature.of(str(self._path)) == self._known[0] else None
        if others is None:  # DVC writes the table in place: half of it can be there
            with self._guard:
                others = self._others()
        _refuse_blocked(others["write"], [*read, *written])
        _refuse_blocked(others["read"], written)

    def _others(self) -> dict[str, dict[str, Any]]:
        """The table without this process's entries; read again only when another process has written it."""
        try:
            stamp = stat_signature.of(str(self._path))
            if stamp == self._known[0]:
                return self._known[1]
            writing, reading = read_table(self._path)
        except (OSError, ValueError) as error:
            message = f"{self._path}: not a table of busy paths as DVC writes it"
            raise MlgitError(message, "if no DVC process is running, remove the file") from error
        write = {path: info for path, info in writing.items() if info != self._me}
        read = {path: [info for info in infos if info != self._me] for path, infos in reading.items()}
        self._known = (stamp, {"write": write, "read": {path: infos for path, infos in read.items() if infos}})
        return self._known[1]

    def _write(self, others: dict[str, dict[str, Any]]) -> None:
        # Hundreds of stages can be on their way to a cluster, and each of them changes the table: rows are made once.
        read_now = {path: f"{json.dumps(path)}: {json.dumps(infos)}" for path, infos in others["read"].items()}
        write_now = {path: f"{json.dumps(path)}: {json.dumps(info)}" for path, info in others["write"].items()}
        for read, written in self._mine.values():
            read_now.update(read)
            write_now.update(written)
        for path in others["read"]:
            if any(path in read for read, _ in self._mine.values()):
                read_now[path] = f"{json.dumps(path)}: {json.dumps([*others['read'][path], self._me])}"
        text = f'{{"write": {{{", ".join(write_now.values())}}}, "read": {{{", ".join(read_now.values())}}}}}'
        content = text.encode()
        if not (self._mine and self._overwrite(content)):
            self._let_go()
            state_files.replace(str(self._path), content, mode=0o666)
        if self._mine and self._table < 0 and len(content) <= _PAGE:
            self._table = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        self._known = (stat_signature.of(str(self._path)), others)

    def _overwrite(self, content: bytes) -> bool:
        """Write over this process's own table, if it still lies there: a file more for every stage is dear.

        No more than a page, in one call, which also a process that is killed completes; what is shorter gets blanks.
        """
        stamp = self._known[0]
        if self._table < 0 or stamp is None or max(len(content), stamp[2]) > _PAGE:
            return False
        if os.fstat(self._table).st_ino != stamp[3]:
            return False
        content = content.ljust(stamp[2])
        with suppress(OSError):  # a full disk
            return os.pwrite(self._table, content, 0) == len(content)
        return False

    def _let_go(self) -> None:
        if self._table >= 0:
            os.close(self._table)
        self._table = -1


def _check_infos(infos: list[Any]) -> None:
    if not all(isinstance(info, dict) and type(info.get("pid")) is int and "cmd" in info for info in infos):
        raise TypeError


def _refuse_blocked(busy: dict[str, Any], wanted: Sequence[str]) -> None:
    if not busy:
        return
    for path, infos in list(busy.items()):
        living = [info for info in (infos if isinstance(infos, list) else [infos]) if is_alive(int(info["pid"]))]
        others = [info for info in living if int(info["pid"]) != os.getpid()]
        if others and any(_overlap(path, each) for each in wanted):
            raise MlgitError(
                f"'{path}' is in use by `{others[0]['cmd']}` (process {others[0]['pid']})", "wait until that process has ended"
            )
        if not living:
            del busy[path]


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
