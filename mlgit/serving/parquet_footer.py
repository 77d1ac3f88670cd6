"""The compressions that a Parquet file uses, read from its footer with no more trust than it deserves.

pyarrow ends the process when it is asked for a compression that does not exist, and believes whatever size another promises; so
they are known before it sees the file. What is not understood here as there is refused.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

MAGIC = b"PAR1"
_TAIL = 8  # the footer's length and the magic
_DEPTH = 24
_MOST = 1 << 18  # bytes of a footer: it takes as long as a model to look at them

# The wire types of Thrift's compact protocol.
_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(14)
_VARINTS = frozenset({_I16, _I32, _I64})

Kind = Literal["", "file", "group", "chunk", "column", "crypto", "key", "sizes", "places"]


class _Items(NamedTuple):
    """What a list of the format holds: wire types of which one must be declared, and the kind of its structs."""

    wire: frozenset[int]
    kind: Kind = ""


_STRUCTS, _NUMBERS, _TEXTS = _Items(frozenset({_STRUCT})), _Items(_VARINTS), _Items(frozenset({_BINARY}))
# Readers take the items of a list for what the format says, whatever the list declares: where they differ, nothing is certain.
_LISTS: dict[tuple[Kind, int], _Items] = {
    ("file", 2): _STRUCTS,
    ("file", 4): _Items(frozenset({_STRUCT}), "group"),
    ("file", 5): _STRUCTS,
    ("file", 7): _STRUCTS,
    ("group", 1): _Items(frozenset({_STRUCT}), "chunk"),
    ("group", 4): _STRUCTS,
    ("column", 2): _NUMBERS,
    ("column", 3): _TEXTS,
    ("column", 8): _STRUCTS,
    ("column", 13): _STRUCTS,
    ("key", 1): _TEXTS,
    ("sizes", 2): _NUMBERS,
    ("sizes", 3): _NUMBERS,
    ("places", 2): _NUMBERS,
}
_FIELDS: dict[tuple[Kind, int], Kind] = {
    ("chunk", 3): "column",
    ("chunk", 8): "crypto",
    ("crypto", 2): "key",
    ("column", 16): "sizes",
    ("column", 17): "places",
}
_CODEC = ("column", 4)


def codecs(body: bytes) -> frozenset[int]:
    """The numbers of all compressions that the footer names: 0 none, 1 snappy. Raises ValueError for what is no such file."""
    if len(body) < len(MAGIC) + _TAIL or body[:4] != MAGIC or body[-4:] != MAGIC:
        raise ValueError("no Parquet file")
    length = int.from_bytes(body[-_TAIL:-4], "little")
    if length > min(len(body) - len(MAGIC) - _TAIL, _MOST):
        raise ValueError("the footer is longer than the file, or than one of a request may be")
    reader = _Footer(body[len(body) - _TAIL - length : -_TAIL])
    reader.struct("file", depth=0)
    return frozenset(reader.codecs)


class _Footer:
    """A place in a footer that goes forward; reading past its end is a ValueError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self.codecs: set[int] = set()

    def struct(self, kind: Kind, *, depth: int) -> None:
        """Pass over a struct, and remember the compressions in it."""
        if depth > _DEPTH:
            raise ValueError("nested too deep")
        field = 0
        while head := self._byte():
            wire, step = head & 15, head >> 4
            field = field + step if step else _signed(self._varint())
            if wire in _VARINTS and (kind, field) == _CODEC:
                self.codecs.add(_signed(self._varint() & 0xFFFFFFFF))
            elif wire == _LIST and (kind, field) in _LISTS:
                self._list(_LISTS[kind, field], depth=depth + 1)
            elif wire == _STRUCT:
                self.struct(_FIELDS.get((kind, field), ""), depth=depth + 1)
            elif wire not in (_TRUE, _FALSE):
                self._skip(wire, depth=depth + 1)

    def _list(self, items: _Items | None, *, depth: int) -> None:
        head = self._byte()
        wire, size = head & 15, head >> 4
        if size == 15:
            size = self._varint()
        if items is not None and wire not in items.wire:
            raise ValueError("a list of other items than the format has")
        for _ in range(size):
            if wire == _STRUCT:
                self.struct(items.kind if items else "", depth=depth + 1)
            else:
                self._skip(wire, depth=depth + 1)

    def _skip(self, wire: int, *, depth: int) -> None:
        """Pass over a value that is no field of a known struct; a boolean in a list is a byte."""
        if depth > _DEPTH:
            raise ValueError("nested too deep")
        if wire in _VARINTS:
            self._varint()
        elif wire in (_TRUE, _FALSE, _BYTE):
            self._take(1)
        elif wire == _DOUBLE:
            self._take(8)
        elif wire == _BINARY:
            self._take(self._varint())
        elif wire in (_LIST, _SET):
            self._list(None, depth=depth)
        elif wire == _STRUCT:
            self.struct("", depth=depth)
        elif wire == _UUID:
            self._take(16)
        else:
            raise ValueError("a value of no known type")  # a map too: the format has none

    def _byte(self) -> int:
        self._take(1)
        return self._data[self._at - 1]

    def _take(self, count: int) -> None:
        self._at += count
        if self._at > len(self._data):
            raise ValueError("the footer ends within a value")

    def _varint(self) -> int:
        value = 0
        for place in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << place
            if byte < 128:
                return value
        raise ValueError("a number of more than 64 bits")


def _signed(value: int) -> int:
    return (value >> 1) ^ -(value & 1)
