"""Writes the prediction log: a file for each hour, process and version, to which lines are only added.

With `write` and `fsync` a line is in its file when `append` returns, so it outlives the process; with `fsync`, and once `sync`
has returned, the machine too.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from mlgit.adapters.system import fsync
from mlgit.errors import MlgitError
from mlgit.serving import log_header
from mlgit.serving.log_header import LogHeader

Durability = Literal["write", "fsync", "none"]

# Versions that come and go in one hour: files beyond these are closed, and opened again when they are needed.
_MOST_OPEN = 16
_MOST_HELD_BACK = 1 << 20
_MOST_NAMES = 10_000
_KEY = re.compile(rb"[0-9a-fA-F]{64}")
# Whether somebody removed a file is looked at once a second: to ask takes as long as to write a line.
_LOOKED_AFTER = 1.0
_READABLE_BY_GROUP = 0o640


class LogFullError(MlgitError):
    """Lines could not be written down; none of them is in the log, unless it was `sync` that failed.

    `lost` is how many.
    """

    def __init__(self, message: str, hint: str = "", *, lost: int = 0) -> None:
        super().__init__(message, hint)
        self.lost = lost


def new_id() -> str:
    """An id for a request that brought none: it begins with the time, so the log can be searched by it."""
    return log_header.uuid7(time.time_ns() // 1_000_000, entropy=os.urandom(10))


def hash_key(folder: Path) -> bytes:
    """The key of the hashes in the log, kept in the file `salt` of a folder; made where there is none, once for all processes.

    Raises MlgitError for one that cannot be read or made.
    """
    path = folder / "salt"
    try:
        os.makedirs(folder, exist_ok=True)
        if not path.exists():
            _make_key(path)
    except OSError as error:
        raise MlgitError(
            f"{path}: no key to hash private columns by: {error.strerror}", "`--log-key FILE` names one"
        ) from error
    return key_in(path, flags=os.O_NOFOLLOW)


def key_in(path: Path, *, flags: int = 0) -> bytes:
    """The key in a file: 64 hexadecimal digits, the same for all servers whose hashes are to be equal.

    Raises MlgitError for a file that cannot be read or holds something else; what, is not repeated.
    """
    hint = f"`openssl rand -hex 32 > {path}` makes one; servers that share it hash alike"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
        with open(descriptor, "rb") as stream:
            digits = stream.read(1024).strip()
    except OSError as error:
        raise MlgitError(f"{path}: no key to hash private columns by: {error.strerror}", hint) from error
    if not _KEY.fullmatch(digits):
        raise MlgitError(f"{path}: no key to hash private columns by: it is 64 hexadecimal digits", hint)
    return bytes.fromhex(digits.decode("ascii"))


def _make_key(path: Path) -> None:
    """Write a new key beside its place, and give it its name only if nobody else was faster."""
    beside = f"{path}.{os.getpid()}.{secrets.token_hex(4)}.tmp"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as stream:
            stream.write(f"{secrets.token_hex(32)}\n".encode())
            stream.flush()
            fsync.settle_file(stream.fileno())
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(beside)


class _LogFile:
    """One open file of the log, which no other process writes to."""

    def __init__(self, descriptor: int, first: bytes) -> None:
        self.descriptor = descriptor
        self.is_unsettled = False
        self.held_back: list[bytes] = []
        self.size_held_back = 0
        self.is_broken = False
        self._first = first

    def is_usable(self) -> bool:
        """Whether the file is whole and still has a name: what goes to one that was removed is lost."""
        return not self.is_broken and os.fstat(self.descriptor).st_nlink > 0

    def write(self, lines: Sequence[bytes]) -> None:
        """All lines in one call, or none: what part of them went to a full disk is taken back. Raises OSError."""
        data = b"".join((self._first, *lines))
        done = 0
        try:
            while done < len(data):
                done += os.write(self.descriptor, data[done:] if done else data)
        except OSError:
            if done:
                self._take_back(done)
            raise
        self._first = b""
        self.is_unsettled = True

    def _take_back(self, written: int) -> None:
        try:
            os.ftruncate(self.descriptor, os.fstat(self.descriptor).st_size - written)
        except OSError:  # half a line stays, which is ended when the file is opened again, and readers pass over
            self.is_broken = True


class PredictionLog:
    """The log of one process below a folder. Threads may share it; `clock` gives seconds since 1970.

    Every method raises LogFullError where the disk does not take what it is given.
    """

    def __init__(self, folder: Path, *, durability: Durability = "write", clock: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._durability = durability
        self._clock = clock
        self._hour = -1
        self._files: dict[LogHeader, _LogFile] = {}
        self._lock, self._one_sync = threading.Lock(), threading.Lock()
        self._failed: OSError | None = None
        self._recent: LogHeader | None = None
        self._looked = self._look_again = 0.0

    def append(self, header: LogHeader, lines: Sequence[bytes]) -> None:
        """Write down lines of one version's file: all of them, or none where LogFullError is raised.

        With the durability `none` they are held back until `flush`, or until there are many.
        """
        with self._lock:
            try:
                file = self._file(header)
                if self._durability != "none":
                    file.write(lines)
                    return
            except OSError as error:
                raise self._full(error, lost=len(lines)) from error
            except LogFullError as error:
                error.lost += len(lines)
                raise
            file.held_back += lines
            file.size_held_back += sum(map(len, lines))
            if file.size_held_back > _MOST_HELD_BACK:
                self._flush([file])

    def flush(self) -> None:
        """Write down what is held back. What the disk does not take is dropped."""
        with self._lock:
            self._flush(list(self._files.values()))

    def sync(self) -> None:
        """Return when all that was appended before is on the disk; others may append meanwhile.

        After an error nobody knows which of those lines are there.
        """
        with self._one_sync:
            with self._lock:
                unsettled = [file for file in self._files.values() if file.is_unsettled]
                waiting = [os.dup(file.descriptor) for file in unsettled]
                for file in unsettled:
                    file.is_unsettled = False
            for descriptor in waiting:
                try:
                    fsync.settle_file(descriptor)
                except OSError as error:
                    self._failed = error
                finally:
                    os.close(descriptor)
            self._raise_failed()

    def close(self) -> None:
        """Write down what is held back, put it on the disk where that is asked for, and close the files."""
        with self._lock:
            self._retire(list(self._files))
            self._raise_failed()

    def _raise_failed(self) -> None:
        failed, self._failed = self._failed, None
        if failed:
            raise self._full(failed) from failed

    def _file(self, header: LogHeader) -> _LogFile:
        """The open file of a version in this hour."""
        now = self._clock()
        if header is self._recent and self._looked <= now < self._look_again and not self._files[header].is_broken:
            return self._files[header]
        hour = int(now // 3600)
        if hour != self._hour:
            self._retire(list(self._files))
            self._hour = hour
        file = self._files.get(header)
        if not file or not file.is_usable():
            self._retire([header] if file else list(self._files)[: 1 - _MOST_OPEN])
            file = _open(self._folder / log_header.hour_folder(hour), header, is_durable=self._durability == "fsync")
            self._files[header] = file
        self._recent, self._looked, self._look_again = header, now, min(now + _LOOKED_AFTER, (hour + 1) * 3600)
        return file

    def _retire(self, headers: Sequence[LogHeader]) -> None:
        """Close files. Where the disk did not take them, the next `sync` says so: it is what their lines wait for."""
        self._recent = None
        files = [self._files.pop(header) for header in headers]
        try:
            self._flush(files)
            for file in files:
                if self._durability == "fsync" and file.is_unsettled:
                    fsync.settle_file(file.descriptor)
        except OSError as error:
            self._failed = error
        finally:
            for file in files:
                os.close(file.descriptor)

    def _flush(self, files: Sequence[_LogFile]) -> None:
        lost, failed = 0, None
        for file in files:
            lines, file.held_back, file.size_held_back = file.held_back, [], 0
            try:
                if lines:
                    file.write(lines)
            except OSError as error:
                lost, failed = lost + len(lines), error
        if failed:
            raise self._full(failed, lost=lost) from failed

    def _full(self, error: OSError, *, lost: int = 0) -> LogFullError:
        message = f"{self._folder}: the prediction log cannot be written: {error.strerror}"
        return LogFullError(message, "make room there, or serve with another --log-path", lost=lost)


def _open(folder: Path, header: LogHeader, *, is_durable: bool) -> _LogFile:
    """The file of a version in the folder of an hour: one of this process's before, else a new one. Raises OSError.

    Process ids come again, and are equal in containers that share a disk: a file that another process has open, or that begins
    otherwise, is left alone.
    """
    os.makedirs(folder, exist_ok=True)
    version = re.sub(r"[^A-Za-z0-9._+-]", "_", header.version)[:100]
    for number in range(_MOST_NAMES):
        path = folder / f"{os.getpid()}{f'.{number}' if number else ''}-{version}.jsonl"
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(path, flags, _READABLE_BY_GROUP)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EACCES) and os.path.lexists(path):
                continue
            raise
        first = _first_bytes(descriptor, header)
        if first is not None:
            if is_durable:
                _settle_name(folder)
            return _LogFile(descriptor, first)
        os.close(descriptor)
    raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))


def _first_bytes(descriptor: int, header: LogHeader) -> bytes | None:
    """What has to be written before the next line of a file: its header, the end of a line that was cut off, nothing.

    None for a file that is not for these lines.
    """
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or not _is_ours(descriptor, is_new=not found.st_size):
        return None
    if not found.st_size:
        return header.line
    if os.pread(descriptor, len(header.line), 0) != header.line:
        return None
    return b"" if os.pread(descriptor, 1, found.st_size - 1) == b"\n" else b"\n"


def _is_ours(descriptor: int, *, is_new: bool) -> bool:
    """Whether no other process has the file open to write; where a file system knows no locks, whether it is new."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return is_new
    return True


def _settle_name(folder: Path) -> None:
    """Put the names of a file and of its folders on the disk: a file whose name is lost is lost."""
    for each in (folder, folder.parent):
        descriptor = os.open(each, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fsync.settle_file(descriptor)
        finally:
            os.close(descriptor)
