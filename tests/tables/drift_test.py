"""How a table of data changed: rows, columns, and how far values moved."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.tables import columns
from mlgit.tables.columns import MOST_VALUES, gather
from mlgit.tables.drift import FEWEST_ROWS, TableDrift, measure, profiles
from tests.kit.sides import NASTY

RANDOM = np.random.default_rng(1)


def table(**values):
    return gather([{name: np.asarray(each, dtype=object if None in list(each) else None) for name, each in values.items()}])[0]


def normal(number=1000, at=0.0, seed=1):
    return np.random.default_rng(seed).normal(at, 1, number)


def test_rows_and_columns_that_came_went_and_changed_kind():
    before = table(a=[1.0] * 40, b=["x"] * 40, c=[True] * 40, kept=[0.5] * 40)
    now = table(b=[1] * 44, c=[True] * 44, new=["y"] * 44, kept=[0.5] * 44)
    found = measure("d.csv", before, now)
    assert (found.rows_before, found.rows_now) == (40, 44)
    assert (found.added, found.removed, found.retyped) == (("new",), ("a",), ("b",))
    assert found.moved == (("c", 0.0), ("kept", 0.0))


def test_columns_that_moved_come_first():
    before = table(same=normal(), far=normal(), near=normal(), place=["EU", "US"] * 500)
    now = table(same=normal(seed=2), far=normal(at=2, seed=3), near=normal(at=0.5, seed=4), place=["EU"] * 900 + ["US"] * 100)
    found = dict(measure("d.csv", before, now).moved)
    assert list(found) == ["far", "place", "near", "same"]
    assert found["same"] < 0.05
    assert found["near"] > 0.1
    # two shares of a half became 9 and 1 of 10
    assert math.isclose(found["place"], 0.4 * math.log(1.8) - 0.4 * math.log(0.2), rel_tol=1e-9)


def test_missing_values_count():
    numbers = [float(each) for each in range(100)] * 10
    before, now = table(a=numbers, b=["x"] * 1000), table(a=[None] * 500 + numbers[500:], b=[None] * 500 + ["x"] * 500)
    found = dict(measure("d.csv", before, now).moved)
    assert min(found.values()) > 1


def test_values_never_seen_before_count():
    before, now = table(a=["x", "y"] * 500), table(a=["x", "z"] * 500)
    assert dict(measure("d.csv", before, now).moved)["a"] > 1


def test_keys_and_names_of_single_rows_are_left_out():
    words = [f"name {number}" for number in range(100)]
    found = measure(
        "d.csv", table(id=range(100), who=words, x=normal(100)), table(id=range(900, 1000), who=words, x=normal(100))
    )
    assert [name for name, _ in measure("d.csv", table(id=range(100)), table(id=range(900, 1000)), keys=["id"]).moved] == []
    assert [name for name, _ in found.moved] == ["id", "x"]
    assert found.reason == "not compared, for too many of their values are different: who"


def test_more_texts_than_are_counted_are_left_out():
    texts = [str(number) + "x" for number in range(MOST_VALUES + 1)] * 2
    assert measure("d.csv", table(a=texts), table(a=texts)).moved == ()


@pytest.mark.parametrize("number", [0, 1, FEWEST_ROWS - 1])
def test_few_rows_tell_nothing(number):
    found = measure("d.csv", table(a=normal(100)), table(a=normal(number, at=9)))
    assert (found.rows_now, found.moved) == (number, ())
    assert found.reason == f"too few rows ({number}) to tell whether values moved: {FEWEST_ROWS} are needed"


@pytest.mark.parametrize(("number", "seed"), [(number, seed) for number in (30, 60, 200, 1000) for seed in range(15)])
def test_samples_of_one_source_are_stable(number, seed):
    drawn = np.random.default_rng(seed)
    sides = [table(a=drawn.normal(0, 1, number), b=drawn.choice(["x", "y", "z"], number)) for _ in range(2)]
    assert all(index < 0.6 * (30 / number) ** 0.5 for _, index in measure("d.csv", *sides).moved)


def test_column_that_was_or_is_empty():
    before, now = table(a=[None] * 50, b=[1] * 50, c=["x"] * 50), table(a=[1] * 50, b=[None] * 50, c=[None] * 50)
    found = measure("d.csv", before, now)
    assert found.retyped == ()
    assert {name: index > 1 for name, index in found.moved} == {"b": True, "c": True}
    sides = profiles(before, now)
    assert sides[0].columns == sides[1].columns == {"a": "number", "b": "number", "c": "text"}


def test_side_that_is_not_there_or_cannot_be_read():
    known = table(a=[1, 2])
    assert measure("d.csv", None, known).reason == "new file"
    assert measure("d.csv", known, None).reason == "file removed"
    unread = columns.unread("not in the cache", "`dvc pull`")
    assert measure("d.csv", unread, known) == TableDrift("d.csv", None, 2, reason="before: not in the cache; `dvc pull`")
    assert measure("d.csv", unread, unread).reason == "not in the cache; `dvc pull`"
    assert profiles(unread, known)[0] is None
    large = columns.named(5, ["a", "b"], reason="large")
    found = measure("d.csv", known, large)
    assert (found.rows_now, found.added, found.retyped, found.moved, found.reason) == (5, ("b",), (), (), "now: large")


def test_infinite_and_huge_numbers_are_bins_like_others():
    values = [math.inf, -math.inf, 10**400, -(10**400), 1e308, *range(95)]
    assert dict(measure("d.csv", table(a=values), table(a=values)).moved) == {"a": 0.0}


def test_pieces_make_one_table_and_kinds_that_differ_are_named():
    pieces = [{"a": np.array([1, 2]), "b": np.array([True] * 2)}, {"a": np.array(["x"]), "c": np.array([None])}]
    found, mixed = gather(pieces)
    assert (found.rows, mixed) == (3, ("a",))
    assert {name: (each.kind, each.missing) for name, each in found.columns.items()} == {
        "a": ("mixed", 0),
        "b": ("boolean", 1),
        "c": ("empty", 3),
    }


names = st.sampled_from(["a", "b|c", "d\ne", NASTY])
values = st.one_of(
    st.lists(st.floats(), min_size=1, max_size=4),
    st.lists(st.integers(), min_size=1, max_size=4),
    st.lists(st.text(max_size=3), min_size=1, max_size=4),
    st.lists(st.one_of(st.none(), st.booleans()), min_size=1, max_size=4),
    st.lists(st.one_of(st.none(), st.integers(), st.text(max_size=2)), min_size=1, max_size=4),
)


@st.composite
def tables(draw):
    rows = draw(st.integers(0, 80))
    drawn = draw(st.dictionaries(names, values, max_size=4))
    return {name: np.resize(np.array(each, dtype=object), rows) for name, each in drawn.items()}


@given(tables(), tables())
def test_any_two_tables_are_compared_without_a_fault(one, other):
    before, now = (gather([each])[0] for each in (one, other))
    found = measure("d.csv", before, now)
    assert set(found.added) == other.keys() - one.keys()
    assert set(found.removed) == one.keys() - other.keys()
    assert {*dict(found.moved), *found.retyped} <= one.keys() & other.keys()
    assert all(index >= 0 and math.isfinite(index) for _, index in found.moved)
    assert [index for _, index in found.moved] == sorted((index for _, index in found.moved), reverse=True)


@given(tables(), st.integers(0, 80))
def test_table_compared_with_itself_in_pieces_and_another_order_has_not_moved(one, cut):
    if one:
        order = np.random.default_rng(0).permutation(len(next(iter(one.values()))))
        pieces = [
            {name: each[order][:cut] for name, each in one.items()},
            {name: each[order][cut:] for name, each in one.items()},
        ]
        found = measure("d.csv", gather([one])[0], gather(pieces)[0])
        assert (found.added, found.removed, sum(index for _, index in found.moved)) == ((), (), 0)
