"""What joblib compresses, unpacked as it is read: one stream that ends with its file, and no more of it than a limit."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO

LARGEST_UNPACKED = 1 << 30
_CHUNK = 1 << 20

UNPACKERS: tuple[tuple[bytes, Callable[[], Any]], ...] = (
    (b"\x1f\x8b", lambda: zlib.decompressobj(zlib.MAX_WBITS | 16)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ)),
    (b"\x5d\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE)),
    *((bytes([0x78, level]), zlib.decompressobj) for level in (0x01, 0x5E, 0x9C, 0xDA)),
)
ERRORS = (zlib.error, lzma.LZMAError)


class Unpacked(io.RawIOBase):
    """The unpacked bytes of a stream. Reading raises ValueError where there is more than the limit, or more than one stream."""

    def __init__(self, stream: BinaryIO, unpacker: Any) -> None:
        super().__init__()
        self._stream = stream
        self._unpacker = unpacker
        self._count = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer as far as one step of unpacking goes."""
        content = b""
        while not content and not self._unpacker.eof:
            try:
                content = self._step(len(buffer))
            except (OSError, *ERRORS) as error:
                raise ValueError(f"cannot be unpacked: {error}") from error
        if not content and self._unpacker.eof and (self._unpacker.unused_data or self._stream.read(1)):
            raise ValueError("bytes follow the end of what is packed")
        self._count += len(content)
        if self._count > LARGEST_UNPACKED:
            raise ValueError(f"unpacks to more than {LARGEST_UNPACKED >> 20} MiB")
        buffer[: len(content)] = content
        return len(content)

    def _step(self, most: int) -> bytes:
        if hasattr(self._unpacker, "unconsumed_tail"):
            chunk = self._unpacker.unconsumed_tail or self._stream.read(_CHUNK)
        else:
            chunk = self._stream.read(_CHUNK) if self._unpacker.needs_input else b""
        if not chunk and getattr(self._unpacker, "needs_input", True):
            raise ValueError("what is packed is cut off")
        found: bytes = self._unpacker.decompress(chunk, most)
        return found


def opened(stream: BinaryIO, head: bytes) -> BinaryIO | None:
    """The unpacked stream of a file that begins with `head`; None where it is not packed."""
    stream.seek(0)
    for magic, unpacker in UNPACKERS:
        if head.startswith(magic):
            return io.BufferedReader(Unpacked(stream, unpacker()), _CHUNK)
    return None
