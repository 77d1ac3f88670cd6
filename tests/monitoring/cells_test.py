"""Values into cells: the same values in another format fall into the same cells, and what the reference never had is seen."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.monitoring import cells, sketching
from mlgit.monitoring.sketching import WatchedColumn


def texts(*values):
    return np.fromiter(values, dtype=object, count=len(values))


def placed(cut, values):
    return cells.place(cut, values)[0].tolist()


def sums(values, *, is_classified=False, kind="number"):
    ((cut, counts),) = sketching.counted([WatchedColumn("x", kind, is_classified)], [{"x": values}])
    return cut, counts


@pytest.mark.parametrize("constant", [0.0, 0.1, -3.0, 1.7e9 + 0.5])
def test_another_value_than_the_only_one_lies_in_another_cell(constant):
    cut = cells.of_numbers("x", np.full(50, constant))
    there, other = placed(cut, np.array([constant, constant + max(1.0, abs(constant))]))
    assert there != other


def test_constant_of_32_bits_is_the_same_value():
    cut = cells.of_numbers("x", np.full(50, 0.1))
    assert placed(cut, np.array([np.float32(0.1)])) == placed(cut, np.array([0.1]))


def test_value_beyond_frequent_ends_lies_in_a_cell_of_its_own():
    cut = cells.of_numbers("x", np.array([0, 1] * 50))
    assert len({*placed(cut, np.array([-5, 0, 1, 100]))}) == 4


def test_rare_ends_get_no_cell_beyond_them():
    cut = cells.of_numbers("x", np.array([0] * 500 + [1] * 500 + [2]))
    assert placed(cut, np.array([2, 3])) == [placed(cut, np.array([2]))[0]] * 2


@pytest.mark.parametrize(
    "values",
    [
        np.array([np.inf, -np.inf, 3.0] * 20),
        np.array([1.7e308, -1.7e308] * 20),
        texts(*[10**400, -(10**400), 1] * 20),
        np.full(20, np.inf),
        np.full(20, np.nan),
    ],
)
@pytest.mark.filterwarnings("error")
def test_numbers_without_bounds_are_cut_and_summed(values):
    cut, counts = sums(values)
    assert np.isfinite(cut.edges).all()
    assert np.isfinite(counts.sums).all()
    assert np.isfinite(counts.squares).all()
    assert counts.counts.sum() + counts.missing.sum() == len(values)


def test_sums_of_large_numbers_that_are_near_each_other_tell_their_deviation():
    values = 1.7e12 + np.random.default_rng(0).normal(0, 3, 1000)
    _, counts = sums(values)
    deviation = np.sqrt(counts.squares[0] / 1000 - (counts.sums[0] / 1000) ** 2)
    assert deviation == pytest.approx(values.std(), rel=1e-9)


def test_sum_of_one_classified_row_tells_no_more_than_its_cell():
    batches = [{"x": np.linspace(10_000, 90_000, 200)}, {"x": np.array([43_217.0])}]
    ((cut, counts),) = sketching.counted([WatchedColumn("x", "number", is_classified=True)], batches)
    other = sketching.window_counts([cut], {"x": np.array([43_300.0])}, rows=1).columns["x"]
    assert counts.sums[1] == other.sums[0]
    assert counts.sums[1] + cut.center != 43_217.0


def test_numbers_in_quotes_are_the_numbers_of_a_file_without_types():
    cut = cells.of_numbers("x", np.array([7, 12, 113] * 20))
    assert placed(cut, texts("007", "12", "1.13e2", "x", None)) == [
        *placed(cut, np.array([7, 12, 113])),
        cells.MISSING,
        cells.MISSING,
    ]


def test_texts_among_numbers_are_named():
    cut = cells.of_numbers("x", np.array([7, 12, 113] * 20))
    assert cells.place(cut, texts(7, "nan", "x", "x"))[1] == [("x", 2), ("nan", 1)]


def test_codes_that_were_read_as_numbers_are_the_levels_that_are_written_with_zeros():
    cut = cells.of_levels("x", texts("007", "A2", "113"))
    assert placed(cut, np.array([7, 113])) == placed(cut, texts("007", "113"))
    assert cells.place(cut, texts("7"))[1] == [("7", 1)]


@pytest.mark.parametrize("values", [texts("007", "A2"), texts(*(f"{each:04}" for each in range(300)))])
def test_hashes_of_codes_are_those_of_their_numbers(values):
    cut = cells.of_levels("x", values, is_classified=True)
    assert placed(cut, np.array([7])) == placed(cut, texts("007" if len(values) < 300 else "0007"))


def test_whole_numbers_and_truth_values_are_called_the_same_in_every_format():
    cut = cells.of_levels("x", np.array([1, 2, 2]))
    assert placed(cut, np.array([1.0, 2.0])) == placed(cut, np.array([1, 2]))
    truths = cells.of_levels("x", np.array([True, False]))
    assert cells.place(truths, texts(True, None, False))[1] == []


def test_levels_of_a_classified_column_are_written_down_nowhere():
    cut = cells.of_levels("x", texts("secret", "secret", "other"), is_classified=True)
    assert "secret" not in repr(cut)
    assert cells.place(cut, texts("unheard-of"))[1] == []


@pytest.mark.parametrize("kind", ["number", "category", "text"])
def test_lists_where_values_were_expected_are_counted(kind):
    given = {"number": np.arange(50.0) ** 2, "category": texts("a", "b"), "text": texts("some words of a text")}[kind]
    cuts = [cut for cut, _ in sketching.counted([WatchedColumn("x", kind)], [{"x": given}])]
    found = sketching.window_counts(cuts, {"x": np.ones((5, 3))}, rows=5)
    assert all(each.counts.sum() + each.missing.sum() == 5 for each in found.columns.values())


@pytest.mark.parametrize("kind", ["number", "category", "text", "vector"])
def test_empty_window_is_counted(kind):
    given = {"vector": np.ones((5, 3)), "number": np.arange(5.0)}.get(kind, texts(*"abcde"))
    cuts = [cut for cut, _ in sketching.counted([WatchedColumn("x", kind)], [{"x": given}])]
    found = sketching.window_counts(cuts, {"x": texts()}, rows=0)
    assert all(each.counts.sum() == 0 for each in found.columns.values())
