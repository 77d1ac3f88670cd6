"""Tables that would take far more memory than they have bytes are refused before anything of them is taken apart."""

from __future__ import annotations

import tracemalloc

import pytest

from mlgit.errors import MlgitError
from mlgit.tables import chunks, outline

MANY = 2_000_000
HUGE = {
    "columns without names": (b"," * MANY, "csv"),
    "columns over several lines": (b'"a\n\n",' + b"," * MANY + b"\n1\n", "csv"),
    "columns of a table with tabs": (b"\t" * MANY + b"\n", "tsv"),
    "columns before a single carriage return": (b"x," * MANY + b"\r1,2\r", "csv"),
    "a cell": (b"a,b\n1," + b"x" * (17 << 20), "csv"),
    "a line in the middle": (b"a,b\n" + b"1,2\n" * 1000 + b"x" * (17 << 20) + b"\n1,2\n", "csv"),
    "a line of JSON": (b'{"a": "' + b"x" * (17 << 20) + b'"}\n', "jsonl"),
    "keys of one row": (b"{" + b",".join(b'"%d":1' % each for each in range(200_000)) + b"}\n", "jsonl"),
    "lists in lists": (b'{"a": [' + b"[]," * 5_000_001 + b"[]]}\n", "jsonl"),
}


def read(content, ending):
    return list(chunks.chunks(content, path=f"t.{ending}"))


@pytest.mark.parametrize(("content", "ending"), HUGE.values(), ids=HUGE)
def test_table_that_grows_beyond_its_bytes_is_refused(content, ending):
    read(b"a\n1\n", "csv")  # what it imports is not counted
    tracemalloc.start()
    with pytest.raises(MlgitError, match="so it is not read"):
        read(content, ending)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * len(content) + (1 << 20)


def test_rows_that_share_no_key_are_refused_as_columns():
    lines = [b"{" + b",".join(b'"%d":1' % (40_000 * row + each) for each in range(40_000)) + b"}" for row in range(3)]
    rows = [b'{"k%d": 1}' % each for each in range(10_000)]
    for content, ending in ((b"\n".join(lines), "jsonl"), (b"[" + b",".join(rows) + b"]", "json")):
        with pytest.raises(MlgitError, match="columns, so it is not read"):
            read(content, ending)


@pytest.mark.slow
def test_wide_tables_and_long_texts_are_read():
    wide = b",".join(b"c%d" % each for each in range(3000)) + b"\n" + b",".join([b"1"] * 3000) + b"\n"
    assert sum(len(piece) for piece in read(wide, "csv")[:1]) == 3000
    text = b"a:" * 200_000
    assert len(read(b'{"id": 1, "text": "' + text + b'"}\n', "jsonl")[0]["text"][0]) == len(text)
    assert len(read(b'id,text\n1,"' + b"a,\nb" * 100_000 + b'"\n', "csv")[0]["text"]) == 1


@pytest.mark.slow
def test_long_tables_are_read_to_their_end():
    content = b"a,b\n" + b"12345678,x\n" * 1_600_000
    assert outline.measure(content, path="t.csv").rows == 1_600_000
    with pytest.raises(MlgitError, match="a line of more than 16 MiB"):
        outline.measure(content + b"x" * (17 << 20), path="t.csv")
