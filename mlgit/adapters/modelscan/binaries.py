"""Formats that hold numbers only, recognised by their structure: safetensors, ONNX, GGUF."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from mlgit.adapters.modelscan.verdict import Verdict

_LARGEST_HEADER = 100 << 20  # the limit of the safetensors library


def safetensors(stream: BinaryIO, size: int) -> Verdict | None:
    """The verdict for a file that is laid out as safetensors: the header's length in 8 bytes, a JSON header, the data."""
    stream.seek(0)
    length = int.from_bytes(stream.read(8), "little")
    if not 2 <= length <= min(size - 8, _LARGEST_HEADER) or stream.read(1) != b"{":
        return None
    try:
        header = json.loads(b"{" + stream.read(length - 1))
    except (ValueError, RecursionError):
        return None
    if not isinstance(header, dict):
        return None
    spans = [_span(tensor) for name, tensor in header.items() if name != "__metadata__"]
    places = sorted(each for each in spans if each)
    if len(places) < len(spans):
        return None
    at = 0
    for begin, end in places:
        if begin != at:
            return Verdict("safetensors", ["its numbers do not lie one behind the other, so it cannot be proven safe"])
        at = end
    if at != size - 8 - length:
        return Verdict("safetensors", ["it is cut off, or more follows its end, so it cannot be proven safe"])
    return Verdict("safetensors", loader="safetensors")


def _span(tensor: object) -> tuple[int, int] | None:
    offsets = tensor.get("data_offsets") if isinstance(tensor, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(type(each) is int for each in offsets):
        return None
    return (int(offsets[0]), int(offsets[1])) if 0 <= offsets[0] <= offsets[1] else None


# Kinds of entries in a header of GGUF, with the bytes of those that are numbers.
_GGUF_NUMBERS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_GGUF_TEXT, _GGUF_LIST = 8, 9
# Ways to an attribute that a template for people has no use for (selectattr and the like are fine).
REACHES_INSIDE = re.compile(rb"__\w+__|\|\s*attr\s*\(|\\x5f|\\u005f", re.IGNORECASE)

# Fields of ModelProto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) with the kind of their wire format.
_ONNX = {1: 0, 2: 2, 3: 2, 4: 2, 5: 0, 6: 2, 7: 2, 8: 2, 14: 2, 20: 2, 25: 2, 26: 2}


def onnx(stream: BinaryIO, size: int) -> Verdict | None:
    """The verdict for a file whose fields are those of an ONNX model to the very end."""
    stream.seek(0)
    seen: set[int] = set()
    at = 0
    while at < size:
        tag, length = _varint(stream)
        at += length
        number, kind = tag >> 3, tag & 7
        if length == 0 or _ONNX.get(number) != kind:
            return None
        seen.add(number)
        value, length = _varint(stream)
        if length == 0:
            return None
        at += length
        if kind == 2:
            at += value
            stream.seek(at)
    return Verdict("onnx", loader="onnx.load and onnxruntime") if at == size and {1, 7} <= seen else None


def _varint(stream: BinaryIO) -> tuple[int, int]:
    """A number of the protobuf format and how many bytes it took, 0 where there is none."""
    value = 0
    for position in range(10):
        byte = stream.read(1)
        if not byte:
            return 0, 0
        value |= (byte[0] & 0x7F) << (7 * position)
        if byte[0] < 0x80:
            return value, position + 1
    return 0, 0


def gguf(stream: BinaryIO, size: int) -> Verdict:
    """The verdict for a file that begins as GGUF: numbers, and a template of conversations, which readers run."""
    stream.seek(4)
    version, count = int.from_bytes(stream.read(4), "little"), [int.from_bytes(stream.read(8), "little") for _ in range(2)]
    if not 2 <= version <= 3 or size < 24 or any(each > size for each in count):
        return Verdict("gguf", ["its header makes no sense"])
    try:
        templates = [value for key, value in _entries(stream, count[1], size) if key.startswith(b"tokenizer.chat_template")]
    except (ValueError, RecursionError) as error:
        return Verdict("gguf", [f"its header cannot be read ({error}), so it cannot be proven safe"])
    if any(REACHES_INSIDE.search(each) for each in templates):
        return Verdict("gguf", ["its chat template reaches for what is inside Python's objects"])
    return Verdict("gguf", loader="llama.cpp")


def _entries(stream: BinaryIO, count: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The names of a header's entries, with those values that are texts."""
    for _ in range(count):
        name = _text(stream, size)
        yield name, _value(stream, int.from_bytes(stream.read(4), "little"), size)


def _text(stream: BinaryIO, size: int) -> bytes:
    length = int.from_bytes(_exactly(stream, 8), "little")
    if length > min(size, _LARGEST_HEADER):
        raise ValueError("a text is too long")
    return _exactly(stream, length)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    found = stream.read(count)
    if len(found) != count:
        raise ValueError("it is cut off")
    return found


def _value(stream: BinaryIO, kind: int, size: int) -> bytes:
    """A text, or what lies in a list; numbers are passed over."""
    if kind == _GGUF_TEXT:
        return _text(stream, size)
    if kind == _GGUF_LIST:
        inner, count = int.from_bytes(_exactly(stream, 4), "little"), int.from_bytes(_exactly(stream, 8), "little")
        if count > size:
            raise ValueError("a list is too long")
        if inner in _GGUF_NUMBERS:
            stream.seek(count * _GGUF_NUMBERS[inner], 1)
            return b""
        return b"".join(_value(stream, inner, size) for _ in range(count))
    if kind not in _GGUF_NUMBERS:
        raise ValueError(f"an entry of kind {kind}")
    _exactly(stream, _GGUF_NUMBERS[kind])
    return b""


def catboost(stream: BinaryIO, size: int) -> Verdict:
    """The verdict for a file that begins as CatBoost's: the length of its description follows, and the description."""
    stream.seek(4)
    length = int.from_bytes(stream.read(4), "little")
    if not 8 <= length <= size - 8:
        return Verdict("catboost", ["it is cut off"])
    return Verdict("catboost", loader="CatBoost.load_model")
