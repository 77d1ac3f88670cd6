"""What has to outlast a loss of power: file systems and files are made to put on disk what they hold back.

Objects are settled in groups: one call for a whole file system takes about as long as one for a single small file.
Without a wish for it (`MLGIT_FSYNC=0`, where machines are thrown away) nothing waits for a disk.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time

from mlgit.errors import MlgitError

_SHARE = 0.05


def is_wanted() -> bool:
    """Whether anything has to outlast a loss of power."""
    return os.environ.get("MLGIT_FSYNC") != "0"


def settle(folder: str) -> None:
    """Return when all that was written to the file system that holds `folder` is on its disk.

    Raises MlgitError when the disk could not take it.
    """
    if not is_wanted() or not os.path.isdir(folder):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _sync_file_system(descriptor)
    except OSError as error:
        raise MlgitError(
            f"{folder}: the disk did not take what was written: {error.strerror}", "see the system's log"
        ) from error
    finally:
        os.close(descriptor)


def settle_file(descriptor: int) -> None:
    """Return when the bytes of an open file are on its disk."""
    if not is_wanted():
        return
    if sys.platform == "darwin":
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # there fsync only reaches the drive's own memory
    else:
        os.fsync(descriptor)


def _sync_file_system(descriptor: int) -> None:
    import ctypes  # Python has no syncfs of its own, and os.sync() waits for every disk of the machine

    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "syncfs"):  # macOS
        os.sync()
        settle_file(descriptor)
    elif library.syncfs(descriptor) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class Settling:
    """Settles a folder again and again, without taking more than a small share of the time: other programs write there too."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._began = time.monotonic()
        self._spent = 0.0

    def settle(self, *, surely: bool) -> None:
        """Settle the folder; if not `surely`, only if that has been quick so far."""
        began = time.monotonic()
        if surely or self._spent <= _SHARE * (began - self._began):
            settle(self._folder)
            self._spent += time.monotonic() - began
