"""What is read without pandas is what pandas reads, value for value and type for type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.tables import formats, small
from mlgit.tables.chunks import _of_separated
from tests.tables import written

CSV = formats.known("t.csv")
MOST = 1 << 20
_fields = {
    "whole": st.integers(-(10**20), 10**20).map(str),
    "digits": st.from_regex(r"[+-]?[0-9]{1,20}", fullmatch=True),
    "number": st.one_of(
        st.floats().map(repr), st.from_regex(r"[+-]?[0-9]{0,4}\.?[0-9]{0,20}([eE][+-]?[0-9]{1,4})?", fullmatch=True)
    ),
    "truth": st.sampled_from(["True", "false", "TRUE", "0", "1", "yes"]),
    "word": st.sampled_from(["NA", "nan", "null", "None", "inf", "-Infinity", "a", "x y", " 1", "1 ", "n/a", "<NA>", "1.#IND"]),
    "text": st.text(st.characters(exclude_categories=["C"]), max_size=6),
    "day": st.dates().map(str),
}


@st.composite
def _columns(draw):
    """Fields of one kind, now and then with one of another kind or none between."""
    fields = _fields[draw(st.sampled_from(sorted(_fields)))]
    odd = st.one_of(*_fields.values(), st.just(""))
    return draw(st.lists(st.one_of(fields, fields, fields, fields, odd), min_size=4, max_size=4))


def by_pandas(content, texts, literally):
    try:
        (found,) = [piece for piece in _of_separated(content, CSV, dict.fromkeys(texts, str), literally, MOST) if piece]
    except MlgitError:
        return None
    return found


@given(st.lists(_columns(), min_size=1, max_size=3), st.booleans(), st.booleans())
def test_a_small_table_has_the_columns_that_pandas_gives_it(columns, literally, is_text):
    names = [f"c{place}" for place in range(len(columns))]
    content = written.separated(names, list(zip(*columns, strict=True)))
    texts = names[:1] if is_text else ()
    found = small.columns(content, table=CSV, texts=texts, literally=literally, most=MOST)
    expected = by_pandas(content, texts, literally)
    if found is None or expected is None:
        assert found is None
        return
    assert list(found) == list(expected)
    for name, values in found.items():
        assert values.dtype == expected[name].dtype
        assert list(map(repr, values)) == list(map(repr, expected[name]))


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        (["1", "2"], "i"),
        (["0.5", "1e-3"], "f"),
        (["7", ""], "f"),
        (["", ""], "f"),
        (["True", "False"], "b"),
        (["M", "F"], "O"),
        (["2026-01-01", ""], "O"),
        (["1", "x"], "O"),
    ],
)
def test_what_tables_of_predictions_hold_is_read_without_pandas(fields, kind):
    content = written.separated(["id", "value"], list(enumerate(fields)))
    found = small.columns(content, table=CSV, texts=(), literally=True, most=MOST)
    assert found is not None
    assert found["value"].dtype.kind == kind


@pytest.mark.parametrize("content", [b"", b"a,b\n", b"a\n1,2,3\n", b'a\n"x\n', b"a,b\n1,x\n" * (MOST // 4)])
def test_what_is_empty_broken_or_large_is_left_to_pandas(content):
    assert small.columns(content, table=CSV, texts=(), literally=True, most=4 * MOST) is None


def test_the_last_digit_of_a_number_does_not_depend_on_who_reads_it():
    numbers = np.random.default_rng(5).random(2000)
    content = written.separated(["id", "value"], list(enumerate(map(repr, numbers.tolist()))))
    pieces = [piece["value"] for piece in _of_separated(content, CSV, {}, True, MOST)]
    assert np.concatenate(pieces).tolist() == numbers.tolist()
