"""Names of trials say what is tried, and hold where Git, DVC and file systems take them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlgit.experiments import trial
from mlgit.experiments.trial_name import name_of


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"train.C": 0.2}, "C-0.2-"),
        ({"train.C": 0.2, "train.depth": 4}, "C-0.2_depth-4-"),
        ({"train.lr": 0.1, "model.lr": 1e-05}, "train.lr-0.1_model.lr-1e-5-"),
        ({"conf/net.yaml:width": 64, "width": 2}, "yaml.width-64_width-2-"),
        ({"lr": 0.000148972}, "lr-0.000149-"),
        ({"a": True, "b": None, "c": [64, 32]}, "a-true_b-null_c-64-32-"),
        ({"name": "../../etc/passwd"}, "name-.-.-etc-passwd-"),
        ({"größe": "ä"}, "gr-e-"),
        ({"x": -1}, "x--1-"),
        ({}, "trial-"),
    ],
)
def test_name_begins_with_what_is_set(changes, start):
    found = name_of(changes, tree="a" * 40)
    assert found.startswith(start)
    assert len(found) == len(start) + 6


def test_name_is_of_settings_files_and_targets_and_of_nothing_else():
    name = name_of({"a": 1, "b": 2}, tree="1")
    assert name_of({"a": 1, "b": 2}, tree="1", targets=[]) == name
    assert name_of({"b": 2, "a": 1}, tree="1")[-6:] == name[-6:]
    others = [
        name_of({"a": 1, "b": 2}, tree="2"),
        name_of({"a": 1, "b": 2}, tree="1", targets=["t"]),
        name_of({"a": 1.0, "b": 2}, tree="1"),
    ]
    assert len({each[-6:] for each in [name, *others]}) == 4


def test_order_and_repetition_of_targets_does_not_matter():
    assert name_of({}, tree="1", targets=["b", "a", "a"]) == name_of({}, tree="1", targets=["a", "b"])


def test_name_of_another_trial_gets_more_digits():
    taken = {name_of({"a": 1}, tree="1")}
    found = name_of({"a": 1}, tree="1", is_other=taken.__contains__)
    assert found.startswith(next(iter(taken)))
    assert len(found) == len(next(iter(taken))) + 2


def test_search_for_a_free_name_ends():
    assert trial.is_name(name_of({"a": 1}, tree="1", is_other=lambda name: True))


def test_many_settings_are_cut_where_the_name_would_be_too_long():
    changes = {f"section.parameter{place}": place for place in range(50)}
    found = name_of(changes, tree="1")
    assert found.startswith("parameter0-0_parameter1-1_")
    assert len(found) <= 60


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=20),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.lists(st.integers(), max_size=3),
        max_size=6,
    ),
    st.integers(0, 40),
)
def test_every_name_is_one(changes, refused):
    count = iter(range(1000))
    assert trial.is_name(name_of(changes, tree="1", is_other=lambda name: next(count) < refused))
