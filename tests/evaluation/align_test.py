"""Rows brought together by key."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.evaluation.align import Aligned, Misaligned, align


@given(st.lists(st.integers(), unique=True, min_size=1, max_size=30), st.randoms())
def test_same_keys_in_any_order_come_together(keys, random):
    mixed = random.sample(keys, len(keys))
    # as readers give whole numbers of any length
    found = align(np.array(keys, dtype=object), [str(key) for key in mixed])
    assert isinstance(found, Aligned)
    assert [keys[place] for place in found.baseline] == [mixed[place] for place in found.current] == keys


@pytest.mark.parametrize(
    ("baseline", "current", "said"),
    [
        ([1, 2, 2], [1, 2, 3], "1 key more than once in the baseline, 1 row is new (such as 2, 3)"),
        ([1, 2], [1, 1, 2, 2], "2 keys more than once in the current rows (such as 1, 2)"),
        ([1, 2, 3], [1], "2 rows of the baseline are missing (such as 2, 3)"),
        (["a", None], ["a", "b"], "1 row without a key"),
        ([1, np.nan], [1, np.nan], "2 rows without a key"),
    ],
)
def test_rows_that_are_not_the_same_are_counted(baseline, current, said):
    found = align(baseline, current)
    assert isinstance(found, Misaligned)
    assert said in found.reason


@given(st.lists(st.integers(0, 9), max_size=12), st.lists(st.integers(0, 9), max_size=12))
def test_rows_align_only_when_keys_are_the_same_set(one, other):
    is_same = sorted(one) == sorted(other) and len(set(one)) == len(one)
    assert isinstance(align(one, other), Aligned) == is_same
