"""Whether a disk is full: told from the error that something met there, or from what is left of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_WORDS = tuple(os.strerror(number) for number in FULL)
_NOTHING = 64 << 10


def fault(folder: Path, error: BaseException | None = None) -> tuple[str, str] | None:
    """What is wrong (message, hint) with the disk of a folder in which something failed; None where it is not the disk."""
    said = _said(error)
    if said is None and _is_full(folder):
        said = os.strerror(errno.ENOSPC)
    return (f"{folder}: {said}", "free disk space there, or let it work in another folder") if said else None


def _said(error: BaseException | None) -> str | None:
    """What an error, or one that it came from, says of a disk; programs say it in words only."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return os.strerror(error.errno)
        for word in _WORDS:
            if word in str(error):
                return word
        error = error.__cause__ or error.__context__
    return None


def _is_full(folder: Path) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_blocks > 0 and (found.f_bavail * found.f_frsize < _NOTHING or (found.f_files > 0 and found.f_favail == 0))
