"""The index of a file of the prediction log: where the line of an id begins, without reading those before it.

`FILE.idx` is a head (magic, how much of the file it covers, a digest of its first line) and records of 24 bytes: a digest of
the id, the place of its line. They are sorted in pieces of 65,536, so making one needs little memory however long the file is.
A server makes it when the hour of a file is over; without one, a search reads the file.
"""

from __future__ import annotations

import bisect
import hashlib
import mmap
import os
import re
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

SUFFIX = ".idx"
_HEAD = struct.Struct("<8sQ16s")
_MAGIC = b"mlgitix1"
_RECORD = 24
_PIECE = 1 << 16
_ID = re.compile(rb'\{"id":"((?:[^"\\]|\\.)*)"')
# A process that was held up may still write to the file of an hour that is over.
_SETTLED_AFTER = 600.0
_HOUR = re.compile(r"\d{4}-\d\d-\d\dT\d\d")


def keep_indexed(folder: Path) -> None:
    """Make the indexes of a log's folder now and every ten minutes, in a thread that ends with the process."""

    def again_and_again() -> None:
        while True:
            with suppress(OSError):
                index_closed(folder)
            time.sleep(_SETTLED_AFTER)

    threading.Thread(target=again_and_again, name="log-index", daemon=True).start()


def index_closed(folder: Path, *, now: float | None = None) -> int:
    """Make the indexes that are missing of files whose hour is over, below the folder of a log; how many were made.

    It takes its time, some seconds for a million lines: a server does it beside its work. A folder that cannot be written to is
    left as it is.
    """
    ended = (time.time() if now is None else now) - 3600 - _SETTLED_AFTER
    newest = datetime.fromtimestamp(ended, UTC).isoformat()[:13]
    made = 0
    for hour in sorted(each for each in folder.glob("*") if _HOUR.fullmatch(each.name) and each.name <= newest):
        _remove_halves(hour, before=ended)
        for path in sorted(hour.glob("*.jsonl")):
            with suppress(OSError):
                if not _is_current(path):
                    write(path)
                    made += 1
    return made


def _remove_halves(folder: Path, *, before: float) -> None:
    """Remove what processes left that ended while they made an index."""
    for path in folder.glob(".*.tmp"):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


def write(path: Path) -> None:
    """Make the index of a file, as it is now. Raises OSError where that cannot be."""
    beside = f"{path.parent}/.{path.name[:50]}.{os.urandom(8).hex()}.tmp"
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    try:
        with open(path, "rb") as lines, open(descriptor, "wb") as stream:
            first = lines.readline()
            stream.write(_HEAD.pack(_MAGIC, 0, b""))
            covered, piece = len(first), list[bytes]()
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                if found := _ID.match(line):
                    piece.append(_digest(found[1]) + covered.to_bytes(8))
                covered += len(line)
                if len(piece) == _PIECE:
                    stream.write(b"".join(sorted(piece)))
                    piece.clear()
            stream.write(b"".join(sorted(piece)))
            stream.seek(0)
            stream.write(_HEAD.pack(_MAGIC, covered, _digest(first)))
        os.replace(beside, f"{path}{SUFFIX}")
    except BaseException:
        os.unlink(beside)
        raise


def _is_current(path: Path) -> bool:
    try:
        return os.stat(f"{path}{SUFFIX}").st_mtime_ns >= path.stat().st_mtime_ns
    except FileNotFoundError:
        return False


def find(path: Path, encoded: bytes) -> tuple[list[int], int]:
    """Where lines begin that may be those of an id (`encoded` as between the quotes in the file), and how much that covers.

    What comes after that much of the file has to be searched.
    """
    wanted, covered, found = _digest(encoded), _covered(path), list[int]()
    if covered:
        with open(f"{path}{SUFFIX}", "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            records = (len(content) - _HEAD.size) // _RECORD
            for start in range(0, records, _PIECE):
                found += _in_piece(content, wanted, start, min(start + _PIECE, records))
    return [place for place in found if 0 < place < covered], covered


def _in_piece(content: mmap.mmap, wanted: bytes, start: int, end: int) -> Iterator[int]:
    def digest(number: int) -> bytes:
        place = _HEAD.size + number * _RECORD
        return content[place : place + 16]

    for number in range(bisect.bisect_left(range(end), wanted, start, end, key=digest), end):
        if digest(number) != wanted:
            return
        place = _HEAD.size + number * _RECORD
        yield int.from_bytes(content[place + 16 : place + _RECORD])


def _covered(path: Path) -> int:
    """How much of a file its index knows; 0 without an index, and for that of another file."""
    try:
        with open(f"{path}{SUFFIX}", "rb") as stream:
            magic, covered, digest = _HEAD.unpack(stream.read(_HEAD.size))
        with open(path, "rb") as lines:
            is_same = magic == _MAGIC and _digest(lines.readline()) == digest
            return int(covered) if is_same and covered <= os.fstat(lines.fileno()).st_size else 0
    except (OSError, struct.error):
        return 0


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
