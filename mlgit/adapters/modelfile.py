"""A model's file or folder described without loading it: digest, size, format, and whether loading can run foreign code.

Nothing here unpickles, imports what a file names, or calls a model library. What is malformed, cut off, too large or of an
unknown kind cannot be proven safe, and is reported so.
"""

from __future__ import annotations

import bz2
import functools
import gzip
import hashlib
import io
import json
import lzma
import os
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from mlgit.adapters import archives, binaries, digests, pickles
from mlgit.adapters.archives import Verdict
from mlgit.errors import MlgitError

LARGEST_JSON = 256 << 20
LARGEST_UNPACKED = 1 << 30
_CHUNK = 1 << 20
_TEXTS = {".txt", ".md", ".csv", ".tsv", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".vocab", ".merges"}
_PICKLES = {".pkl", ".pickle", ".joblib"}


@dataclass(frozen=True, slots=True)
class Description:
    """What a model's bytes are; `md5` is what DVC calls them, ending in `.dir` for a folder.

    `sha256` of a folder is that of its list: a line `SHA256  PATH` for every file, sorted by path, as sha256sum prints it.
    """

    md5: str
    sha256: str
    size: int
    format: str
    executes_code: bool
    findings: tuple[str, ...] = ()


def describe(path: Path) -> Description:
    """The description of a file or of a folder with all files below it.

    Raises MlgitError for what is not there, cannot be read, or is neither.
    """
    if path.is_file():
        return describe_stream(functools.partial(_open, path), path.name)
    if not path.is_dir():
        raise MlgitError(f"{path}: neither a file nor a folder")
    found = (Path(at, name) for at, _, names in os.walk(path) for name in names)
    return describe_folder({each.relative_to(path).as_posix(): functools.partial(_open, each) for each in found})


def identify(path: Path) -> tuple[str, str, int]:
    """The md5 (as DVC has it), sha256 and size of a file or folder, by the rules of `Description`; nothing is looked into.

    Raises MlgitError for what is not there or cannot be read.
    """
    try:
        if path.is_file():
            with open(path, "rb") as stream:
                return _hash(stream)
        if not path.is_dir():
            raise MlgitError(f"{path}: neither a file nor a folder")
        found = {}
        for each in sorted(Path(at, name) for at, _, names in os.walk(path) for name in names):
            with open(each, "rb") as stream:
                found[each.relative_to(path).as_posix()] = _hash(stream)
    except OSError as error:
        raise MlgitError(f"{path}: cannot be read: {error.strerror}") from error
    return _of_folder(found)


def _of_folder(members: Mapping[str, tuple[str, str, int]]) -> tuple[str, str, int]:
    listed = "".join(f"{members[name][1]}  {name}\n" for name in sorted(members))
    return (
        digests.listing_md5((name, md5) for name, (md5, _, _) in members.items()),
        hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest(),
        sum(size for _, _, size in members.values()),
    )


def _open(path: Path) -> BinaryIO:
    return open(path, "rb")


def describe_folder(members: Mapping[str, Callable[[], BinaryIO]]) -> Description:
    """The description of a folder whose files lie anywhere; `members` open them, by path in the folder."""
    each = {name: describe_stream(members[name], name) for name in sorted(members)}
    formats = sorted({one.format for one in each.values()} - {"text", "json"}) or sorted({one.format for one in each.values()})
    findings = [f"{name}: {finding}" for name, one in each.items() for finding in one.findings]
    return Description(
        *_of_folder({name: (one.md5, one.sha256, one.size) for name, one in each.items()}),
        "+".join(formats) or "empty folder",
        any(one.executes_code for one in each.values()),
        tuple(findings[: pickles.MOST_FINDINGS]),
    )


def describe_stream(opened: Callable[[], BinaryIO], name: str) -> Description:
    """The description of one file; its bytes may lie under another name, as an object of a cache does."""
    try:
        with opened() as stream:
            md5, sha256, size = _hash(stream)
            verdict = _judge(stream, size, posixpath.splitext(name)[1].lower())
    except OSError as error:
        raise MlgitError(f"{name}: cannot be read: {error.strerror}") from error
    return Description(md5, sha256, size, verdict.format, bool(verdict.findings), tuple(verdict.findings))


def _hash(stream: BinaryIO) -> tuple[str, str, int]:
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        md5.update(chunk)
        sha256.update(chunk)
        size += len(chunk)
    return md5.hexdigest(), sha256.hexdigest(), size


def _judge(stream: BinaryIO, size: int, ending: str) -> Verdict:
    stream.seek(0)
    head = stream.read(64)
    stream.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return archives.judge(stream)
    if zipfile.is_zipfile(stream):
        return Verdict("unknown", ["is an archive behind other bytes, so readers differ in what they see"])
    stream.seek(0)
    for magic, judge in _BY_MAGIC:
        if head.startswith(magic):
            return judge(stream, size)
    if head.lstrip()[:1] in (b"{", b"["):
        return _json(stream, size)
    return _without_magic(stream, size, ending, head)


def _without_magic(stream: BinaryIO, size: int, ending: str, head: bytes) -> Verdict:
    found = binaries.safetensors(stream, size) or binaries.onnx(stream, size)
    if found:
        return found
    stream.seek(0)
    scanned = archives.scan_pickle(stream, size)
    looked_up = any(finding.startswith(("looks up", "calls")) for finding in scanned.findings)
    if scanned.is_whole or looked_up or ending in _PICKLES:
        return _pickle_verdict(scanned)
    if ending in _TEXTS and _is_text(stream):
        return Verdict("text")
    return Verdict("unknown", ["its format is not known, so it cannot be proven safe"])


def _is_text(stream: BinaryIO) -> bool:
    stream.seek(0)
    try:
        for row in io.TextIOWrapper(stream, encoding="utf-8"):
            if "\0" in row:
                return False
    except ValueError:
        return False
    return True


def _pickle(stream: BinaryIO, size: int) -> Verdict:
    return _pickle_verdict(archives.scan_pickle(stream, size))


def _pickle_verdict(scanned: pickles.Scan) -> Verdict:
    is_joblib = any(module.startswith("joblib.") for module, _ in scanned.names)
    return Verdict("joblib" if is_joblib else "pickle", list(scanned.findings))


def _compressed(opener: Callable[[BinaryIO], Any]) -> Callable[[BinaryIO, int], Verdict]:
    """joblib compresses the whole pickle; it is unpacked in memory, and only up to a limit."""

    def judge(stream: BinaryIO, size: int) -> Verdict:
        try:
            content = opener(stream).read(LARGEST_UNPACKED + 1)
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            return Verdict("unknown", [f"cannot be unpacked ({pickles.brief(error)}), so it cannot be proven safe"])
        if len(content) > LARGEST_UNPACKED:
            return Verdict("joblib", [f"unpacks to more than {LARGEST_UNPACKED >> 20} MiB, so it cannot be proven safe"])
        inner = _judge(io.BytesIO(content), len(content), ".pkl")
        return Verdict("joblib" if inner.format == "pickle" else inner.format, inner.findings)

    return judge


class _Zlib:
    """What the other compressions have a reader for."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, most: int) -> bytes:
        """At most so many unpacked bytes. Raises EOFError for a stream that is cut off."""
        unpacker = zlib.decompressobj()
        pieces, count = [], 0
        while not unpacker.eof and count < most:
            chunk = unpacker.unconsumed_tail or self._stream.read(_CHUNK)
            if not chunk:
                raise EOFError("cut off")
            pieces.append(unpacker.decompress(chunk, min(_CHUNK * 16, most - count)))
            count += len(pieces[-1])
        return b"".join(pieces)


def _json(stream: BinaryIO, size: int) -> Verdict:
    if size > LARGEST_JSON:
        return Verdict("json", [f"larger than {LARGEST_JSON >> 20} MiB, so it was not read"])
    content = stream.read()
    if content.startswith(b"{L"):  # a length follows, in the binary variant
        return Verdict("xgboost-ubjson")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return Verdict("unknown", ["begins as JSON and is none, so it cannot be proven safe"])
    if isinstance(document, dict) and {"learner", "version"} <= document.keys():
        return Verdict("xgboost-json")
    if isinstance(document, dict) and {"tree_info", "feature_names"} <= document.keys():
        return Verdict("lightgbm-json")
    return Verdict("json")


_BY_MAGIC: tuple[tuple[bytes, Callable[[BinaryIO, int], Verdict]], ...] = (
    (b"\x80", _pickle),
    (b"\x93NUMPY", archives.numpy_array),
    (b"GGUF", binaries.gguf),
    (b"tree\nversion=", lambda stream, size: Verdict("lightgbm-text")),
    (b"CBM1", lambda stream, size: Verdict("catboost")),
    (
        b"\x89HDF\r\n\x1a\n",
        lambda stream, size: Verdict("hdf5", ["HDF5 can hold Keras layers with code, and is not looked into"]),
    ),
    (b"\x1f\x8b", _compressed(lambda stream: gzip.GzipFile(fileobj=stream))),
    (b"BZh", _compressed(bz2.BZ2File)),
    (b"\xfd7zXZ", _compressed(lzma.LZMAFile)),
    (b"\x5d\x00\x00", _compressed(lzma.LZMAFile)),
    *((bytes([0x78, level]), _compressed(_Zlib)) for level in (0x01, 0x5E, 0x9C, 0xDA)),
)
