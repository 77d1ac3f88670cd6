"""Rows that break the contract stop the pipeline."""

import pytest

from example_project import contract, validate


def test_raw_data_holds_the_contract(raw):
    assert contract.problems(raw) == []


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        ("mean_radius", -1.0, "mean_radius: 1 values outside 0..10000"),
        ("mean_radius", float("nan"), "mean_radius: 1 missing values"),
        ("worst_area", float("inf"), "worst_area: 1 values outside 0..10000"),
        ("label", 2, "label: expected 0 and 1, found [0, 1, 2]"),
        ("id", 2, "id: 1 duplicates"),
    ],
)
def test_bad_row_is_named_and_refused(raw, column, value, problem):
    bad = raw.copy()
    bad.loc[0, column] = value
    with pytest.raises(ValueError) as caught:
        validate.validate(bad)
    assert str(caught.value) == problem


def test_text_among_numbers_is_refused(raw):
    bad = raw.assign(mean_area=raw["mean_area"].astype(str))
    assert contract.problems(bad) == ["mean_area: not numbers"]


def test_missing_column_is_named(raw):
    (problem,) = contract.problems(raw.drop(columns="mean_area"))
    assert "missing ['mean_area']" in problem


def test_table_cut_short_is_refused(raw):
    assert contract.problems(raw.tail(50)) == ["rows: 50, expected at least 100"]
