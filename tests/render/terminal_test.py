"""What a terminal shows: colours, and columns that line up in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.render.terminal import paint, table, width

ANY_TEXT = st.text(max_size=30)


@pytest.mark.parametrize(("style", "code"), [("bold", "1"), ("red", "31")])
def test_paint_wraps_text_in_a_style(style, code):
    assert paint("x", style, color=True) == f"\x1b[{code}mx\x1b[0m"


def test_paint_without_color_is_the_text():
    assert paint("x", "red", color=False) == "x"


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("ﾊ", 1), ("é", 1), ("☂\ufe0f", 1), ("", 0)]
)
def test_width_counts_columns(text, columns):
    assert width(text) == columns


def test_table_aligns_columns_of_any_script():
    assert table(("name", "n"), [("日本", "1"), ("abcdef", "22")], right=[1]) == "name     n\n日本     1\nabcdef  22"


@given(st.lists(st.tuples(ANY_TEXT, ANY_TEXT), max_size=5))
def test_table_has_one_line_per_row(rows):
    assert len(table(("a", "b"), rows).split("\n")) == len(rows) + 1


def test_table_without_rows_is_its_header():
    assert table(("a", "b"), []) == "a  b"
