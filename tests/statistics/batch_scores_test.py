"""The statistics of batches, beside scipy, and what they see of rare cells."""

from __future__ import annotations

from typing import Any

import pytest

from mlgit.statistics import batch_scores
from mlgit.statistics.batch_scores import CountTable
from tests.kit.late import Module

np = Module("numpy")
stats = Module("scipy.stats")


def _table(rng: Any, *, n_batches: int = 6) -> CountTable:
    """A number of eight cells beside a category of five."""
    counts = np.concatenate(
        [rng.multinomial(400, np.ones(8) / 8, n_batches), rng.multinomial(400, np.ones(5) / 5, n_batches)], axis=1
    )
    return CountTable(counts, np.array([0, 8]), np.array([True, False]))


def test_chi_squared_is_that_of_a_table_with_two_rows() -> None:
    table = _table(np.random.default_rng(1))
    found = batch_scores.against_rest(table).chi_squared
    pool = table.counts.sum(axis=0) - table.counts
    for batch in range(len(table.counts)):
        for column, cells in enumerate((slice(0, 8), slice(8, 13))):
            rows = np.stack([table.counts[batch, cells], pool[batch, cells]])
            expected = stats.chi2_contingency(rows, correction=False).statistic
            assert found[batch, column] == pytest.approx(expected, rel=1e-9)


def test_cells_too_rare_for_chi_squared_are_one() -> None:
    counts = np.array([[100, 100, 3, 1], [100, 100, 1, 2], [100, 100, 2, 3]])
    found = batch_scores.against_rest(CountTable(counts, np.array([0]), np.array([False]))).chi_squared
    pooled = np.array([[100, 100], [100, 100], [100, 100]])
    alone = batch_scores.against_rest(CountTable(pooled, np.array([0]), np.array([False]))).chi_squared
    assert (alone == 0).all()
    assert (found >= 0).all()
    assert (found < 1).all()


def test_cramer_von_mises_is_the_integral_of_squared_differences() -> None:
    rng = np.random.default_rng(2)
    mine, theirs = rng.normal(size=60), rng.normal(0.3, 1.0, size=240)
    both = np.sort(np.concatenate([mine, theirs]))
    one, other = np.searchsorted(np.sort(mine), both, "right") / 60, np.searchsorted(np.sort(theirs), both, "right") / 240
    expected = 60 * 240 / 300**2 * ((one - other) ** 2).sum()
    # with a cell for every value nothing is lost
    edges = (both[1:] + both[:-1]) / 2
    counts = np.stack([np.bincount(np.searchsorted(edges, each), minlength=300) for each in (mine, theirs)])
    found = batch_scores.against_rest(CountTable(counts, np.array([0]), np.array([True]))).cramer_von_mises
    assert found[0, 0] == pytest.approx(expected, rel=1e-9)
    exact = stats.cramervonmises_2samp(mine, theirs).statistic
    assert found[0, 0] == pytest.approx(exact, abs=0.02)


def test_largest_cell_of_quiet_counts_is_about_normal_however_rare_it_is() -> None:
    rng = np.random.default_rng(3)
    counts = rng.multinomial(500, [0.98, 0.018, 0.002], 4000)
    table = CountTable(counts, np.array([0]), np.array([False]))
    signed = batch_scores.signed_cells(table, counts.sum(axis=0) - counts)
    assert np.abs(signed.mean(axis=0)).max() < 0.25
    assert signed.std(axis=0)[1:] == pytest.approx(1.0, abs=0.15)


def test_level_nobody_saw_before_stands_out_and_divides_by_nothing() -> None:
    counts = np.tile(np.array([[300, 200, 0]]), (20, 1))
    counts[-1] = [290, 196, 14]
    found = batch_scores.against_rest(CountTable(counts, np.array([0]), np.array([False]))).largest_cell
    assert found[-1, 0] > 6
    assert found[:-1].max() < 1.5


def test_batches_of_nothing_score_nothing() -> None:
    counts = np.array([[0, 0], [5, 6], [7, 4]])
    found = batch_scores.against_rest(CountTable(counts, np.array([0]), np.array([True])))
    assert found.cramer_von_mises[0, 0] == 0
    assert found.chi_squared[0, 0] == 0
    assert found.largest_cell[0, 0] == 0
