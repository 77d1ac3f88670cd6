"""ZIP archives laid out as libraries write them: member behind member, then one directory that says the same of them.

An archive says everything twice, and readers differ in which they believe. Where both agree to the byte, and nothing lies
between, before or behind, all readers see the same.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

MOST_MEMBERS = 100_000
_LARGEST_DIRECTORY = 64 << 20
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_DESCRIPTOR, _UTF8, _LEVEL = 0x08, 0x800, 0x06
_STORED, _DEFLATED = 0, 8
_IN_64 = 0xFFFFFFFF
_EXTRA_64, _EXTRA_TORCH = 1, 0x4246


def problem(stream: BinaryIO, size: int) -> str:
    """Why readers could see different things in an archive; '' where they cannot."""
    try:
        begin, count = _directory(stream, size)
        if count > MOST_MEMBERS:
            return f"more than {MOST_MEMBERS} members, so it cannot be proven safe"
        return _members(stream, begin, count)
    except (struct.error, ValueError) as error:
        return f"not laid out as a library writes an archive ({error}), so it cannot be proven safe"


def _read(stream: BinaryIO, at: int, form: struct.Struct, magic: bytes) -> tuple[int, ...]:
    stream.seek(at)
    found = form.unpack(stream.read(form.size))
    if found[0] != magic:
        raise ValueError("a part is not where it should be")
    return found[1:]


def _directory(stream: BinaryIO, size: int) -> tuple[int, int]:
    """Where the directory begins, and how many members it has; it ends where the last record begins."""
    ends_at = size - _END.size
    disk, first, here, count, length, begin, comment = _read(stream, max(ends_at, 0), _END, b"PK\x05\x06")
    stream.seek(max(ends_at - _LOCATOR64.size, 0))
    if stream.read(4) == b"PK\x06\x07":
        ends_at, length, begin, count = _directory64(stream, ends_at - _LOCATOR64.size, (here, count, length, begin))
        here = count
    if disk or first or here != count or comment or begin + length != ends_at or length > _LARGEST_DIRECTORY:
        raise ValueError("its last record does not agree with it")
    return begin, count


def _directory64(stream: BinaryIO, at: int, said: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    disk, ends_at, disks = _read(stream, at, _LOCATOR64, b"PK\x06\x07")
    length, _, _, this, first, here, count, directory, begin = _read(stream, ends_at, _END64, b"PK\x06\x06")
    if disk or disks != 1 or this or first or here != count or length != _END64.size - 12 or ends_at + _END64.size != at:
        raise ValueError("its last record does not agree with it")
    found = (here, count, directory, begin)
    if any(old not in (new, 0xFFFF, _IN_64) for old, new in zip(said, found, strict=True)):
        raise ValueError("its last records do not agree")
    return ends_at, directory, begin, count


def _members(stream: BinaryIO, begin: int, count: int) -> str:
    at, expected = begin, 0
    seen: set[str] = set()
    for _ in range(count):
        found = _read(stream, at, _CENTRAL, b"PK\x01\x02")
        made_by, flags, method, crc, packed, unpacked = found[0], found[2], found[3], *found[6:9]
        n_name, n_extra, n_comment, disk, offset = *found[9:13], found[15]
        name, extra = stream.read(n_name), stream.read(n_extra)
        at += _CENTRAL.size + n_name + n_extra + n_comment
        wrong = _unusual(name, flags, method) or _twice(name, seen)
        if wrong:
            return wrong
        if n_comment or disk or made_by >> 8 not in (0, 3, 10, 11, 19):
            raise ValueError("a member with more than a name")
        packed, unpacked, offset = _large(extra, (unpacked, packed, offset))
        if offset != expected:
            raise ValueError("bytes between its members")
        expected = _local(stream, offset, (name, flags, method, crc, packed, unpacked))
    if expected != begin:
        raise ValueError("bytes between its members")
    return ""


def _unusual(name: bytes, flags: int, method: int) -> str:
    if flags & 1:
        return "encrypted, so it cannot be proven safe"
    if flags & ~(_DESCRIPTOR | _UTF8 | _LEVEL) or method not in (_STORED, _DEFLATED):
        return "a member is packed in a way in which no library packs it, so it cannot be proven safe"
    try:
        parts = name.decode("utf-8" if flags & _UTF8 else "ascii").split("/")
    except ValueError:
        return "a member's name is not text, so it cannot be proven safe"
    if "" in parts[:-1] or not parts[0] or ".." in parts or "." in parts or b"\\" in name or any(byte < 32 for byte in name):
        return "a member's name is empty or no plain path, so it cannot be proven safe"
    return ""


def _twice(name: bytes, seen: set[str]) -> str:
    folded = name.decode().casefold()
    if folded in seen:
        return "two members have one name (capital or small letters aside), so readers differ in what they see"
    seen.add(folded)
    return ""


def _large(extra: bytes, values: tuple[int, int, int]) -> tuple[int, int, int]:
    """Packed size, size and offset, which stand in an extra field where they are large."""
    found, at = list(values), 0
    while at < len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        inside = extra[at + 4 : at + 4 + length]
        at += 4 + length
        if at > len(extra) or len(inside) != length:
            raise ValueError("an extra field goes on behind its end")
        if kind not in (_EXTRA_64, _EXTRA_TORCH):
            raise ValueError("an extra field that no library writes")
        if kind == _EXTRA_64:
            for place, value in enumerate(found):
                if value == _IN_64:
                    found[place], inside = struct.unpack_from("<Q", inside)[0], inside[8:]
    return found[1], found[0], found[2]


def _local(stream: BinaryIO, at: int, said: tuple[bytes, int, int, int, int, int]) -> int:
    """Where a member ends, whose own header has to say what the directory says."""
    name, flags, method, crc, packed, unpacked = said
    found = _read(stream, at, _LOCAL, b"PK\x03\x04")
    own_flags, own_method, own_crc, own_packed, own_unpacked, n_name, n_extra = *found[1:3], *found[5:]
    if (stream.read(n_name), own_flags, own_method) != (name, flags, method):
        raise ValueError("a member's own header differs from the directory")
    own = _large(stream.read(n_extra), (own_unpacked, own_packed, 0))[:2]
    end = at + _LOCAL.size + n_name + n_extra + packed
    if not flags & _DESCRIPTOR:
        if (own_crc, own) != (crc, (packed, unpacked)):
            raise ValueError("a member's own header differs from the directory")
        return end
    if own_crc not in (0, crc) or own not in ((0, 0), (packed, unpacked)):
        raise ValueError("a member's own header differs from the directory")
    return end + _descriptor(stream, end, (crc, packed, unpacked))


def _descriptor(stream: BinaryIO, at: int, said: tuple[int, int, int]) -> int:
    """The length of what stands behind a member that was written as a stream."""
    stream.seek(at)
    found = stream.read(24)
    for form in ("<4sL2Q", "<4s3L"):
        if found[: struct.calcsize(form)] == struct.pack(form, b"PK\x07\x08", *said):
            return struct.calcsize(form)
    raise ValueError("a member's own record differs from the directory")
