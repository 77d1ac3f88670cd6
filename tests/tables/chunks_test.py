"""Tables in pieces: what each format holds, and files that are not what their name says."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.tables import chunks as adapter
from mlgit.tables import objects, small
from mlgit.tables.chunks import chunks
from mlgit.tables.parquet import kinds
from tests.kit.late import Module
from tests.kit.sides import NASTY

pd = Module("pandas")


def read(content, ending="csv", texts=()):
    """All rows of all pieces by column; None for a missing value."""
    found = {}
    for piece in chunks(content.encode() if isinstance(content, str) else content, path=f"t.{ending}", texts=texts):
        for name, values in piece.items():
            found.setdefault(name, []).extend(None if pd.isna(value) else value for value in np.asarray(values, object))
    return found


def test_csv_and_tsv():
    assert read("a,b\n1,x\n,y\n") == {"a": [1.0, None], "b": ["x", "y"]}
    assert read('a\tb\n1\t"p\nq"\n', "tsv") == {"a": [1], "b": ["p\nq"]}
    assert read("\ufeffa,b\r\n1,2\r\n") == {"a": [1], "b": [2]}
    assert read("a\n007\n", texts=["a"]) == {"a": ["007"]}


def test_no_rows_and_nothing_at_all():
    assert (read("a,b\n"), read(""), read("\n\n"), read("", "jsonl")) == ({"a": [], "b": []}, {}, {}, {})


def test_names_of_columns_are_kept_as_they_are():
    quoted = NASTY.replace('"', '""')
    assert list(read(f'"{quoted}","a|b","c\nd",\u202e\n1,2,3,4\n')) == [NASTY, "a|b", "c\nd", "\u202e"]


def test_rows_that_lack_fields_have_missing_values_and_too_many_fields_are_refused():
    assert read("a,b\n1\n") == {"a": [1], "b": [None]}
    for rows in ("1,2,3\n", "1,2\n1,2,3\n"):
        with pytest.raises(MlgitError, match="no table with commas between its fields"):
            read("a,b\n" + rows)


def test_open_quotes_are_refused_in_one_line():
    with pytest.raises(MlgitError, match="EOF inside string") as caught:
        read('a,b\n"1,2\n')
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04\0\0", "a,b\n1,2\n".encode("utf-16")])
@pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl"])
def test_bytes_that_no_text_has_are_refused(content, ending):
    with pytest.raises(MlgitError, match=r"not a text file \(NUL bytes\)"):
        read(content, ending)


def test_text_in_another_encoding_is_read_as_far_as_it_goes():
    assert read("a,b\né,1\n".encode("latin-1")) == {"a": ["\ufffd"], "b": [1]}


def test_json_lines():
    assert read('{"a": 1}\n\n{"a": "x", "b": [1]}\n', "jsonl")["a"] == [1, "x"]
    assert next(chunks(b'{"b": null}\n{"a": {"c": 1}}', path="t.ndjson"))["a"].tolist() == [None, {"c": 1}]


@pytest.mark.parametrize(
    ("content", "said"),
    [("[1]\n", "line 1 is no JSON object"), ("{}\n{\n", "line 2 is no JSON"), ("[" * 100_000, "line 1 is no JSON")],
)
def test_lines_that_are_no_objects_are_refused(content, said):
    with pytest.raises(MlgitError, match=said):
        read(content, "jsonl")


@pytest.mark.slow
def test_many_rows_and_many_columns_come_in_pieces(monkeypatch):
    monkeypatch.setattr(small, "MOST_BYTES", 0)
    monkeypatch.setattr(adapter, "_FIRST_ROWS", 2)
    monkeypatch.setattr(adapter, "_VALUES", 9)
    monkeypatch.setattr(objects, "_VALUES", 9)
    content = "a,b,c\n" + "".join(f"{row},x,\n" for row in range(10))
    assert [len(piece["a"]) for piece in chunks(content.encode(), path="t.csv")][:3] == [2, 3, 3]
    assert read(content)["a"] == list(range(10))
    lines = "".join(json.dumps({"a": row}) + "\n" for row in range(10))
    assert read(lines, "jsonl")["a"] == list(range(10))
    monkeypatch.undo()
    wide = read(",".join(f"c{number}" for number in range(10_000)) + "\n" + ",".join("1" for _ in range(10_000)) + "\n")
    assert (len(wide), wide["c9999"]) == (10_000, [1])


def test_parquet(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": [date(2024, 1, 2)] * 2})
    frame.to_parquet(tmp_path / "t.parquet")
    content = (tmp_path / "t.parquet").read_bytes()
    assert read(content, "parquet") == {"a": [1, 2], "b": ["x", None], "c": [date(2024, 1, 2)] * 2}
    assert kinds(content) == {"a": "integer", "b": "text", "c": "date32[day]"}
    for reader in (kinds, lambda content: read(content, "parquet")):
        with pytest.raises(MlgitError, match="no Parquet file"):
            reader(b"else")


@given(st.binary(max_size=200), st.sampled_from(["csv", "tsv", "jsonl"]))
def test_any_bytes_are_a_table_or_refused(content, ending):
    with suppress(MlgitError):
        found = read(content, ending)
        assert len({len(values) for values in found.values()}) <= 1 or ending == "jsonl"
