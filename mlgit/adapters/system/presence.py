"""Says that a process is there, to processes that may not see it: in another container, on another machine, after a restart.

A token is a file that its process holds a record lock on. The system lets go of it when the process ends, however it ends;
numbers of processes are used again, and mean nothing in another container. A child that was forked does not hold the lock.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import os
import re
from contextlib import suppress

from mlgit.adapters.system import state_files
from mlgit.adapters.system.fork_lock import ForkLock
from mlgit.errors import MlgitError

_NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_TOKEN = re.compile(r"[0-9a-f]{32}")
_lock = ForkLock()
_own: dict[str, tuple[int, str, int]] = {}  # folder -> the process that made it, token, open file


def token(folder: str) -> str:
    """The token of this process in a folder, made at the first call. Raises MlgitError where it cannot be made."""
    found = _own.get(folder)
    if found and found[0] == os.getpid():
        return found[1]
    with _lock:
        found = _own.get(folder)
        if not found or found[0] != os.getpid():
            found = _own[folder] = (os.getpid(), *_made(folder))
            atexit.register(_leave, folder, found[1], os.getpid())
    return found[1]


def _made(folder: str) -> tuple[str, int]:
    state_files.make_folder(folder)
    while True:
        name = os.urandom(16).hex()
        path = f"{folder}/{name}"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            _hold(descriptor)
        except OSError as error:
            raise MlgitError(f"{path}: cannot be made: {error.strerror}") from error
        with suppress(FileNotFoundError):
            if os.stat(path).st_ino == os.fstat(descriptor).st_ino:
                return name, descriptor
        os.close(descriptor)  # swept away before it was locked


def _hold(descriptor: int) -> None:
    """Lock a new token; where the file system has no such locks, whoever asks takes its process for there."""
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def _leave(folder: str, name: str, pid: int) -> None:
    if os.getpid() == pid:
        with suppress(OSError):
            os.unlink(f"{folder}/{name}")


def is_there(folder: str, name: str) -> bool:
    """Whether the process with this token is there; what is no token is not."""
    if _is_own(folder, name):
        return True
    return _TOKEN.fullmatch(name) is not None and not _free(f"{folder}/{name}", remove=False)


def _is_own(folder: str, name: str) -> bool:
    """Whether a token is this process's: to open and close its file once more would let go of the lock."""
    own = _own.get(folder)
    return own is not None and own[:2] == (os.getpid(), name)


def sweep(folder: str) -> None:
    """Take away the tokens of processes that are gone."""
    with suppress(FileNotFoundError):
        for name in os.listdir(folder):
            if _TOKEN.fullmatch(name) and not _is_own(folder, name):
                _free(f"{folder}/{name}", remove=True)


def _free(path: str, *, remove: bool) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False  # of another user
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if remove:
            os.unlink(path)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
