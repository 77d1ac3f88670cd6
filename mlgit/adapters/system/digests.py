"""Content as DVC names it: the md5 of a file's bytes, and for a folder the md5 of its sorted list of files and md5s."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple

_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch
_TOO_LONG = re.compile(rb"[^/\0]{256}").search  # of no common file system
_SUSPECT = re.compile(r"/\.{0,2}/").search


class Content(NamedTuple):
    """The digest of a file or folder: md5 (ending in `.dir` for a folder), bytes, number of files, executable or not."""

    md5: str
    size: int
    nfiles: int | None = None
    isexec: bool = False


class Member(NamedTuple):
    """A file of a folder: its path relative to it, and its md5."""

    path: str
    md5: str


def listing(members: Iterable[tuple[str, str]]) -> bytes:
    """The bytes of DVC's `.dir` object for these files, given as (path, md5)."""
    rows = [f'{{"md5": "{md5}", "relpath": {quoted(path)}}}' for path, md5 in sorted(members)]
    return f"[{', '.join(rows)}]".encode()


def listing_md5(members: Iterable[tuple[str, str]]) -> str:
    """The digest of a folder with these files."""
    return hashlib.md5(listing(members), usedforsecurity=False).hexdigest() + ".dir"


def parse_listing(content: bytes) -> list[Member]:
    """The files named in a `.dir` object.

    Raises ValueError for what is no such list, and for one that no folder can have: such objects can come from a remote,
    and what they hold becomes paths.
    """
    try:
        found = [Member(row["relpath"], row["md5"]) for row in json.loads(content)]
        wrong = _wrong(found)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("not the list of a folder's files") from error
    if wrong:
        raise ValueError(f"not the list of a folder's files: {wrong}")
    return found


def _wrong(found: list[Member]) -> str:
    """Why these cannot be the files of one folder; '' where they can. Raises ValueError or TypeError for what is no text."""
    paths = {path for path, _ in found}
    if len(paths) < len(found):
        return "a file named twice"
    # names that are not UTF-8 stand there as Python reads them; no other half of a pair of surrogates is in a name
    names = "\0".join(path for path, _ in found).encode("utf-8", "surrogateescape")
    if names.count(b"\0") > max(0, len(found) - 1) or _TOO_LONG(names):
        return "a name that no file can have"
    for path, md5 in found:
        if not _MD5(md5) or not path or (_SUSPECT(f"/{path}/") and not {"", ".", ".."}.isdisjoint(path.split("/"))):
            return f"{path!r}, {md5!r}"
    for folder in {path.rpartition("/")[0] for path in paths}:
        above = (folder[:end] for end, char in enumerate(folder) if char == "/")
        if folder in paths or not paths.isdisjoint(above):
            return f"a file where a folder is: {folder!r}"
    return ""
