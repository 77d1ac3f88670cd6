"""Rows in time order: the length of blocks, and how often intervals of equal models leave the truth out."""

from __future__ import annotations

import numpy as np
import pytest

from mlgit.statistics import blocks
from mlgit.statistics.comparison import ComparisonOptions, compare
from mlgit.statistics.predictions import Predictions
from tests.kit import FULL


def series(size, *, memory, seed):
    """A series in which each value keeps a share of the one before."""
    shocks = np.random.default_rng(seed).normal(size=size + 200)
    for place in range(1, len(shocks)):
        shocks[place] += memory * shocks[place - 1]
    return shocks[200:]


@pytest.mark.parametrize(("memory", "least", "most"), [(0.0, 1, 3), (0.5, 24, 36), (0.9, 85, 140)])
def test_blocks_are_as_long_as_the_series_remembers(memory, least, most):
    # the optimum of Politis and White for this series: (6 m² / (1 - m²)² n)^(1/3), which is 29.9 and 110.4 here
    found = [blocks.length(series(10_000, memory=memory, seed=seed)) for seed in range(8)]
    assert least <= np.median(found) <= most


def test_independent_rows_are_blocks_of_one():
    values = np.random.default_rng(0).normal(size=500)
    assert blocks.variance(values - values.mean(), 1) == pytest.approx(((values - values.mean()) ** 2).sum())
    assert blocks.length(np.ones(50)) == 1.0


@pytest.mark.parametrize(("size", "expected"), [(1, 1), (15, 1), (32, 3), (99, 5), (1000, 10)])
def test_blocks_are_as_long_as_weak_memory_asks_for(size, expected):
    assert blocks.whole_length(np.ones(size)) == expected


def test_interval_is_wider_where_few_blocks_decide():
    even, odd = np.random.default_rng(0).normal(size=400), np.where(np.arange(400) == 77, 1.0, -1 / 399)
    widths = [blocks.interval(0.0, each - each.mean(), confidence=0.9).high / np.sqrt((each**2).sum()) for each in (even, odd)]
    assert widths[1] > 1.3 * widths[0]


def test_fewer_than_ten_blocks_tell_nothing_and_say_how_many_rows_would():
    found = blocks.interval(0.1, series(120, memory=0.97, seed=1) / 120, confidence=0.9)
    assert found.low != found.low
    assert "at least 10 blocks needed: about " in found.why


def error_series(size, *, memory, seed):
    """Two models that are equally good, each wrong more often in its own bad times."""
    label = np.arange(size) % 2
    wrong = [series(size, memory=memory, seed=2 * seed + side) for side in (0, 1)]
    cuts = 1.28 / np.sqrt(1 - memory**2)
    return [Predictions(label, np.where(each > cuts, 1 - label, label), 0.5 + 0.01 * each) for each in wrong]


@pytest.mark.parametrize("metric", ["accuracy", "recall", "roc_auc", "brier"] if FULL else ["accuracy"])
def test_intervals_of_equal_models_seldom_exclude_nought(metric):
    runs, asked, out = 400 if FULL else 30, ComparisonOptions(0.9, resamples=999, better="higher", positive=1), 0
    for seed in range(runs):
        old, new = error_series(1000, memory=0.9, seed=seed)
        found = compare(metric, old, new, question=asked, order=np.arange(1000))
        out += found.low is not None and not found.low <= 0 <= found.high
    assert out <= (0.13 + 2.6 * np.sqrt(0.13 * 0.87 / runs)) * runs


def test_order_of_the_rows_in_the_file_does_not_matter():
    old, new = error_series(600, memory=0.8, seed=3)
    mixed = np.random.default_rng(5).permutation(600)
    shuffled = [Predictions(each.label[mixed], each.prediction[mixed], each.score[mixed]) for each in (old, new)]
    plain, other = compare("f1", old, new, order=np.arange(600)), compare("f1", *shuffled, order=np.argsort(mixed))
    assert (plain.low, plain.high, plain.method) == (pytest.approx(other.low), pytest.approx(other.high), other.method)
