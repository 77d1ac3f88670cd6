"""What the best of many is worth: held against what happens when many are tried and none is better."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.statistics import best_of_many, leverage
from mlgit.statistics.distributions import normal_quantile
from tests.kit import FULL


def centred(rows):
    """Influences on means of rows, (k, n): they sum to 0."""
    return (rows - rows.mean(axis=1, keepdims=True)) / rows.shape[1]


def judged(rows, *, chosen=None, confidence_level=0.9, draws=1999, seed=0):
    gains = rows.mean(axis=1)
    place = int(gains.argmax()) if chosen is None else chosen
    return best_of_many.judge(gains, centred(rows), chosen=place, confidence_level=confidence_level, seed=seed, draws=draws)


def searches(count, *, candidates, rows, shared=0.0, better=0.0, seed=1):
    """Differences of candidates from the baseline in each row, of many searches."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        common = generator.normal(size=(1, rows))
        own = generator.normal(size=(candidates, rows))
        yield better + np.sqrt(shared) * common + np.sqrt(1 - shared) * own


@pytest.mark.slow  # many searches
@pytest.mark.parametrize(("candidates", "shared"), [(1, 0.0), (20, 0.0), (20, 0.9), (300, 0.3)])
def test_best_of_many_that_are_no_better_seldom_looks_better(candidates, shared):
    count = 2000 if FULL else 400 // (1 + candidates // 50)
    found = [judged(each, draws=499) for each in searches(count, candidates=candidates, rows=150, shared=shared)]
    wrong = sum(each.low > 0 for each in found) / count
    assert abs(wrong - 0.05) < 4 * (0.05 * 0.95 / count) ** 0.5
    assert abs(sum(each.pvalue <= 0.05 for each in found) / count - wrong) < 0.02


def test_without_heeding_the_picking_the_best_would_often_look_better():
    count = 200
    alone = [judged(each[each.mean(axis=1).argmax()][None]) for each in searches(count, candidates=20, rows=150)]
    assert sum(each.low > 0 for each in alone) / count > 0.4


def test_a_real_gain_is_found():
    rows = next(searches(1, candidates=20, rows=400))
    rows[7] += 0.5
    found = judged(rows)
    assert found.low > 0
    assert found.pvalue < 0.01


def test_one_candidate_has_the_interval_of_one_change():
    rows = next(searches(1, candidates=1, rows=1000, better=0.1))
    found = judged(rows, draws=20_000)
    reach = -normal_quantile(0.05) * rows.std() / np.sqrt(1000)
    assert found.high - rows.mean() == pytest.approx(reach, rel=0.03)
    assert rows.mean() - found.low == pytest.approx(reach, rel=0.03)
    assert found.optimism == pytest.approx(0, abs=0.003)


def test_optimism_is_what_picking_adds():
    known = list(searches(300, candidates=10, rows=200))
    estimated = np.mean([judged(each, draws=299).optimism for each in known])
    added = np.mean([each.mean(axis=1).max() for each in known])
    assert 0 < estimated < added
    assert added == pytest.approx(1.54 / np.sqrt(200), rel=0.05)
    assert estimated > added / 3


def test_candidates_that_say_nearly_the_same_count_nearly_as_one():
    def width(candidates, shared):
        found = judged(next(searches(1, candidates=candidates, rows=400, shared=shared)))
        return found.high - found.low

    one, same, apart = width(1, 0.0), width(50, 0.999), width(50, 0.0)
    assert same < 1.15 * one
    assert apart > 1.5 * one


def test_candidate_that_equals_the_baseline_in_every_row_changes_nothing():
    rows = next(searches(1, candidates=5, rows=100))
    more = np.concatenate([rows, np.zeros((3, 100))])
    best = int(rows.mean(axis=1).argmax())
    one, other = judged(rows, chosen=best), judged(more, chosen=best)
    assert (one.low, one.pvalue) == (other.low, other.pvalue)
    assert judged(more, chosen=6) is None


def test_seed_gives_the_same_again():
    rows = next(searches(1, candidates=8, rows=60))
    assert judged(rows) == judged(rows)
    assert judged(rows) != judged(rows, seed=5)


def test_fewer_rows_than_candidates_are_enough():
    rows = next(searches(1, candidates=200, rows=40, better=0.0))
    assert judged(rows).pvalue > 0.001


def test_rows_of_a_cluster_count_together():
    rows = np.repeat(next(searches(1, candidates=6, rows=50)), 20, axis=1)
    groups = np.repeat(np.arange(50), 20)
    gains, influence = rows.mean(axis=1), centred(rows)
    best = int(gains.argmax())
    asked = {"chosen": best, "confidence_level": 0.9, "seed": 0}
    alone = best_of_many.judge(gains, influence, **asked)
    together = best_of_many.judge(gains, np.array([leverage.summed(each, groups) for each in influence]), **asked)
    assert together.high - together.low > 4 * (alone.high - alone.low)


def test_rows_of_a_series_count_by_blocks():
    generator = np.random.default_rng(3)
    steps = generator.normal(size=(4, 2000))
    rows = np.zeros_like(steps)
    for place in range(1, 2000):
        rows[:, place] = 0.9 * rows[:, place - 1] + steps[:, place]
    order = generator.permutation(2000)
    shuffled = np.empty_like(rows)
    shuffled[:, order] = rows
    gains, influence = rows.mean(axis=1), centred(shuffled)
    asked = {"chosen": int(gains.argmax()), "confidence_level": 0.9, "seed": 0}
    alone = best_of_many.judge(gains, influence, **asked)
    in_blocks = best_of_many.judge(gains, best_of_many.in_blocks(influence, order), **asked)
    assert in_blocks.high - in_blocks.low > 2 * (alone.high - alone.low)


def test_sums_of_rows_that_are_drawn_by_lot_tell_the_same():
    rows = next(searches(1, candidates=20, rows=40_000, shared=0.3, better=0.01))
    groups = np.random.default_rng(0).permutation(40_000) % 2000
    gains, influence = rows.mean(axis=1), centred(rows)
    asked = {"chosen": int(gains.argmax()), "confidence_level": 0.9, "seed": 0}
    alone = best_of_many.judge(gains, influence, **asked)
    together = best_of_many.judge(gains, np.array([leverage.summed(each, groups) for each in influence]), **asked)
    assert together.high - together.low == pytest.approx(alone.high - alone.low, rel=0.05)
    assert together.optimism == pytest.approx(alone.optimism, rel=0.1, abs=1e-4)
