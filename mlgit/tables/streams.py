"""The text of a table as a stream, unpacked, and held to the limits on the way: what is beyond them is never in memory."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from typing import Any, BinaryIO

from mlgit.errors import MlgitError
from mlgit.tables import limits
from mlgit.tables.formats import TableFormat

# Bytes that no text has are looked for in so many at the beginning.
_LOOKED_AT = 1_000_000
_PIECE = 1 << 18
_LINE_END = re.compile(rb"\r\n?|\n")


def opened(source: bytes | BinaryIO) -> BinaryIO:
    """A stream of what is given as bytes, or as a stream that is to be read from its beginning."""
    if isinstance(source, bytes):
        return io.BytesIO(source)
    source.seek(0)
    return source


def text(source: bytes | BinaryIO, *, table: TableFormat, most: int) -> io.BufferedReader:
    """The unpacked bytes of a text format, to be read once; `source` stays open.

    Reading raises MlgitError for gzip that is damaged, ends too early or goes on as something else, for bytes that no text has,
    and for more bytes (`most`), longer lines or more columns than are read.
    """
    stream = opened(source)
    return io.BufferedReader(_Watched(_Unpacked(stream) if table.is_packed else stream, table, most), _PIECE)


class _Packed:
    """What gzip is read from: a file of no bytes at all would pass for one without content."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.is_empty = True

    def read(self, size: int) -> bytes:
        found = self._stream.read(size)
        self.is_empty = self.is_empty and not found
        return found


class _Unpacked:
    """The content of a gzip file: of all its members, one after the other."""

    def __init__(self, stream: BinaryIO) -> None:
        self._packed = _Packed(stream)
        self._content = gzip.GzipFile(fileobj=self._packed, mode="rb")  # type: ignore[call-overload]

    def read(self, size: int) -> bytes:
        try:
            found: bytes = self._content.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise MlgitError(f"damaged, or no gzip: {error}", "fetch the file again, or let its stage write it anew") from error
        if not found and self._packed.is_empty:
            raise MlgitError("no gzip: the file has no bytes", "fetch the file again, or let its stage write it anew")
        return found


class _Watched(io.RawIOBase):
    """Hands on what it reads, once it has looked at it."""

    def __init__(self, stream: Any, table: TableFormat, most: int) -> None:
        self._stream, self._most = stream, most
        self._header = _Header(table.separator.encode()) if table.separator else None
        self._has_lines = table.name != "json"
        self._taken = self._in_line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(min(len(buffer), _PIECE))
        if self._taken < _LOOKED_AT and b"\0" in piece:
            raise MlgitError("not a text file (NUL bytes)", "save it as UTF-8, or give it the ending of its format")
        self._taken += len(piece)
        limits.refuse_bytes(self._taken, most=self._most)
        if self._header is not None:
            self._header = self._header.after(piece)
        if self._has_lines:
            self._look_at_lines(piece)
        buffer[: len(piece)] = piece
        return len(piece)

    def _look_at_lines(self, piece: bytes) -> None:
        """A piece is shorter than the longest line, so only the line that goes on into it can be too long."""
        first = _LINE_END.search(piece)
        limits.refuse_line(self._in_line + (first.start() if first else len(piece)))
        last = max(piece.rfind(b"\n"), piece.rfind(b"\r"))
        self._in_line = self._in_line + len(piece) if last < 0 else len(piece) - last - 1


class _Header:
    """Counts the fields of the first record: up to the first end of a line that stands in no quotes."""

    def __init__(self, separator: bytes) -> None:
        self._separator = separator
        self._quotes = self._fields = 0
        self._is_blank = True

    def after(self, piece: bytes) -> _Header | None:
        """What counts on in the next piece; None once the record has ended. Raises MlgitError for too many fields."""
        start = 0
        for found in _LINE_END.finditer(piece):
            self._take(piece[start : found.start()])
            if self._quotes % 2 == 0 and not self._is_blank:
                return None
            start = found.end()
        self._take(piece[start:])
        return self

    def _take(self, line: bytes) -> None:
        self._quotes += line.count(b'"')
        self._fields += line.count(self._separator)
        self._is_blank = self._is_blank and not line.strip(b" ") and not self._fields
        limits.refuse_columns(1 + self._fields)
