"""Columns of predictions as pandas reads them: keys that may be numbers, and columns that nobody asked for."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.errors import MlgitError
from mlgit.tables.selection import select

PACKED = "p.csv.gz"  # which pandas reads, however small


def selected(text, *, names=("id", "y"), texts=("id",), keys=("id",)):
    return select(gzip.compress(text.encode()), path=PACKED, names=names, texts=texts, keys=keys)


@given(st.lists(st.integers(0, 10**18 - 1), min_size=1, max_size=9))
def test_keys_that_are_whole_numbers_are_read_as_such(keys):
    found = selected("id,y\n" + "".join(f"{key},1\n" for key in keys))["id"]
    assert found.dtype == "int64"
    assert found.tolist() == keys


@pytest.mark.parametrize("odd", ["007", "-1", "+1", " 1", "1.0", "1e3", "a", "1" * 19, "é", "1 ", '"1,2"', "9" * 40])
def test_other_keys_are_texts_as_they_are_written(odd):
    found = selected(f"id,y\n1,1\n{odd},1\n")["id"]
    assert found.tolist() == ["1", odd.strip('"')]


def test_key_that_is_missing_leaves_texts():
    found = selected("id,y\n1,1\n,1\n2,1\n")["id"].tolist()
    assert found[::2] == ["1", "2"]
    assert found[1] != found[1]


def test_key_that_is_no_number_far_down_makes_all_of_them_texts():
    rows = [f"{key},1" for key in range(3000)]
    found = selected("\n".join(["id,y", *rows, "x,1\n"]))["id"].tolist()
    assert found == [*map(str, range(3000)), "x"]


def test_columns_that_nobody_asked_for_may_hold_anything():
    found = selected('id,more,y,more,\n1,"long, é",0,2024-01-01,\n2,,1,x,é\n', names=("id", "y", "more.1"))
    assert {name: each.tolist() for name, each in found.items()} == {"id": [1, 2], "y": [0, 1], "more.1": ["2024-01-01", "x"]}


def test_second_column_of_a_name_is_no_number_because_the_first_is_the_key():
    found = selected("id,id\n1,01\n2,1\n", names=("id", "id.1"))
    assert {name: each.tolist() for name, each in found.items()} == {"id": ["1", "2"], "id.1": ["01", "1"]}


def test_row_with_too_many_fields_is_refused_though_they_belong_to_no_column_that_is_read():
    with pytest.raises(MlgitError, match="fields"):
        selected("id,y,more\n1,0,a\n2,1,b,c\n")
