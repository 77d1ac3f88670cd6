"""A model's file or folder described without loading it: digest, size, format, and whether loading can run foreign code.

Nothing here unpickles, imports what a file names, or calls a model library. What is malformed, cut off, too large or of an
unknown kind cannot be proven safe, and is reported so.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import os
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mlgit.adapters.modelscan import model_format, scans
from mlgit.adapters.modelscan.verdict import Verdict
from mlgit.adapters.system import digests
from mlgit.errors import MlgitError

_CHUNK = 1 << 20
_TEXTS = {"LICENSE", "LICENCE", "COPYING", "NOTICE", "README", ".gitattributes", ".gitignore"}


@dataclass(frozen=True, slots=True)
class Description:
    """What a model's bytes are; `md5` is what DVC calls them, ending in `.dir` for a folder.

    `loader` is what reads the file without running code from it; '' where that cannot be shown of any.

    `sha256` of a folder is that of its list: a line `SHA256  PATH` for every file, sorted by path, as sha256sum prints it.
    """

    md5: str
    sha256: str
    size: int
    format: str
    executes_code: bool
    findings: tuple[str, ...] = ()
    loader: str = ""


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
    executes = any(one.executes_code for one in each.values())
    loaders = sorted({one.loader for one in each.values() if one.format not in ("text", "json")})
    return Description(
        *_of_folder({name: (one.md5, one.sha256, one.size) for name, one in each.items()}),
        "+".join(formats) or "empty folder",
        executes,
        tuple(findings[: scans.MOST_FINDINGS]),
        "" if executes else "; ".join(loaders),
    )


def describe_stream(opened: Callable[[], BinaryIO], name: str) -> Description:
    """The description of one file; its bytes may lie under another name, as an object of a cache does."""
    try:
        with opened() as stream:
            md5, sha256, size = _hash(stream)
            verdict = _judge(stream, size, _ending(name))
    except OSError as error:
        raise MlgitError(f"{name}: cannot be read: {error.strerror}") from error
    findings = tuple(verdict.findings)
    return Description(md5, sha256, size, verdict.format, bool(findings), findings, "" if findings else verdict.loader)


@dataclass(frozen=True, slots=True)
class MadeTypes:
    """What reading a file of skops would make: the names of all `types`, those that are on no list of safe ones (`unknown`),
    and what else may run code (`findings`, among them a line for each unknown type)."""

    format: str
    types: frozenset[str]
    unknown: tuple[str, ...]
    findings: tuple[str, ...]


def made_types(stream: BinaryIO, *, size: int, name: str, trust: frozenset[str] = frozenset()) -> MadeTypes:
    """What reading a model would make; types that are trusted are as good as safe ones."""
    verdict = _judge(stream, size, _ending(name), trust=trust)
    return MadeTypes(verdict.format, frozenset(verdict.types), tuple(verdict.unknown), tuple(verdict.findings))


def _ending(name: str) -> str:
    """By which a loader goes; some texts beside a model have none."""
    name = posixpath.basename(name)
    return ".txt" if name in _TEXTS else posixpath.splitext(name)[1].lower()


def _judge(stream: BinaryIO, size: int, ending: str, *, trust: frozenset[str] = frozenset()) -> Verdict:
    """The verdict; whatever a hostile file does to what looks through it, the answer is that it cannot be shown to be safe."""
    try:
        return model_format.judge(stream, size, ending, trust=trust)
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the disk's fault, not the file's
            raise
        what = f"{type(error).__name__}: {scans.brief(error)}"
        return Verdict("unknown", [f"it cannot be looked through ({what}), so it cannot be proven safe"])


def _hash(stream: BinaryIO) -> tuple[str, str, int]:
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    while chunk := stream.read(_CHUNK):
        md5.update(chunk)
        sha256.update(chunk)
        size += len(chunk)
    return md5.hexdigest(), sha256.hexdigest(), size
