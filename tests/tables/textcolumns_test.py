"""Columns of texts in Arrow: the same texts, order and places as those of Python."""

from __future__ import annotations

import gzip
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.statistics.rows import Coded
from mlgit.tables import parquet
from mlgit.tables.selection import select
from tests.kit.late import Module

pa = Module("pyarrow")
textcolumns = Module("mlgit.tables.textcolumns")

TEXTS = st.lists(st.sampled_from(["", "a", "b", "é", "ab", "ba", "zz", "10", "9", "漢", "a\0"]), min_size=1, max_size=6)


def column(texts):
    return textcolumns.ArrowTexts(pa.chunked_array([texts[:2], texts[2:]], type=pa.string()))


@given(TEXTS)
def test_column_is_ascending_where_sizes_and_then_letters_are(texts):
    ranks = [(len(each), each) for each in texts]
    assert column(texts).is_ascending() == all(one < other for one, other in pairwise(ranks))


@given(TEXTS, TEXTS | st.randoms())
def test_places_are_those_of_the_same_texts_each_once(texts, other):
    other = other if isinstance(other, list) else other.sample(texts, len(texts))
    is_one_to_one = sorted(texts) == sorted(other) and len(set(texts)) == len(texts)
    found = column(texts).places_in(column(other))
    assert (found is not None) == is_one_to_one
    assert found is None or [other[place] for place in found] == texts


@given(TEXTS, st.data())
def test_column_is_its_texts(texts, data):
    places = np.array(data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1)))
    found = column(texts)
    assert [*found] == np.asarray(found).tolist() == found.tolist() == texts
    assert np.asarray(found[places]).tolist() == [texts[place] for place in places]
    assert found.joined(1, len(texts)) == "\0".join(texts[1:])


@pytest.mark.parametrize("odd", [["a", None], [1, 2], [["a"], ["b"]], pa.array(["a", None]).dictionary_encode()])
def test_anything_else_is_no_column_of_texts(odd):
    assert parquet.texts(pa.array(odd) if isinstance(odd, list) else odd) is None


def test_names_of_many_rows_stay_in_arrow_and_classes_are_numbered():
    keys, labels = [f"k{place}" for place in range(textcolumns.FEWEST_ROWS)], ["yes", "no"] * (textcolumns.FEWEST_ROWS // 2)
    lines = "\n".join(map(",".join, zip(["id", *keys], ["y", *labels], strict=True)))
    found = select(gzip.compress(lines.encode()), path="p.csv.gz", names=("id", "y"), texts=("id",), keys=("id",))
    assert isinstance(found["id"], textcolumns.ArrowTexts)
    assert isinstance(found["y"], Coded)
    assert found["y"].names == ("no", "yes")
    assert (found["id"].tolist(), found["y"].tolist()) == (keys, labels)
