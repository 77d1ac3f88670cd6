"""Models in ZIP archives (skops, PyTorch, Keras, NumPy), looked through member by member within limits."""

from __future__ import annotations

import ast
import io
import json
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from mlgit.adapters import pickles
from mlgit.adapters.pickles import Scan
from mlgit.adapters.safenames import is_function_of_numbers, is_safe

MOST_MEMBERS = 100_000
LARGEST_MEMBER = 1 << 30
LARGEST_SCHEMA = 64 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError, RuntimeError, KeyError)


@dataclass(slots=True)
class Verdict:
    """A format, and why loading the file may run code; without findings it cannot."""

    format: str
    findings: list[str] = field(default_factory=list)


def scan_pickle(stream: BinaryIO, size: int, *, persistent: bool = False) -> Scan:
    """Follow the pickle in a file of `size` bytes; bytes behind its end are a finding."""
    bounded = pickles.Bounded(stream, size)
    found = pickles.scan(bounded, persistent=persistent)
    if found.is_whole and bounded.read(1):
        found.note("more bytes follow the end of the pickle, so it cannot be proven safe")
    return found


def numpy_array(stream: BinaryIO, size: int) -> Verdict:
    """The verdict for a .npy file: safe unless it holds Python objects, which are a pickle."""
    stream.seek(0)
    head = stream.read(12)
    version = head[6] if len(head) > 6 else 0
    begin, width = 10 if version == 1 else 12, 2 if version == 1 else 4
    length = int.from_bytes(head[8 : 8 + width], "little")
    if version not in (1, 2, 3) or length > 1 << 20:
        return Verdict("numpy", ["its header is of an unknown version, so it cannot be proven safe"])
    stream.seek(begin)
    try:
        kind = ast.literal_eval(stream.read(length).decode("latin-1").strip())["descr"]
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError) as error:
        return Verdict("numpy", [f"its header cannot be read ({pickles.brief(error)}), so it cannot be proven safe"])
    if "O" not in str(kind):
        return Verdict("numpy")
    scanned = scan_pickle(stream, size - begin - length)
    return Verdict("numpy", list(scanned.findings))


def judge(stream: BinaryIO) -> Verdict:
    """The verdict for a ZIP archive."""
    try:
        with zipfile.ZipFile(stream) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            problems = _problems(members)
            if problems:
                return Verdict(_kind(names), problems)
            return _JUDGES[_kind(names)](archive)
    except _BROKEN as error:
        return Verdict("unknown", [f"a broken archive ({pickles.brief(error)}), so it cannot be proven safe"])


def _kind(names: list[str]) -> str:
    if "schema.json" in names:
        return "skops"
    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return "torch"
    if "config.json" in names and "metadata.json" in names:
        return "keras"
    if names and all(name.endswith(".npy") for name in names):
        return "numpy"
    return "unknown"


def _problems(members: list[zipfile.ZipInfo]) -> list[str]:
    if len(members) > MOST_MEMBERS:
        return [f"more than {MOST_MEMBERS} members, so it cannot be proven safe"]
    if len({member.filename for member in members}) < len(members):
        return ["two members have one name, so readers differ in what they see"]
    if any(member.flag_bits & 1 for member in members):
        return ["encrypted, so it cannot be proven safe"]
    large = [member.filename for member in members if member.file_size > LARGEST_MEMBER and member.compress_type]
    return [f"member '{name[:100]}' is too large to be looked at" for name in large[:3]]


def _members(archive: zipfile.ZipFile) -> Iterator[tuple[zipfile.ZipInfo, BinaryIO]]:
    for member in archive.infolist():
        if not member.is_dir():
            with archive.open(member) as stream:
                yield member, stream  # type: ignore[misc]


def _skops(archive: zipfile.ZipFile) -> Verdict:
    found = Verdict("skops")
    schema = archive.getinfo("schema.json")
    if schema.file_size > LARGEST_SCHEMA:
        return Verdict("skops", ["its schema.json is too large to be looked at"])
    try:
        document = json.loads(archive.read(schema))
    except (ValueError, RecursionError):
        return Verdict("skops", ["its schema.json cannot be read"])
    unknown = sorted({f"{module}.{name}"[:200] for module, name in _types(document) if not _is_known(module, name)})
    found.findings += [f"makes {each}, which is not on the list of safe types" for each in unknown[: pickles.MOST_FINDINGS]]
    for member, stream in _members(archive):
        if member.filename.endswith(".npy"):
            found.findings += _of_array(member, stream)
        elif member.filename.endswith(".npz"):
            content = stream.read(LARGEST_MEMBER)
            found.findings += [f"{member.filename}: {each}" for each in judge(io.BytesIO(content)).findings]
        elif member.filename != "schema.json" and not member.filename.endswith(".bin"):
            found.findings.append(f"member '{member.filename[:100]}' is nothing that skops writes")
    return found


def _is_known(module: str, name: str) -> bool:
    return is_safe(module, name) or is_function_of_numbers(module, name) or (module, name) in _OF_SKOPS


# What skops calls the types it makes by itself.
_OF_SKOPS = {
    ("builtins", "NoneType"),
    ("builtins", "str"),
    ("builtins", "function"),
    ("numpy", "ufunc"),
    ("numpy.random", "RandomState"),
    ("numpy.random", "Generator"),
    ("inspect", "_empty"),
}


def _types(document: Any) -> Iterator[tuple[str, str]]:
    """Every type and function that a schema of skops names."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if "__module__" in node or "__class__" in node:
                yield str(node.get("__module__", "")), str(node.get("__class__", ""))
            if "module_path" in node or "function" in node:
                yield str(node.get("module_path", "")), str(node.get("function", ""))
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _torch(archive: zipfile.ZipFile) -> Verdict:
    found = Verdict("torch")
    for member, stream in _members(archive):
        name = member.filename
        if name.endswith(".pkl"):
            scanned = scan_pickle(stream, member.file_size, persistent=True)
            found.findings += [f"{name}: {each}" for each in scanned.findings]
        elif name.endswith(".py") or "/code/" in name:
            found.findings.append(f"{name}: holds code (TorchScript)")
    return found


def _keras(archive: zipfile.ZipFile) -> Verdict:
    member = archive.getinfo("config.json")
    if member.file_size > LARGEST_SCHEMA:
        return Verdict("keras", ["its config.json is too large to be looked at"])
    try:
        document = json.loads(archive.read(member))
    except (ValueError, RecursionError):
        return Verdict("keras", ["its config.json cannot be read"])
    names: set[str] = set()
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            module, name = node.get("module"), str(node.get("class_name", ""))
            if name in ("Lambda", "__lambda__", "function") or (name and module and not str(module).startswith("keras")):
                names.add(f"{module}.{name}"[:200])
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return Verdict("keras", [f"makes {name}" for name in sorted(names)])


def _numpy(archive: zipfile.ZipFile) -> Verdict:
    found = Verdict("numpy")
    for member, stream in _members(archive):
        found.findings += _of_array(member, stream)
    return found


def _of_array(member: zipfile.ZipInfo, stream: BinaryIO) -> list[str]:
    return [f"{member.filename[:100]}: {each}" for each in numpy_array(stream, member.file_size).findings]


def _unknown(archive: zipfile.ZipFile) -> Verdict:
    return Verdict("unknown", ["an archive of an unknown kind, so it cannot be proven safe"])


_JUDGES = {"skops": _skops, "torch": _torch, "keras": _keras, "numpy": _numpy, "unknown": _unknown}
