"""Content as DVC names it: the md5 of a file's bytes, and for a folder the md5 of its sorted list of files and md5s."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii as quoted
from typing import NamedTuple

_MD5 = re.compile(r"[0-9a-f]{32}").fullmatch
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

    Raises ValueError for a path that would lead out of the folder and for an md5 that is none: such objects can come
    from a remote, and both become paths.
    """
    found = [Member(row["relpath"], row["md5"]) for row in json.loads(content)]
    for path, md5 in found:
        if not _MD5(md5) or (_SUSPECT(f"/{path}/") and not {"", ".", ".."}.isdisjoint(path.split("/"))):
            raise ValueError(f"not the list of a folder's files: {path!r}, {md5!r}")
    return found
