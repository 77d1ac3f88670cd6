"""Model files that run a command when they are loaded, each by a trick to look harmless to who only reads them.

A trick is put together from opcodes and headers by hand. Its command makes an empty file, so a test can see that it ran.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable

NONE, TRUE, FALSE, EMPTY, EMPTY_SET = b"N", b"\x88", b"\x89", b")", b"\x8f"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def several(*parts: bytes) -> bytes:
    return b"(" + b"".join(parts) + b"t"


def named(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


def called(what: bytes, *arguments: bytes) -> bytes:
    return what + several(*arguments) + b"R"


def dictionary(**entries: bytes) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in entries.items()) + b"u"


def touch(target: object) -> bytes:
    """Opcodes that make a file, and leave nothing behind."""
    return called(named("posix", "system"), text(f"touch {target}")) + b"0"


def hidden(content: bytes) -> bytes:
    """The head of a constant of bytes, for who reads it as an opcode: what follows is swallowed."""
    return b"B" + struct.pack("<I", len(content))


def dtype(word: str, *, size: int = -1, alignment: int = -1, order: str = "|", flags: int = 0) -> bytes:
    state = several(number(3), text(order), NONE, NONE, NONE, number(size), number(alignment), number(flags))
    return called(named("numpy", "dtype"), text(word), FALSE, TRUE) + state + b"b"


WRAPPER = named("joblib.numpy_pickle", "NumpyArrayWrapper")
MADE = WRAPPER + EMPTY + b"\x81"


def described(count: int, kind: bytes = b"", *, made: bytes = MADE, **more: bytes) -> bytes:
    """The description of an array as joblib writes it, without bytes to align it."""
    entries = {"subclass": named("numpy", "ndarray"), "shape": several(number(count)), "order": text("C")}
    return made + dictionary(**entries, dtype=kind or dtype("u1"), allow_mmap=TRUE, **more) + b"b"


def in_a_frame(target: object) -> bytes:
    behind = b"0" + touch(target) + b"N."
    behind += b"N0" * (len(behind) % 2)
    array = b"N0" * (len(behind) // 2 - 1) + b"N."
    frame = described(len(array)) + behind[: len(array)]
    return b"\x80\x04\x95" + struct.pack("<Q", len(frame)) + frame + array


def after_an_array(made: bytes, kind: bytes = b"", *, before: bytes = b"", count: int = 5) -> Callable[[object], bytes]:
    """Instructions behind an array, which who takes the array for longer or shorter reads as a constant."""

    def build(target: object) -> bytes:
        payload = touch(target)
        return b"\x80\x02" + described(count, kind, made=made) + before + hidden(payload) + payload + b"0N."

    return build


def text_as_key(target: object) -> bytes:
    """NumPy's text is equal to Python's, so a second `shape` takes the place of the first."""
    kind = dtype("U5", size=20, alignment=4, order="<", flags=8)
    scalar = called(named("numpy._core.multiarray", "scalar"), kind, _utf32("shape"))
    payload = touch(target)
    shape = several(number(len(hidden(payload) + payload)))
    state = dictionary(subclass=named("numpy", "ndarray"), shape=shape, order=text("C"))
    state += b"(" + scalar + several(number(5)) + text("dtype") + dtype("u1") + text("allow_mmap") + TRUE + b"u"
    return b"\x80\x02" + MADE + state + b"b" + hidden(payload) + payload + b"0N."


def class_changed(target: object) -> bytes:
    """Python sets what stands in the second half of a pair on the object itself: also its class."""
    described_as = {"subclass": named("numpy", "ndarray"), "shape": several(number(5)), "order": text("C")}
    attributes = dictionary(**described_as, dtype=dtype("u1"), allow_mmap=TRUE)
    payload = touch(target)
    made = named("sklearn.gaussian_process.kernels", "RBF") + EMPTY + b"\x81"
    return b"\x80\x02" + made + several(attributes, dictionary(__class__=WRAPPER)) + b"b" + hidden(payload) + payload + b"0N."


def array_in_objects(target: object) -> bytes:
    """Python objects are unpickled by plain pickle, which passes over no array."""
    array = b"0" + touch(target) + b"N."
    return b"\x80\x02" + described(1, dtype("O8", flags=63)) + b"\x80\x02" + described(len(array)) + array + b"0N.0N."


def _utf32(value: str) -> bytes:
    content = value.encode("utf-32-le")
    return b"B" + struct.pack("<I", len(content)) + content


def in_array_bytes(target: object) -> bytes:
    array = touch(target) + b"0N."
    return b"\x80\x02" + described(len(array)) + array + b"0N."


def in_padding(target: object) -> bytes:
    """The length of what aligns an array is an opcode, too: that of an empty set."""
    payload = touch(target) + b"0N."
    assert len(payload) <= ord(EMPTY_SET)
    behind = EMPTY_SET + payload.ljust(ord(EMPTY_SET), b"N") + b"x0N."
    return b"\x80\x04" + described(1, numpy_array_alignment_bytes=number(16)) + behind


def catboost_and_pickle(target: object) -> bytes:
    return b"CBM1" + struct.pack("<I", 64).ljust(64, b"\0") + b"0" + touch(target) + b"N." + bytes(80)


def safetensors_and_pickle(target: object) -> bytes:
    """The header's length begins with the opcode of a constant; more of them lead through the header to the numbers."""
    head, tail = '{"__metadata__":{"a":"', '"},"w":{"dtype":"U8","shape":[400],"data_offsets":[0,400]}}'
    for skipped in range(40, 104):  # until the last one lies in the text, not behind it
        length = 0x42 + (skipped << 8)
        header = bytearray((head + "x" * (length - len(head) - len(tail)) + tail).encode())
        places = range(5 + skipped, 8 + length, 128)
        if places[-1] - 8 + 2 <= length - len(tail):
            break
    for place in places:
        header[place - 8 : place - 6] = b"C~"
    data = b"\0" * (places[-1] + 128 - 8 - length) + touch(target) + b"N."
    return struct.pack("<Q", length) + bytes(header) + data.ljust(400, b"\0")


def array_of_objects(target: object) -> bytes:
    """A word for Python objects that NumPy understands and does not write."""
    header = b"{'descr': 'object', 'fortran_order': False, 'shape': (1,), }\n"
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + b"\x80\x02" + touch(target) + b"N."


def archive(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return stream.getvalue()


def archive_of_one(name: bytes, content: bytes) -> bytes:
    """An archive by hand, for names that its library refuses to write."""
    sizes = struct.pack("<3L", zlib.crc32(content), len(content), len(content))
    head = struct.pack("<5H", 20, 0, 0, 0, 33) + sizes + struct.pack("<2H", len(name), 0)
    first = b"PK\x03\x04" + head + name + content
    directory = b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<3H2L", 0, 0, 0, 0, 0) + name
    return first + directory + b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 1, 1, len(directory), len(first), 0)


def keras(node: object) -> bytes:
    return archive({"metadata.json": b"{}", "config.json": json.dumps({"config": {"layers": [node]}}).encode()})


def torch(target: object, *, decoy: str, real: str) -> bytes:
    return archive({decoy: pickle.dumps({}, 2), real: b"\x80\x02" + touch(target) + b"N.", "archive/version": b"3\n"})


def skops(root: dict[str, object]) -> bytes:
    return archive({"schema.json": json.dumps({**root, "protocol": 2, "_skops_version": "0.16.0"}).encode()})


def node(loader: str, module: str, name: str, **entries: object) -> dict[str, object]:
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": abs(hash((loader, name))), **entries}


def skops_key(target: object) -> bytes:
    """skops calls what it takes for the type of a key, with the key."""
    types = node("ListNode", "builtins", "list", content=[node("FunctionNode", "posix", "system")])
    value = node("JsonNode", "builtins", "str", content="1", is_json=True)
    return skops(node("DictNode", "builtins", "dict", content={f"touch {target}": value}, key_types=types))
