"""Lists of folders that no folder can have, though their md5 is right: damaged objects to every command."""

from __future__ import annotations

import json
import os

import pytest

from mlgit.adapters.dvc.objects import Objects
from mlgit.adapters.system import digests

A = "d41d8cd98f00b204e9800998ecf8427e"


def rows(*paths):
    return json.dumps([{"md5": A, "relpath": path} for path in paths]).encode()


HOSTILE = {
    "a NUL": rows("a\0b"),
    "a NUL at the end": rows("a", "b\0"),
    "a file that is a folder too": rows("f", "f/g"),
    "a file that is a folder far below": rows("f/g/h/i", "f"),
    "a file twice": rows("a", "a"),
    "a way up": rows("../a"),
    "a way up inside": rows("a/../../b"),
    "an absolute path": rows("/etc/x"),
    "the folder itself": rows("."),
    "an empty name": rows(""),
    "an empty folder": rows("a//b"),
    "a folder's name": rows("a/"),
    "half a pair of surrogates": b'[{"md5": "%s", "relpath": "\\ud800"}]' % A.encode(),
    "the other half": b'[{"md5": "%s", "relpath": "a\\udc00"}]' % A.encode(),
    "a name too long": rows("a" * 256),
    "a name too long in bytes": rows("é" * 128),
    "an md5 that is a path": b'[{"md5": "../../x", "relpath": "a"}]',
    "an md5 in capitals": rows("a").replace(A.encode(), A.upper().encode()),
    "an md5 that is a number": b'[{"md5": 5, "relpath": "a"}]',
    "no md5": b'[{"relpath": "a"}]',
    "a name that is a number": rows(5),
    "a name that is a list": rows(["a"]),
    "a mapping": b'{"a": "b"}',
    "a text": b'"text"',
    "a number": b"5",
    "null": b"null",
    "rows that are lists": b'[["a", "b"]]',
    "rows that are nothing": b"[null]",
    "nothing": b"",
    "no JSON": b"\xff\xfe\x00",
    "JSON too deep": b"[" * 100_000,
    "a number too long": b"[" + b"9" * 5000 + b"]",
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_list_that_no_folder_can_have_is_refused(content):
    with pytest.raises(ValueError, match="not the list of a folder's files"):
        digests.parse_listing(content)


@pytest.mark.parametrize("paths", [(), ("a",), ("a", "a.b", "a-/b", "ab/c"), ("\udcff/é", "x" * 255), ("..a", "...", "a/.b")])
def test_list_of_any_folder_is_read(paths):
    assert [member.path for member in digests.parse_listing(rows(*paths))] == list(paths)


def test_list_too_large_to_be_one_is_not_read(tmp_path):
    store = Objects(str(tmp_path), folder_mode=0o755, strip=0)
    md5 = "00" * 16 + ".dir"
    os.makedirs(os.path.dirname(store.path(md5)))
    with open(store.path(md5), "wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(ValueError, match="not the list"):
        store.listing(md5)
