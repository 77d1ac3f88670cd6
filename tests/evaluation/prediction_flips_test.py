"""Rows fixed and broken between two tables of predictions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.evaluation.paired_rows import pair
from mlgit.evaluation.prediction_flips import MOST_KEYS, turned
from mlgit.model_settings import CardFiles, Model
from tests.kit.sides import NASTY

MODEL = Model("churn", CardFiles("", ""), id="id", label="y", prediction="said")


def table(label, prediction, keys=None):
    return {"id": range(len(label)) if keys is None else keys, "y": label, "said": prediction}


def turns(baseline, current, model=MODEL):
    return turned(pair(model, baseline, current))


def test_rows_that_became_right_and_wrong_are_named():
    found = turns(table([0, 1, 1, 0], [0, 0, 1, 1]), table([0, 1, 1, 0], [1, 1, 1, 1]))
    assert (found.model, found.fixed, found.broken) == ("churn", 1, 1)
    assert (found.fixed_keys, found.broken_keys) == (("1",), ("0",))


def test_wrong_in_another_way_is_neither():
    found = turns(table(["a", "b", "c"], ["b", "b", "c"]), table(["a", "b", "c"], ["c", "b", "c"]))
    assert (found.fixed, found.broken) == (0, 0)


def test_long_lists_are_cut_and_counted():
    label = [1] * 250
    found = turns(table(label, [0] * 250), table(label, label))
    assert (found.fixed, found.fixed_keys, found.broken) == (250, tuple(map(str, range(MOST_KEYS))), 0)


def test_keys_are_given_as_they_are():
    keys = [NASTY, "é\u202e", ""]
    assert turns(table([1] * 3, [0] * 3, keys), table([1] * 3, [1] * 3, keys)).fixed_keys == tuple(keys)


@pytest.mark.parametrize(
    ("baseline", "current"),
    [
        (None, table([1, 0], [1, 0])),
        (table([], []), table([], [])),
        (table([1.5, 2.0], [1.5, 2.0]), table([1.5, 2.0], [1.4, 2.0])),
        (table([1, 2], [1.2, 2.0]), table([1, 2], [1.0, 2.0])),
        (table([1, 0], [1, np.nan]), table([1, 0], [1, 0])),
        (table(["a", "b"], ["a", None]), table(["a", "b"], ["a", "b"])),
        (table(["1", "0"], [1, 0]), table(["1", "0"], [1, 0])),
        (table([1, 0], [1, 0]), table([0, 0], [1, 0])),
        (table([1, 0], [1, 0]), {"id": [0, 1], "y": [1, 0]}),
        (table([1, 0], [1, 0]), table([1, 0], [1, 0], keys=[0, 2])),
        (table([1, 0], [1, np.inf]), table([1, 0], [1, 0])),
    ],
)
def test_where_right_and_wrong_say_nothing_there_is_nothing(baseline, current):
    assert turns(baseline, current) is None


rows = st.lists(st.tuples(*[st.sampled_from(["a", "b", "c"])] * 3), min_size=1, max_size=40)


@given(rows, st.randoms(use_true_random=False))
def test_numbers_add_up_whatever_the_order(drawn, random):
    label, old, new = (list(each) for each in zip(*drawn, strict=True))
    found = turns(table(label, old), table(label, new))
    right = [sum(one == other for one, other in zip(label, each, strict=True)) for each in (old, new)]
    assert right[1] - right[0] == found.fixed - found.broken
    back = turns(table(label, new), table(label, old))
    assert (back.fixed_keys, back.broken_keys) == (found.broken_keys, found.fixed_keys)
    places = random.sample(range(len(label)), len(label))
    shuffled = table([label[place] for place in places], [new[place] for place in places], places)
    assert turns(table(label, old), shuffled) == found


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=20))
def test_numbers_texts_and_truth_values_are_classes_alike(drawn):
    columns = [list(each) for each in zip(*drawn, strict=True)]

    def of(change):
        label, old, new = ([change(each) for each in column] for column in columns)
        found = turns(table(label, old), table(label, new))
        return found.fixed_keys, found.broken_keys

    assert of(int) == of(float) == of(str)
