"""Packed tables, and files that are not what they seem: one sentence, and never more memory than is meant for them."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.tables.digests import row_digests
from mlgit.tables.outline import measure
from mlgit.tables.profile import profile
from tests.tables import written

ROWS = [(row, f"word {row}") for row in range(500)]
FILES = written.every(("a", "b"), ROWS)
PACKED = sorted(path for path in FILES if path.endswith(".gz"))


def digests(content, **named):
    return list(row_digests(content, **named))


def readers(content, path):
    """What each of the readers says, one after the other."""
    found = []
    for read in (measure, profile, digests):
        try:
            read(content, path=path)
            found.append("")
        except MlgitError as error:
            found.append(error.message)
    return found


@pytest.mark.parametrize("path", PACKED)
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda content: content[:-9], "damaged, or no gzip"),
        (lambda content: content[: len(content) // 2], "damaged, or no gzip"),
        (lambda content: content[:40] + b"\xff\xff\xff" + content[43:], "damaged, or no gzip"),
        (lambda content: content[:-8] + b"12345678", "damaged, or no gzip"),
        (lambda content: content + b"trailing garbage", "damaged, or no gzip"),
        (gzip.decompress, "damaged, or no gzip"),
        (lambda content: b"", "no gzip: the file has no bytes"),
    ],
    ids=["an end that is cut", "a half", "other bytes", "a wrong sum", "garbage after it", "a text", "nothing"],
)
def test_damaged_gzip_is_told_once_by_every_reader(path, damage, said):
    assert all(each.startswith(said) and "\n" not in each for each in readers(damage(FILES[path]), path))


@pytest.mark.parametrize("path", PACKED)
def test_members_one_after_the_other_are_one_file(path):
    text = gzip.decompress(FILES[path])
    content = gzip.compress(text[:100]) + gzip.compress(b"") + gzip.compress(text[100:]) + b"\0" * 20
    assert measure(content, path=path).rows == profile(content, path=path).rows == 500
    assert list(row_digests(content, path=path)) == list(row_digests(FILES[path], path=path))


def test_packed_nothing_is_a_table_without_rows():
    assert profile(gzip.compress(b""), path="t.csv.gz").rows == measure(gzip.compress(b""), path="t.jsonl.gz").rows == 0


def bomb(begin, row, size):
    """About 1000 times smaller than what it holds, made without holding it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(begin)]
    parts += [packer.compress(row * (1 << 16)) for _ in range(size // (len(row) << 16))]
    return b"".join([*parts, packer.flush()])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "begin", "row"),
    [
        ("t.csv.gz", b"a,b\n", b"1,2\n"),
        ("t.jsonl.gz", b"", b'{"a": 1}\n'),
        ("t.json.gz", b"[", b"1,"),
        ("t.csv.gz", b"a\n", b"xxxxxxxx"),
    ],
)
def test_bomb_of_gzip_is_refused_and_never_in_memory(path, begin, row):
    content = bomb(begin, row, 36 << 20)
    assert len(content) < 1 << 19
    profile(b"a\n1\n", path="t.csv")  # what it imports is not counted
    tracemalloc.start()
    said = [_message(read, content, path=path, most=1 << 18) for read in (measure, profile, digests)]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert set(said) == {"more than 256 KiB, so it is not read"}
    assert peak < 28 << 20


def _message(read, *given, **named):
    with pytest.raises(MlgitError) as caught:
        read(*given, **named)
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "path", "said"),
    [
        ('a,b\n1,2\n3,"4\n', "t.csv", "EOF inside string"),
        ("a,b\n1,2\n1,2,3\n", "t.csv", "no table with commas between its fields"),
        ("a\tb\n1\t2\t3\n", "t.tsv", "no table with tabs between its fields"),
        ("a,b\n1,\0\n", "t.csv", "not a text file"),
        ('{"a": 1}\n{"a": ' + "[" * 100_000, "t.jsonl", "line 2 is no JSON"),
        ("[" * 100_000, "t.json", "no JSON"),
        ('{"a": ' + "9" * 5000 + "}", "t.jsonl", "line 1 is no JSON"),
        ('{"a": 1}', "t.json", "no list of JSON objects"),
        ("", "t.json", "no JSON"),
        ("", "t.parquet", "no Parquet file"),
        ("PAR1" * 9, "t.parquet", "no Parquet file"),
        ("a,b\n", "t.txt", "no table: it ends in none of csv, tsv, json"),
        ("a,b\n", "csv", "no table: it ends in none of"),
        ("PAR1", "t.parquet.gz", "no table: it ends in none of"),
    ],
)
def test_what_is_no_table_is_told_by_every_reader(content, path, said):
    assert all(said in each and "\n" not in each for each in readers(content.encode(), path)), readers(content.encode(), path)


def test_bytes_that_are_no_utf8_are_read_as_far_as_they_go_and_tell_rows_apart():
    content = b"a,b\n\xe9,1\n\xe8,1\n"
    assert (measure(content, path="t.csv").rows, profile(content, path="t.csv").rows) == (2, 2)
    assert len(set(row_digests(content, path="t.csv"))) == 2


def test_reading_leaves_a_stream_open_and_begins_at_its_beginning():
    stream = io.BytesIO(FILES["t.csv.gz"])
    stream.seek(5)
    assert measure(stream, path="t.csv.gz").rows == profile(stream, path="t.csv.gz").rows == 500


@given(st.binary(max_size=200), st.sampled_from(sorted(FILES)), st.booleans())
def test_any_bytes_are_the_same_table_to_every_reader_or_refused(content, path, is_packed):
    if is_packed and path.endswith(".gz"):
        content = gzip.compress(content)
    with suppress(MlgitError):
        found = profile(content, path=path)
        assert measure(content, path=path).rows == found.rows == len(list(row_digests(content, path=path)))


@given(st.text(st.sampled_from('a1,"\n\r \t'), max_size=14), st.sampled_from(["t.csv", "t.tsv"]))
def test_any_text_with_separators_has_as_many_rows_for_every_reader_or_is_refused_by_all(text, path):
    said = readers(text.encode(), path)
    assert not any(said) or all(said)
    if not any(said):
        assert measure(text.encode(), path=path).rows == profile(text.encode(), path=path).rows


def test_separator_after_an_empty_line_that_ends_with_a_return_alone_is_not_lost():
    found = profile(b'a,b\r\r,1\r\r"x,y",2\r', path="t.csv")
    assert (found.rows, list(found.columns), found.columns["a"].missing) == (2, ["a", "b"], 1)
    assert found.columns["b"].numbers.tolist() == [1, 2]
