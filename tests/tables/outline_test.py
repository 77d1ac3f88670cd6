"""Rows and columns of tables."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.tables.outline import measure
from mlgit.tables.shape import Shape
from tests.kit.late import Module

pandas = Module("pandas")


def shape(text, ending="csv"):
    return measure(io.BytesIO(text if isinstance(text, bytes) else text.encode()), path=f"t.{ending}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n3,4\n", Shape(2, ("a", "b"))),
        ("a,b\n1,2\n3,4", Shape(2, ("a", "b"))),
        ('a,b\n"x\ny",2\n"say ""hi""",4\n', Shape(2, ("a", "b"))),
        ("a,b\r\n1,2\r\n\r\n", Shape(1, ("a", "b"))),
        ("\ufeffa,b\n", Shape(0, ("a", "b"))),
        ("", Shape(0, ())),
        (b"a,\xff\n1,2\n", Shape(1, ("a", "\ufffd"))),
        ("a\n" + "x" * 300_000 + "\n", Shape(1, ("a",))),
    ],
)
def test_csv(text, expected):
    assert shape(text) == expected


def test_limit_of_the_csv_module_is_left_as_it_was():
    before = csv.field_size_limit()
    shape("a\n1\n")
    assert csv.field_size_limit() == before


def test_tsv_and_json_lines():
    assert shape("a\tb,c\n1\t2\n", "tsv") == Shape(1, ("a", "b,c"))
    assert shape('{"a": 1, "b": "x"}\n\n{"a": 2}\n', "jsonl") == Shape(2, ("a", "b"))
    assert shape("", "ndjson") == Shape(0, ())
    assert shape('{"b": 1}\n{"a": 2}\n', "jsonl") == Shape(2, ("b", "a"))


@pytest.mark.parametrize(
    ("text", "ending"), [("no json\n", "jsonl"), ("[" * 100_000, "jsonl"), ("[1, 2]\n", "jsonl"), ("a\n", "txt")]
)
def test_content_in_another_format_has_no_shape(text, ending):
    with pytest.raises(MlgitError):
        shape(text, ending)


_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(st.lists(st.tuples(_TEXTS, _TEXTS.filter(bool)), max_size=20))
def test_rows_and_columns_are_those_that_pandas_reads(rows):
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([("a", "b"), *rows])
    text = stream.getvalue()
    frame = pandas.read_csv(io.StringIO(text, newline=""), dtype=str, keep_default_na=False)
    assert shape(text.encode("utf-8", "surrogatepass")) == Shape(len(frame), tuple(frame.columns))
