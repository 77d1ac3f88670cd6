"""Parquet files that hold more than their bytes, or columns that other formats do not have."""

from __future__ import annotations

import io
import tracemalloc

import pytest

from mlgit.errors import MlgitError
from mlgit.tables import limits
from mlgit.tables.digests import row_digests
from mlgit.tables.outline import measure
from mlgit.tables.profile import profile
from tests.kit.late import Module

pa = Module("pyarrow")
pq = Module("pyarrow.parquet")


def packed(columns, names):
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(columns, names=names), stream, store_schema=False)
    return stream.getvalue()


def test_text_that_comes_again_and_again_lies_in_memory_once():
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 1, None] * 400, pa.int32()), pa.array(["x" * (1 << 20), "y"]))
    content = packed([texts, pa.array(range(1200))], ["a", "k"])
    allocated = pa.total_allocated_bytes()
    profile(packed([pa.array(["x"])], ["a"]), path="t.parquet")  # what it imports is not counted
    tracemalloc.start()
    found = profile(content, path="t.parquet")
    digests = list(row_digests(content, path="t.parquet"))
    peak = tracemalloc.get_traced_memory()[1] + pa.default_memory_pool().max_memory() - allocated
    tracemalloc.stop()
    assert (found.rows, found.columns["a"].kind, found.columns["a"].missing) == (1200, "text", 400)
    assert len(set(digests)) == 1200
    assert peak < 300 << 20  # it would be 400 MiB as an array of Arrow's, and as much as texts of Python


def test_columns_of_one_name_are_two():
    content = packed([pa.array([1, 2]), pa.array(["x", "y"]), pa.array([True, None])], ["a", "a", "b"])
    assert measure(content, path="t.parquet").columns == ("a", "a.1", "b")
    found = profile(content, path="t.parquet").columns
    assert {name: each.kind for name, each in found.items()} == {"a": "integer", "a.1": "text", "b": "boolean"}
    same = b"a,a,b\n1,x,true\n2,y,\n"
    assert list(row_digests(content, path="t.parquet")) == list(row_digests(same, path="t.csv"))


def test_table_without_rows_or_without_columns():
    content = packed([pa.array([], pa.string()), pa.array([], pa.list_(pa.int8()))], ["a", "b"])
    found = profile(content, path="t.parquet")
    assert (found.rows, list(found.columns), list(row_digests(content, path="t.parquet"))) == (0, ["a", "b"], [])
    assert measure(packed([], []), path="t.parquet").columns == ()
    assert profile(packed([], []), path="t.parquet").rows == 0


def test_file_that_says_it_holds_too_much_is_not_read(monkeypatch):
    content = packed([pa.array([1] * 1000), pa.array(["x"] * 1000)], ["a", "b"])
    monkeypatch.setattr(limits, "PARQUET_VALUES", 1999)
    for read in (profile, lambda content, path: list(row_digests(content, path=path))):
        with pytest.raises(MlgitError, match="more than 1999 values"):
            read(content, path="t.parquet")
    assert measure(content, path="t.parquet").rows == 1000


def test_lists_of_one_length_are_values_and_no_second_dimension():
    for content, path in (
        (packed([pa.array([[1.5, 2.0], [3.0, 4.0]])], ["a"]), "t.parquet"),
        (b'{"a": [1.5, 2.0]}\n{"a": [3.0, 4.0]}\n', "t.jsonl"),
        (b'[{"a": [1.5, 2.0]}, {"a": [3.0, 4.0]}]', "t.json"),
    ):
        found = profile(content, path=path)
        assert (found.rows, found.columns["a"].counts) == (2, {"[1.5, 2.0]": 1, "[3.0, 4.0]": 1})


def test_lists_and_objects_are_the_same_in_json():
    content = packed([pa.array([[1, 2], None]), pa.array([{"y": 1, "x": "é"}, {"y": 2, "x": None}])], ["a", "b"])
    lines = '{"a": [1, 2], "b": {"x": "é", "y": 1}}\n{"b": {"y": 2, "x": null}}\n'.encode()
    assert list(row_digests(content, path="t.parquet")) == list(row_digests(lines, path="t.jsonl"))
    tables = profile(content, path="t.parquet"), profile(lines, path="t.jsonl")
    assert [(table.rows, table.columns["a"].counts, table.columns["a"].missing) for table in tables] == [
        (2, {"[1, 2]": 1}, 1)
    ] * 2
