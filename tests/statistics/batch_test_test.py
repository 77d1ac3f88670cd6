"""Ranks, tails and the martingale: what p-values are worth."""

from __future__ import annotations

import math

import pytest

from mlgit.statistics import batch_test, exchangeability, martingale, row_permutation
from mlgit.statistics.batch_scores import CountTable
from tests.kit.late import Module

np = Module("numpy")


def test_rank_counts_the_last_score_itself() -> None:
    assert batch_test.rank_pvalue(np.array([1.0, 2.0, 3.0, 4.0])) == 0.25
    assert batch_test.rank_pvalue(np.array([4.0, 2.0, 3.0, 1.0])) == 1.0
    assert batch_test.rank_pvalue(np.array([4.0, 4.0])) == 1.0


def test_smoothed_rank_is_uniform_even_among_ties() -> None:
    rng = np.random.default_rng(0)
    found = [batch_test.smoothed_pvalue(rng.integers(0, 3, 10).astype(float), uniform=rng.random()) for _ in range(4000)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.02)
    assert np.mean(np.array(found) <= 0.1) == pytest.approx(0.1, abs=0.02)


def test_tail_has_the_share_that_it_says_where_it_is_known() -> None:
    rng = np.random.default_rng(1)
    known = np.exp(rng.gumbel(1.8, 0.1, 100_000)) - 6.0
    tail = batch_test.tail(known)
    for alpha in (0.05, 0.01):
        assert np.mean(known >= tail.quantile(alpha)) == pytest.approx(alpha, rel=0.1)
        assert tail.pvalue(tail.quantile(alpha)) == pytest.approx(alpha, rel=1e-9)


def test_tail_of_scores_that_are_all_alike_is_finite() -> None:
    tail = batch_test.tail(np.zeros(20))
    assert 0 < tail.pvalue(0.0) < 1
    assert tail.pvalue(50.0) < 1e-6


def test_standardised_column_that_never_varies_has_a_scale() -> None:
    measure = batch_test.yardstick(np.zeros((10, 1)))
    assert measure.standardized(np.array([[1.0]])) == pytest.approx(2.0)


def test_capital_grows_by_small_pvalues_and_shrinks_by_large_ones() -> None:
    assert martingale.capital([]) == 1.0
    assert martingale.capital([0.001]) > 1.0 > martingale.capital([0.9])
    assert martingale.capital([0.01] * 3) > martingale.PAGE


def test_capital_is_a_fair_game() -> None:
    """The integral of exponent * p ** (exponent - 1) over p is one."""
    places = (np.arange(200_000) + 0.5) / 200_000
    values = [sum(each * place ** (each - 1) for each in martingale._EXPONENTS) / 5 for place in places.tolist()]
    assert math.fsum(values) / len(values) == pytest.approx(1.0, abs=0.08)  # the bet on 0.1 has most of it below 1e-5


def test_capital_begins_anew_after_an_alarm() -> None:
    pvalues = [0.001] * 3 + [0.5]
    capitals = list(martingale.running(pvalues))
    alarmed = next(place for place, value in enumerate(capitals) if value >= martingale.PAGE)
    assert martingale.capital(pvalues[alarmed + 1 :]) == pytest.approx(capitals[-1])


def test_capital_rarely_passes_a_hundred_where_nothing_changes() -> None:
    rng = np.random.default_rng(5)
    reached = sum(max(martingale.running(rng.random(365).tolist())) >= martingale.PAGE for _ in range(600))
    assert reached / 600 <= 0.02  # at most 1 % by Ville's inequality, and the binomial 99 % of it


def _counts(rng: object, means: object) -> CountTable:
    edges = np.quantile(np.random.default_rng(0).normal(size=10_000), np.arange(1, 16) / 16)
    counts = [np.bincount(np.searchsorted(edges, rng.normal(mean, 1, 400)), minlength=16) for mean in means]
    return CountTable(np.array(counts), np.array([0]), np.array([True]))


def test_trend_of_the_reference_is_seen_and_chance_is_not() -> None:
    rng = np.random.default_rng(6)
    assert exchangeability.order_test(_counts(rng, np.linspace(-0.1, 0.1, 40))).trend_pvalue < 0.01
    quiet = [exchangeability.order_test(_counts(rng, rng.normal(0, 0.1, 30)), n_permutations=99, seed=n) for n in range(60)]
    assert np.mean([each.trend_pvalue <= 0.1 for each in quiet]) < 0.25
    assert np.mean([each.neighbour_pvalue <= 0.1 for each in quiet]) < 0.25


def test_neighbours_that_are_alike_are_seen() -> None:
    rng = np.random.default_rng(7)
    level, means = 0.0, []
    for _ in range(60):
        level = 0.95 * level + rng.normal(0, 0.1)
        means.append(level)
    assert exchangeability.order_test(_counts(rng, means)).neighbour_pvalue < 0.01


def test_drawn_rows_give_a_pvalue_that_chance_keeps_to() -> None:
    low, rng = 0, np.random.default_rng(8)
    for seed in range(60):
        cells = rng.integers(0, 4, size=(458, 3))
        found = row_permutation.permuted(
            cells, n_window=60, widths=np.array([4, 4, 4]), is_ordered=np.array([True, False, False]), seed=seed
        )
        low += batch_test.rank_pvalue(found.score) <= 0.1
    assert 1 <= low <= 14  # the binomial 99.9 % of 6


def test_drawn_rows_show_what_moved() -> None:
    rng = np.random.default_rng(9)
    cells = np.concatenate(
        [rng.integers(0, 4, size=(398, 2)), np.stack([rng.integers(0, 4, 60), rng.integers(2, 4, 60)], axis=1)]
    )
    found = row_permutation.permuted(cells, n_window=60, widths=np.array([4, 4]), is_ordered=np.array([True, True]), seed=0)
    assert batch_test.rank_pvalue(found.score) == 0.001
    assert found.columns[-1].argmax() == 1
